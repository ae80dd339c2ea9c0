"""Show a device type as ``qemu-system-… -device TYPE,help`` does, from a stored document."""

from __future__ import annotations

from .document import Device, Property, PropertyList

#: Column at which QEMU begins a description (qom/object_interfaces.c, object_property_help()).
COLUMN = 24


def render_device_help(device: Device, properties: PropertyList | None) -> str:
    """Return the text of ``-device <device.name>,help``; empty if QEMU did not answer for the type.

    ``properties`` is the list of ``device.properties``.
    """
    if properties is None:
        return ""
    if not properties.properties:
        return f"There are no options for {device.name}.\n"
    # QEMU sorts the finished lines, so "ace2-en=" comes before "ace2=".
    lines = sorted(_line(item) for item in properties.properties)
    return "\n".join([f"{device.name} options:", *lines]) + "\n"


def _line(item: Property) -> str:
    line = f"  {item.name}=<{item.type}>"
    if item.description or item.default is not None:
        line = f"{line:<{COLUMN}} - {item.description}"
    return line if item.default is None else f"{line} (default: {item.default})"
