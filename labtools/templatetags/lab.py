"""Filters of the lab's templates."""

from django import template

from labtools import qcow2

register = template.Library()


@register.filter
def binary_size(number: int) -> str:
    """Bytes in the binary units that the QEMU documentation uses: ``50 GiB``, ``1.33 MiB``."""
    return qcow2.binary_size(number)
