"""A domain is read as libvirt reads it: compared with the command line that a real libvirtd makes of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from labtools.labhost.lint import Pasted, Severity, lint, read_pasted
from labtools.labhost.tests.real_qemu import real_facts
from labtools.labhost.tests.test_inventory import libvirtd  # noqa: F401 - a fixture

DOMAIN = """<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>all</name>
  <memory unit='MiB'>256</memory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <vcpu>2</vcpu>
  <iothreads>1</iothreads>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <cpu mode='custom' match='exact'><model>qemu64</model><feature policy='require' name='sse4.1'/></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' queues='2' queue_size='256' iothread='1' packed='on'/>
      <source file='/tmp/a.img'/><blockio logical_block_size='4096' physical_block_size='4096'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='disk' model='virtio-non-transitional'>
      <driver name='qemu' type='raw'/><source file='/tmp/b.img'/><target dev='vdb' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'><source file='/tmp/c.iso'/><target dev='sda' bus='sata'/></disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='/tmp/d.img'/><target dev='sdb' bus='scsi'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='/tmp/e.img'/><target dev='sdc' bus='usb'/>
    </disk>
    <controller type='usb' model='qemu-xhci' index='0'/>
    <controller type='scsi' model='virtio-scsi' index='0'><driver queues='2' cmd_per_lun='8'/></controller>
    <controller type='scsi' model='lsisas1078' index='1'/>
    <controller type='virtio-serial' index='0'/>
    <controller type='pci' model='pcie-root'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-to-pci-bridge'/>
    <interface type='user'>
      <model type='virtio'/>
      <driver rx_queue_size='512' rss='on' rss_hash_report='on'><host csum='off' tso4='off'/><guest ufo='off'/></driver>
    </interface>
    <interface type='user'><model type='e1000e'/></interface>
    <serial type='pty'><target type='isa-serial' port='0'><model name='isa-serial'/></target></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <input type='tablet' bus='usb'/>
    <input type='keyboard' bus='virtio'/>
    <graphics type='vnc' port='-1'/>
    <sound model='ich9'><codec type='micro'/></sound>
    <video><model type='virtio' heads='1' primary='yes'/></video>
    <video><model type='qxl'/></video>
    <watchdog model='i6300esb' action='reset'/>
    <memballoon model='virtio' autodeflate='on' freePageReporting='on'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <panic model='isa'/>
    <vsock model='virtio'><cid auto='no' address='7'/></vsock>
    <iommu model='intel'/>
    <filesystem type='mount'><source dir='/tmp'/><target dir='t'/></filesystem>
    <redirdev bus='usb' type='spicevmc'/>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-device'/>
    <qemu:arg value='edu,dma_mask=16'/>
  </qemu:commandline>
</domain>
"""


def pairs(pasted: Pasted) -> set[tuple[str, str, str]]:
    """Devices with their properties, a boolean as on or off."""
    found = set()
    for use in pasted.devices:
        device = real_facts().device(use.driver)
        assert device is not None, use.driver
        found.add((device.name, "", ""))
        for given in use.givens:
            word = {"True": "on", "False": "off"}.get(str(given.json), given.value)
            found.add((device.name, given.name, word))
    return found


def test_a_domain_is_read_as_libvirt_reads_it(libvirtd: Path, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "a.xml"
    # Redirection needs SPICE, which this libvirtd has no address for.
    file.write_text(DOMAIN.replace("<redirdev bus='usb' type='spicevmc'/>", ""))
    uri = f"qemu:///system?socket={libvirtd}/libvirt-sock"
    argv = ["virsh", "-q", "-c", uri, "domxml-to-native", "qemu-argv", "--xml", str(file)]
    made = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    command = read_pasted(made.stdout)
    domain = read_pasted(file.read_text())
    # What libvirt adds by itself is not in the domain; all that we read must be in its command. For this command
    # alone libvirt makes every interface anew and drops its <driver>.
    dropped = {pair for pair in pairs(domain) if pair[0] == "virtio-net-pci" and pair[1]}
    assert len(dropped) == 6
    assert pairs(domain) - dropped - pairs(command) == set()
    missed = {use.driver for use in command.devices} - {use.driver for use in domain.devices}
    assert missed == set()
    assert [item for item in lint(command, real_facts()) if item.severity is Severity.ERROR] == []
    assert [item for item in lint(domain, real_facts()) if item.severity is Severity.ERROR] == []
    assert command.machine is not None
    assert (command.machine.name, command.cpu and command.cpu.model) == ("pc-q35-7.2", "qemu64")


def test_places_in_a_domain_are_those_of_the_elements() -> None:
    # No QEMU for x86_64 has the watchdog of s390x.
    text = DOMAIN.replace("model='i6300esb'", "model='diag288'").replace("dma_mask", "dma_maks")
    found = lint(read_pasted(text), real_facts())
    errors = [item for item in found if item.severity is Severity.ERROR]
    assert [(item.code, text.splitlines()[item.place.line - 1].strip()[:17]) for item in errors] == [
        ("unknown-device", "<watchdog model='"),
        ("unknown-property", "<qemu:arg value='"),
    ]
    assert errors[0].place.token == "<watchdog model='diag288' action='reset'/>"
    assert (errors[1].place.token, errors[1].advice) == ("dma_maks=16", "Did you mean dma_mask?")


def test_single_element_is_read_too() -> None:
    (device,) = read_pasted("<sound model='ac97'/>").devices
    assert (device.driver, device.is_from_libvirt) == ("AC97", True)
