from __future__ import annotations

import lzma
import re
import subprocess
from pathlib import Path

import pytest

from labtools.labhost.document import Device, Status, parse_document
from labtools.labhost.modules import (
    Basis,
    Cause,
    Family,
    advise,
    advise_on_absent,
    advise_on_all,
    distribution_of,
)
from labtools.labhost.modules.packages import TYPES

BOOKWORM = "Debian 1:7.2+dfsg-7+deb12u18+b3"
TRIXIE = "Debian 1:10.0.13+ds-0+deb13u1"
SID = "Debian 1:11.1.3+ds-1"
NOBLE = "Debian 1:8.2.2+ds-0ubuntu1.4"
FEDORA = "qemu-10.1.0-8.fc43"


def died(name: str, words: str) -> Device:
    return Device(name, Status.DIED, words, "Display", "PCI", "", "", True, None)


def alive(name: str) -> Device:
    return Device(name, Status.OK, "", "Display", "PCI", "", "", True, "0" * 64)


@pytest.mark.parametrize(
    ("package", "name", "module", "expected"),
    [
        (BOOKWORM, "Debian", "hw-display-virtio-gpu-gl", "qemu-system-gui"),
        (BOOKWORM, "Debian", "hw-display-qxl", "qemu-system-common"),
        (TRIXIE, "Debian", "hw-display-virtio-gpu-gl", "qemu-system-modules-opengl"),
        (TRIXIE, "Debian", "hw-display-qxl", "qemu-system-modules-spice"),
        (TRIXIE, "Debian", "block-gluster", "qemu-block-extra"),
        (SID, "Debian", "block-gluster", None),
        ("Debian 1:5.2+dfsg-11+deb11u3", "Debian", "hw-display-qxl", None),
        ("Debian 1:6.0+dfsg-1", "Debian", "ui-gtk", None),
        (NOBLE, "Ubuntu", "hw-display-virtio-gpu-gl", "qemu-system-modules-opengl"),
        (NOBLE, "Ubuntu", "block-gluster", "qemu-block-extra"),
        ("Debian 1:10.1.0+ds-5ubuntu2", "Ubuntu", "block-gluster", "qemu-block-supplemental"),
        ("Debian 1:6.2+dfsg-2ubuntu6", "Ubuntu", "hw-display-virtio-gpu-gl", None),
        (FEDORA, "Fedora", "hw-display-virtio-gpu-gl", "qemu-device-display-virtio-gpu-gl"),
        (FEDORA, "Fedora", "hw-s390x-virtio-gpu-ccw", "qemu-device-display-virtio-gpu-ccw"),
        (FEDORA, "Fedora", "chardev-spice", "qemu-char-spice"),
        (
            "qemu-kvm-9.1.0-15.el9",
            "Red Hat Enterprise Linux or its kin",
            "hw-usb-redirect",
            "qemu-kvm-device-usb-redirect",
        ),
        ("qemu-kvm-10.0.0-14.el10", "Red Hat Enterprise Linux or its kin", "hw-usb-redirect", None),
        ("", "", "ui-gtk", None),
    ],
)
def test_the_distribution_says_which_package_has_a_module(
    package: str, name: str, module: str, expected: str | None
) -> None:
    distribution = distribution_of(package)
    assert distribution.name == name
    assert distribution.packages.get(module) == expected


def test_what_is_known_from_file_lists_is_told_apart() -> None:
    assert distribution_of(TRIXIE).basis is Basis.FILE_LIST
    assert distribution_of(NOBLE).basis is Basis.PACKAGING


def test_a_missing_type_leads_to_its_module_and_package() -> None:
    device = died("virtio-gpu-gl-pci", "missing object type 'virtio-gpu-gl-device'")
    advice = advise(device, distribution_of(BOOKWORM), "x86_64")
    assert advice.cause is Cause.MODULE
    assert advice.sentence == (
        "The module hw-display-virtio-gpu-gl.so is missing. It is in the package qemu-system-gui."
    )
    assert advice.install == "sudo apt install qemu-system-gui"
    assert advice.find == "apt-file search hw-display-virtio-gpu-gl.so"
    assert advice.check == "qemu-system-x86_64 -device virtio-gpu-gl-pci,help"


@pytest.mark.parametrize(
    ("words", "cause", "file", "package"),
    [
        (
            "fatal: could not load module for type 'tcg-accel-ops'",
            Cause.MODULE,
            "accel-tcg-x86_64.so",
            "qemu-system-common",
        ),
        (
            "failed to open module: hw-display-virtio-vga-gl.so",
            Cause.MODULE,
            "hw-display-virtio-vga-gl.so",
            "qemu-system-common",
        ),
        (
            "failed to open module: libvirglrenderer.so.1: cannot open shared object file: No such file or directory",
            Cause.LIBRARY,
            "libvirglrenderer.so.1",
            "libvirglrenderer1",
        ),
        (
            "failed to open module: libvulkan.so.1: cannot open shared object file: No such file or directory",
            Cause.LIBRARY,
            "libvulkan.so.1",
            "",
        ),
        ("failed to open module: /usr/lib/qemu/ui-gtk.so: undefined symbol: x", Cause.OTHER_BUILD, "", ""),
        (
            "Failed to initialize module: ui-gtk.so\nNote: only modules from the same build can be loaded.",
            Cause.OTHER_BUILD,
            "",
            "",
        ),
        (
            "Unable to load module ui-x. Perhaps you want to install qemu-system-gui package?",
            Cause.UNKNOWN,
            "",
            "",
        ),
        ("Segmentation fault", Cause.UNKNOWN, "", ""),
    ],
)
def test_last_words_name_what_is_missing(words: str, cause: Cause, file: str, package: str) -> None:
    advice = advise(died("some-device", words), distribution_of(BOOKWORM), "x86_64")
    assert (advice.cause, advice.file, advice.package) == (cause, file, package)
    assert bool(advice.install) == bool(package)


def test_what_qemu_says_itself_goes_before_our_table() -> None:
    words = "missing object type 'qxl'. Perhaps you want to install qemu-system-modules-spice package?"
    assert (
        advise(died("qxl", words), distribution_of(BOOKWORM), "x86_64").package == "qemu-system-modules-spice"
    )


def test_without_words_the_type_itself_is_looked_up() -> None:
    advice = advise(died("usb-redir", ""), distribution_of(FEDORA), "x86_64")
    assert advice.install == "sudo dnf install qemu-device-usb-redirect"
    assert advice.find == "dnf provides '*/hw-usb-redirect.so'"


def test_other_trouble_of_a_type_that_is_in_a_module_is_not_blamed_on_it() -> None:
    assert (
        advise(died("usb-redir", "Segmentation fault"), distribution_of(SID), "x86_64").cause is Cause.UNKNOWN
    )


def test_an_unknown_distribution_gets_the_module_and_no_package() -> None:
    advice = advise(died("usb-redir", ""), distribution_of("v11.0.0-rc1"), "x86_64")
    assert (advice.file, advice.package, advice.install, advice.find) == ("hw-usb-redirect.so", "", "", "")
    assert advice.sentence.endswith("We do not know which package has it.")
    assert advice.basis is Basis.UNKNOWN


def test_names_of_a_host_cannot_leave_their_word_in_a_command() -> None:
    advice = advise(
        died("a(b)~c", "failed to open module: /$(x)/ui-gtk.so;$(y)"), distribution_of(SID), "x86_64"
    )
    assert advice.check == "qemu-system-x86_64 -device 'a(b)~c,help'"
    assert advice.file == "ui-gtk.so"


def test_only_types_that_died_are_advised_on() -> None:
    devices = [alive("qxl"), died("usb-redir", "")]
    assert [item.device for item in advise_on_all(devices, distribution_of(SID), "x86_64")] == ["usb-redir"]


def test_absent_types_are_those_of_packages_that_are_not_there() -> None:
    lean = [alive(name) for name in ("virtio-gpu-pci", "vhost-user-gpu-pci", "virtio-vga", "vhost-user-vga")]
    lean += [alive(name) for name in ("usb-host", "usb-redir", "ccid-card-emulated", "ccid-card-passthru")]
    lean += [alive("uefi-vars-x64")]
    absent = advise_on_absent(lean, distribution_of(TRIXIE), "x86_64")
    assert [(item.device, item.package) for item in absent] == [
        ("qxl", "qemu-system-modules-spice"),
        ("qxl-vga", "qemu-system-modules-spice"),
        ("virtio-gpu-gl-pci", "qemu-system-modules-opengl"),
        ("virtio-vga-gl", "qemu-system-modules-opengl"),
    ]
    # No PC, no VGA; nothing is said of targets that were never looked at.
    assert {item.device for item in advise_on_absent(lean, distribution_of(TRIXIE), "riscv64")} == {
        "virtio-gpu-gl-pci"
    }
    assert advise_on_absent(lean, distribution_of(TRIXIE), "avr") == ()
    assert distribution_of("").family is Family.UNKNOWN
    assert advise_on_absent(lean, distribution_of(""), "x86_64") == ()


@pytest.mark.parametrize("name", ["debian-11", "debian-12", "debian-13", "debian-sid"])
def test_a_qemu_with_all_its_packages_misses_nothing(name: str) -> None:
    packed = (Path(__file__).parents[1] / "references" / f"{name}.json.xz").read_bytes()
    qemus = parse_document(lzma.decompress(packed)).qemu
    assert len(qemus) == 5
    for qemu in qemus:
        distribution = distribution_of(qemu.package)
        assert distribution.packages, qemu.package
        assert advise_on_absent(qemu.devices, distribution, qemu.target) == (), qemu.target


def test_each_module_that_has_types_is_in_some_package() -> None:
    packages = [distribution_of(package).packages for package in (BOOKWORM, TRIXIE, SID, FEDORA)]
    assert [module for module in TYPES if not any(module in one for one in packages)] == []


def test_the_table_is_what_the_installed_packages_have() -> None:
    """The machine's own QEMU, if Debian packed it, has its modules where the table says."""
    if not Path("/var/lib/dpkg/status").exists():
        return
    found = subprocess.run(
        ["dpkg-query", "-S", "/usr/lib/*/qemu/*.so"], capture_output=True, text=True, check=False
    ).stdout
    version = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "qemu-system-common"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    table = distribution_of(f"Debian {version}").packages
    installed = re.findall(r"^([\w.+-]+)(?::\w+)?: \S*/([\w.-]+)\.so$", found, re.MULTILINE)
    assert installed
    assert all(table[module] == package for package, module in installed)
