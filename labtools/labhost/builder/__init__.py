"""Build a ``-device`` option from the fields of a device type, and the libvirt XML where libvirt has an element."""

from .fields import Choice, Field, Group, Input, fields_of
from .libvirt_xml import LibvirtXml, Way, libvirt_xml
from .option import Built, build

__all__ = [
    "Built",
    "Choice",
    "Field",
    "Group",
    "Input",
    "LibvirtXml",
    "Way",
    "build",
    "fields_of",
    "libvirt_xml",
]
