"""Filters of the lab's templates."""

import shlex

from django import template

from labtools import qcow2

register = template.Library()


@register.filter
def binary_size(number: int) -> str:
    """Bytes in the binary units that the QEMU documentation uses: ``50 GiB``, ``1.33 MiB``."""
    return qcow2.binary_size(number)


@register.filter
def shell_word(text: str) -> str:
    """One word for a shell, whatever is in it: names come from hosts, and people copy commands."""
    return shlex.quote(text)
