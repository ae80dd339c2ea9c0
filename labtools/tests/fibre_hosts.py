"""Lab hosts with Fibre Channel for tests: the demonstration as libvirt has it, and hosts with names of their own."""

import zlib
from typing import Any

from django.utils import timezone

from labtools.labhost import inventory, sections
from labtools.labhost.tests import fibre_channel
from labtools.labhost.tests.libvirt_hosts import demonstration
from labtools.models import Fact, Inventory, LabHost


def make_fibre_host(slug: str = "demonstration", raw: dict[str, Any] | None = None, **fields: Any) -> LabHost:
    """A host with this inventory; that of libvirt's test driver unless told otherwise."""
    values: dict[str, Any] = {"name": slug.replace("-", " ").capitalize()}
    values["transport"] = LabHost.Transport.DEMONSTRATION if raw is None else LabHost.Transport.LOCAL
    host, _ = LabHost.objects.update_or_create(slug=slug, defaults=values | fields)
    found = demonstration() if raw is None else inventory.read_section(raw)
    data = sections.canonical(inventory.inventory_to_json(found))
    digest = sections.digest(data)
    Fact.objects.get_or_create(
        digest=digest, defaults={"kind": Fact.Kind.INVENTORY, "data": zlib.compress(data)}
    )
    Inventory.objects.update_or_create(host=host, defaults={"taken_at": timezone.now(), "digest": digest})
    return host


def make_real_host(slug: str, number: int, **fields: Any) -> LabHost:
    """A host whose one HBA has names that only it has: :func:`names_of` them."""
    node, port = names_of(number)
    device = fibre_channel.scsi_host(f"scsi_host{number}", "pci_0000_04_00_1", node, port, vports=(0, 9))
    return make_fibre_host(slug, fibre_channel.raw(node_devices=[device], pools=[]), **fields)


def names_of(number: int) -> tuple[str, str]:
    """WWNN and WWPN of the HBA of the real host ``number``."""
    return f"20000024ff{number:06x}", f"21000024ff{number:06x}"
