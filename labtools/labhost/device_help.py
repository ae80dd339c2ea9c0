"""Show a device type as ``qemu-system-… -device TYPE,help`` does, from a stored document."""

from __future__ import annotations

from .document import Device, Property, PropertyList

#: Column at which QEMU begins a description (qom/object_interfaces.c, object_property_help()).
COLUMN = 24


#: Since then defaults are shown as one types them, before as JSON (QEMU's commit 36324c67, "qom: Use command line
#: syntax for default values in help").
TYPED_SINCE = 10


def render_device_help(device: Device, properties: PropertyList | None, version: str) -> str:
    """Return the text of ``-device <device.name>,help`` of QEMU ``version``; empty if it did not answer for the type.

    ``properties`` is the list of ``device.properties``.
    """
    if properties is None:
        return ""
    if not properties.properties:
        return f"There are no options for {device.name}.\n"
    major = version.partition(".")[0]
    is_typed = major.isascii() and major.isdigit() and len(major) < 6 and int(major) >= TYPED_SINCE
    # QEMU sorts the finished lines, so "ace2-en=" comes before "ace2=".
    lines = sorted(
        _line(item, item.typed_default if is_typed else item.default) for item in properties.properties
    )
    return "\n".join([f"{device.name} options:", *lines]) + "\n"


def _line(item: Property, default: str | None) -> str:
    line = f"  {item.name}=<{item.type}>"
    if item.description or default is not None:
        line = f"{line:<{COLUMN}} - {item.description}"
    return line if default is None else f"{line} (default: {default})"
