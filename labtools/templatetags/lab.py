"""Filters of the lab's templates."""

from django import template

from labtools import verdicts

register = template.Library()


@register.filter
def binary_size(number: int) -> str:
    """Bytes in the binary units that the QEMU documentation uses: ``1.5 GiB``."""
    return verdicts.binary_size(number)
