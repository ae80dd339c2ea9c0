"""What the XML of one libvirt thing each becomes, and that an inventory is the same after it was stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labtools.labhost import inventory_xml, sections
from labtools.labhost.document import DocumentError, parse_document
from labtools.labhost.inventory import (
    BlockDetails,
    InventoryError,
    NetDetails,
    NumaNode,
    PciDetails,
    Permissions,
    PoolAdapter,
    ScsiAddress,
    inventory_from_json,
    inventory_to_json,
    read_section,
)
from labtools.labhost.tests import fibre_channel
from labtools.labhost.tests.test_document import make_raw

PCI = """<device><name>pci_0000_04_00_0</name><path>/sys/devices/x</path><parent>computer</parent>
<driver><name>lpfc</name></driver><capability type='pci'><class>0x0c0400</class><domain>0</domain><bus>4</bus>
<slot>16</slot><function>1</function><product id='0xe300'>LPe31000</product><vendor id='0x10df'>Emulex</vendor>
<iommuGroup number='21'><address domain='0x0000' bus='0x04' slot='0x10' function='0x1'/></iommuGroup>
<numa node='1'/></capability></device>"""
NET = """<device><name>net_eth0_52_54_00_12_34_56</name><parent>pci_0000_00_03_0</parent><capability type='net'>
<interface>eth0</interface><address>52:54:00:12:34:56</address><link speed='1000' state='up'/></capability></device>"""
TARGET = """<device><name>scsi_target6_0_0</name><parent>scsi_host6</parent><capability type='scsi_target'>
<target>target6:0:0</target><capability type='fc_remote_port'><rport>rport-6:0-0</rport>
<wwpn>50:06:01:60</wwpn></capability></capability></device>"""
SCSI = """<device><name>scsi_6_0_0_1</name><parent>scsi_target6_0_0</parent><driver><name>sd</name></driver>
<capability type='scsi'><host>6</host><bus>0</bus><target>0</target><lun>1</lun><type>disk</type></capability>
</device>"""
BLOCK = """<device><name>block_sdb_1</name><parent>scsi_6_0_0_1</parent><devnode type='dev'>/dev/sdb</devnode>
<devnode type='link'>/dev/disk/by-path/pci-0000:04:10.1-fc-0x5006016044602198-lun-1</devnode>
<devnode type='link'>/dev/disk/by-id/scsi-3600</devnode><capability type='storage'><block>/dev/sdb</block>
<bus>scsi</bus><drive_type>disk</drive_type><model>RAID 5</model><vendor>DGC</vendor><size>10737418240</size>
</capability></device>"""
POOL = """<pool type='scsi'><name>fc</name><capacity unit='GiB'>2</capacity><allocation unit='bytes'>7</allocation>
<available unit='bytes'>9</available><source><adapter type='fc_host' parent='scsi_host5'
parent_wwnn='2001001b32a9da4e' parent_wwpn='2101001b32a9da4e' managed='yes' wwnn='5001a4a000000aaa'
wwpn='5001a4a000000bbb'/></source><target><path>/dev/disk/by-path</path><permissions><mode>0711</mode>
<owner>0</owner><group>107</group><label>system_u:object_r:x</label></permissions></target></pool>"""
VOLUME = """<volume type='file'><name>a.iso</name><capacity unit='bytes'>4096</capacity>
<allocation unit='KiB'>4</allocation><target><path>/isos/a.iso</path><format type='iso'/>
<permissions><mode>0600</mode><owner>-1</owner><group>0</group></permissions></target></volume>"""
CAPABILITIES = """<capabilities><host><cpu><arch>x86_64</arch><model>EPYC</model></cpu><topology><cells num='2'>
<cell id='1'><memory unit='KiB'>2048</memory><cpus num='8'/></cell><cell id='0'><cpus num='4'/></cell></cells>
</topology></host></capabilities>"""
DOMAIN = """<domainCapabilities><path>/usr/bin/qemu-system-x86_64</path><domain>kvm</domain><machine>q35</machine>
<arch>x86_64</arch><vcpu max='255'/><cpu><mode name='host-passthrough' supported='yes'/>
<mode name='maximum' supported='no'/></cpu><devices><disk supported='yes'><enum name='bus'><value>scsi</value>
<value>virtio</value></enum></disk></devices></domainCapabilities>"""


def section(**changes: Any) -> dict[str, Any]:
    """A ``libvirt`` section in which everything occurs."""
    pool = {"xml": POOL, "active": True, "persistent": True, "autostart": False, "volumes": [VOLUME]}
    return fibre_channel.raw(
        node_devices=[*fibre_channel.DEVICES[:3], PCI, NET, TARGET, SCSI, BLOCK],
        pools=[pool],
        networks=["<network><name>default</name></network>"],
        capabilities=CAPABILITIES,
        domain_capabilities=DOMAIN,
        **changes,
    )


def document(libvirt: object) -> bytes:
    return json.dumps(make_raw() | {"libvirt": libvirt}).encode()


def test_a_pci_device_has_its_address_driver_and_groups() -> None:
    device = inventory_xml.node_device(PCI)
    assert device.driver == "lpfc"
    assert device.pci == PciDetails("0000:04:10.1", "0x10df", "0xe300", iommu_group=21, numa_node=1)


def test_an_address_out_of_range_is_none() -> None:
    assert inventory_xml.node_device(PCI.replace("<slot>16<", "<slot>32<")).pci is None


def test_an_interface_has_its_mac() -> None:
    assert inventory_xml.node_device(NET).net == NetDetails("eth0", "52:54:00:12:34:56", "up")


def test_a_lun_is_found_with_its_block_device_and_by_path() -> None:
    (lun,) = read_section(section()).luns
    assert lun.address == ScsiAddress(6, 0, 0, 1, "disk")
    by_path = "/dev/disk/by-path/pci-0000:04:10.1-fc-0x5006016044602198-lun-1"
    links = ("/dev/disk/by-id/scsi-3600", by_path)
    assert lun.block == BlockDetails("/dev/sdb", links, "scsi", "disk", 10737418240, "RAID 5")
    assert lun.block.by_path == by_path
    assert inventory_xml.node_device(TARGET).remote_wwpn == "50:06:01:60"


def test_a_vhba_is_a_port_whose_parent_is_a_scsi_host() -> None:
    found = read_section(section())
    assert [device.name for device in found.vhbas] == ["scsi_host6"]


def test_a_scsi_host_has_its_unique_id() -> None:
    text = fibre_channel.DEVICES[0].replace("</host>", "</host><unique_id>4</unique_id>")
    assert inventory_xml.node_device(text).unique_id == 4
    assert inventory_xml.node_device(fibre_channel.DEVICES[0]).unique_id is None


def test_a_pool_has_its_adapter_and_permissions() -> None:
    (pool,) = read_section(section()).pools
    assert pool.source_adapter == PoolAdapter(
        "fc_host",
        parent="scsi_host5",
        parent_wwnn="2001001b32a9da4e",
        parent_wwpn="2101001b32a9da4e",
        wwnn="5001a4a000000aaa",
        wwpn="5001a4a000000bbb",
        managed="yes",
    )
    assert pool.permissions == Permissions(0, 107, "0711", "system_u:object_r:x")
    assert (pool.capacity, pool.allocation, pool.available) == (2 << 30, 7, 9)
    (volume,) = pool.volumes
    assert volume.permissions == Permissions(None, 0, "0600", "")
    assert (volume.type, volume.format, volume.allocation) == ("file", "iso", 4096)


def test_the_host_has_its_numa_nodes_and_domain_capabilities() -> None:
    found = read_section(section())
    assert found.numa_nodes == (NumaNode(0, None, 4), NumaNode(1, 2 << 20, 8))
    assert found.domain_capabilities is not None
    assert found.domain_capabilities.max_vcpus == 255
    assert found.domain_capabilities.cpu_modes == ("host-passthrough",)
    assert found.domain_capabilities.devices == (("disk.bus", ("scsi", "virtio")),)


def test_a_stored_inventory_is_read_as_it_was() -> None:
    found = read_section(section(refused={"domain_capabilities": "no"}))
    stored = sections.canonical(inventory_to_json(found))
    assert inventory_from_json(json.loads(stored)) == found
    assert b"remote_wwpn" in stored
    assert b'"net":null' not in stored


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"uri": 3}, "x"],
)
def test_what_is_no_stored_inventory_is_refused(value: object) -> None:
    with pytest.raises(InventoryError, match="not in the form"):
        inventory_from_json(value)


def test_a_stored_inventory_with_a_part_of_another_type_is_refused() -> None:
    value = inventory_to_json(read_section(section()))
    for key, wrong in (
        ("version", 9),
        ("pools", {}),
        ("refused", [["a"]]),
        ("unheard", 1),
        ("networks", [1]),
    ):
        with pytest.raises(InventoryError, match="not in the form"):
            inventory_from_json(value | {key: wrong})


def test_a_document_brings_the_inventory_and_only_its_version_counts() -> None:
    found = parse_document(document(section()))
    assert found.inventory == read_section(section())
    assert found.libvirt_version == "9.0.0"
    fuller = parse_document(document(section(hypervisor_version=8000000)))
    assert fuller.inventory != found.inventory
    assert fuller.content_hash == found.content_hash
    newer = parse_document(document(section(version=9001000)))
    assert newer.content_hash != found.content_hash


def test_a_document_says_why_libvirt_gave_nothing() -> None:
    found = parse_document(document({"refused": {"connection": "no socket"}}))
    assert (found.inventory, found.libvirt_version) == (None, "")
    assert found.libvirt_refusal == "libvirt cannot be reached: no socket"
    without = parse_document(json.dumps(make_raw()).encode())
    assert (without.inventory, without.libvirt_refusal) == (None, "")
    assert found.content_hash == without.content_hash


@pytest.mark.parametrize(
    "libvirt",
    [
        None,
        [],
        {},
        {"refused": []},
        section(version=True),
        section(version=-1),
        fibre_channel.raw(node_devices="<device/>"),
    ],
)
def test_a_document_with_a_section_out_of_form_is_refused(libvirt: object) -> None:
    with pytest.raises(DocumentError, match="“libvirt” is not in the form"):
        parse_document(document(libvirt))
