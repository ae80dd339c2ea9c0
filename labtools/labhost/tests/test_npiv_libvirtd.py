"""A plan's own commands on a real libvirtd with QEMU: the documents it takes, the words it answers with."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labtools.labhost.npiv import Choice, Plan, Step, make_choice, make_plan, survey
from labtools.labhost.tests.fibre_channel import NODE, PORT, inventory
from labtools.labhost.tests.libvirt_hosts import private_libvirtd, virsh
from labtools.labhost.tests.real_qemu import installed_version

GUEST = (
    "<domain type='qemu'><name>it's mine</name><memory>65536</memory>"
    "<os><type arch='x86_64'>hvm</type></os><devices/></domain>"
)


@pytest.fixture(scope="module")
def libvirtd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with private_libvirtd(tmp_path_factory.mktemp("libvirtd")) as folder:
        (folder / "guest.xml").write_text(GUEST)
        virsh(folder, "define", str(folder / "guest.xml"))
        yield folder


def plan(**fields: str) -> Plan:
    major, minor = installed_version()
    where = survey(inventory(hypervisor_version=major * 1_000_000 + minor * 1_000))
    hba = where.find(f"{NODE}:{PORT}")
    assert hba is not None
    names = {"wwnn": "5001a4a111111111", "wwpn": "5001a4a222222222", "guest": "it's mine", "pool": "a pool"}
    choice, faults = make_choice(hba, names | fields, {})
    assert isinstance(choice, Choice), faults
    return make_plan(choice, where)


def run(libvirtd: Path, made: Plan, key: str) -> tuple[Step, str]:
    """Run one command of ``made`` in bash, with its documents beside it; the step, and all that virsh said."""
    for document in made.documents:
        (libvirtd / document.filename).write_text(document.xml)
    step = next(step for step in (*made.steps, *made.after, *made.teardown) if step.key == key)
    connect = f'virsh() {{ command virsh -c "qemu:///system?socket={libvirtd}/libvirt-sock" "$@" 2>&1; }}; '
    argv = ["bash", "-c", connect + step.command]
    done = subprocess.run(argv, cwd=libvirtd, capture_output=True, text=True, check=False, timeout=60)
    return step, done.stdout.strip()


def test_a_pool_is_taken_and_refused_at_start_for_the_reason_that_the_plan_names(libvirtd: Path) -> None:
    made = plan()
    for key in ("define", "autostart-on", "autostart-off"):
        step, said = run(libvirtd, made, key)
        assert said == step.prints
    step, said = run(libvirtd, made, "start")
    assert "cannot find parent using provided wwnn/wwpn" in said
    assert "cannot find parent using provided wwnn/wwpn" in step.note
    step, said = run(libvirtd, made, "undefine")
    assert said == step.prints


def test_a_disk_by_volume_needs_its_pool_running_as_the_plan_says(libvirtd: Path) -> None:
    made = plan(bus="virtio")
    run(libvirtd, made, "define")
    step, said = run(libvirtd, made, "attach")
    assert "is not active" in said
    assert "is not active" in step.note
    run(libvirtd, made, "undefine")


@pytest.mark.parametrize("device", ["disk", "lun"])
@pytest.mark.parametrize("bus", ["scsi", "virtio"])
def test_a_guest_takes_the_disk_and_gives_it_back(libvirtd: Path, device: str, bus: str) -> None:
    made = plan(device=device, bus=bus, lun_by="path")
    if bus == "scsi":
        step, said = run(libvirtd, made, "controller")
        # The case before may have left one: then libvirt says what the note says it does.
        refusal = "controller index='0' already exists"
        assert said == step.prints or (refusal in said and refusal in step.note)
    step, said = run(libvirtd, made, "attach")
    if (device, bus) == ("lun", "virtio") and installed_version() >= (9, 1):
        (caution,) = (caution for caution in made.cautions if caution.key == "virtio-blk")
        assert made.must_not
        assert said.splitlines()[-1].split(": ")[-1] in caution.sentence
        return
    assert said == step.prints
    step, said = run(libvirtd, made, "guest-disk")
    assert [made.choice.target, made.choice.path] in [line.split() for line in said.splitlines()]
    step, said = run(libvirtd, made, "detach")
    assert said == step.prints
