from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from labtools.labhost.comparison import (
    MAX_SENTENCES,
    AliasMove,
    FieldChange,
    Kind,
    compare_aliases,
    compare_cpus,
    compare_devices,
    compare_machines,
    compare_property_lists,
    compare_qemus,
    differing_lists,
    summarize_changes,
)
from labtools.labhost.document import (
    Accelerator,
    CpuModel,
    Device,
    HostDocument,
    Machine,
    Property,
    PropertyList,
    Qemu,
    Status,
)

EVENT_IDX = Property("event_idx", "bool", "on/off", "true")
SCSI = Property("scsi", "bool", "on/off", "false")
NUM_QUEUES = Property("num-queues", "uint16", "", "65535")


LISTS: dict[str, PropertyList] = {}


def make_list(*properties: Property) -> PropertyList:
    ordered = tuple(sorted(properties, key=lambda item: item.name))
    digest = hashlib.sha256(repr(ordered).encode()).hexdigest()
    return LISTS.setdefault(digest, PropertyList(digest, ordered))


def make_device(name: str, *properties: Property, **facts: object) -> Device:
    device = Device(name, Status.OK, "", "Storage", "PCI", "", "", True, make_list(*properties).digest)
    return replace(device, **facts)  # type: ignore[arg-type]


def make_machine(name: str, **facts: object) -> Machine:
    return replace(Machine(name, "", False, False, 255, "qemu64-x86_64-cpu"), **facts)  # type: ignore[arg-type]


def make_cpu(name: str, *missing: str, **facts: object) -> CpuModel:
    model = CpuModel(name, f"{name}-x86_64-cpu", "", False, True, False, missing)
    return replace(model, **facts)  # type: ignore[arg-type]


def make_qemu(*devices: Device, **facts: object) -> Qemu:
    qemu = Qemu(
        binary="/usr/bin/qemu-system-x86_64",
        status=Status.OK,
        last_words="",
        version="7.2.22",
        package="",
        target="x86_64",
        devices=devices,
        machines=(),
        objects=(),
        accelerators=(),
    )
    return replace(qemu, **facts)  # type: ignore[arg-type]


def make_document(*qemu: Qemu, kernel: str = "6.1.0") -> HostDocument:
    return HostDocument(datetime(2026, 11, 1, tzinfo=UTC), "x86_64", kernel, qemu, LISTS, (), "0" * 64)


def tcg(*cpus: CpuModel, status: Status = Status.OK) -> Accelerator:
    return Accelerator("tcg", status, "", True, cpus)


def kvm(*cpus: CpuModel, status: Status = Status.OK) -> Accelerator:
    return Accelerator("kvm", status, "", True, cpus)


def test_property_lists_tell_what_came_went_and_changed() -> None:
    before = make_list(EVENT_IDX, SCSI, NUM_QUEUES)
    after = make_list(
        replace(EVENT_IDX, type="OnOffAuto", default='"auto"'), NUM_QUEUES, Property("rss", "bool", "", None)
    )
    changes = compare_property_lists(before, after)
    assert [(change.name, change.kind) for change in changes] == [
        ("event_idx", Kind.CHANGED),
        ("rss", Kind.ADDED),
        ("scsi", Kind.REMOVED),
    ]
    assert changes[0].fields == (
        FieldChange("type", "bool", "OnOffAuto"),
        FieldChange("default", "on", "auto"),
    )


def test_a_named_default_differs_from_none() -> None:
    (change,) = compare_property_lists(make_list(EVENT_IDX), make_list(replace(EVENT_IDX, default=None)))
    assert change.fields == (FieldChange("default", "on", ""),)


def test_only_lists_that_differ_are_read_and_each_once() -> None:
    read: list[str] = []

    def property_list(digest: str) -> PropertyList:
        read.append(digest)
        return LISTS[digest]

    before = [make_device("a", SCSI), make_device("b", EVENT_IDX), make_device("c", SCSI)]
    after = [make_device("a"), make_device("b", EVENT_IDX), make_device("c"), make_device("d", NUM_QUEUES)]
    a, c, d = compare_devices(before, after, property_list)
    assert a.properties == c.properties
    assert (d.name, d.properties) == ("d", ())
    assert sorted(read) == sorted(differing_lists(before, after))
    assert set(read) == {make_list(SCSI).digest, make_list().digest}


def test_device_types_tell_what_became_of_them() -> None:
    before = [
        make_device("a-gone"),
        make_device("b-dies", SCSI),
        make_device("c-returns", status=Status.DIED, properties=None),
        make_device("d-same", SCSI),
        make_device("e-other", SCSI),
    ]
    after = [
        make_device("b-dies", status=Status.DIED, properties=None),
        make_device("c-returns", SCSI),
        make_device("d-same", SCSI),
        make_device("e-other", SCSI, alias="other", group="Network", user_creatable=False),
        make_device("f-new", SCSI),
    ]
    changes = compare_devices(before, after, LISTS.__getitem__)
    assert [(change.name, change.kind) for change in changes] == [
        ("a-gone", Kind.REMOVED),
        ("b-dies", Kind.DIED),
        ("c-returns", Kind.RETURNED),
        ("e-other", Kind.CHANGED),
        ("f-new", Kind.ADDED),
    ]
    # What cannot be asked on one side has not lost its properties.
    assert changes[1].properties == changes[2].properties == ()
    assert changes[3].fields == (
        FieldChange("user-creatable", "yes", "no"),
        FieldChange("alias", "", "other"),
        FieldChange("group", "Storage", "Network"),
    )


def test_a_device_that_refuses_where_it_died_is_changed() -> None:
    (change,) = compare_devices(
        [make_device("a", status=Status.DIED, properties=None)],
        [make_device("a", status=Status.ERROR, properties=None)],
        LISTS.__getitem__,
    )
    assert (change.kind, change.fields) == (Kind.CHANGED, (FieldChange("answer", "died", "error"),))


def test_machines_tell_deprecation_and_aliases_move() -> None:
    before = [
        make_machine("pc-i440fx-2.0"),
        make_machine("pc-i440fx-7.2", alias="pc", is_default=True),
        make_machine("pc-q35-7.2", alias="q35", cpu_max=288),
    ]
    after = [
        make_machine("pc-i440fx-10.0", alias="pc", is_default=True),
        make_machine("pc-i440fx-7.2", is_deprecated=True),
        make_machine("pc-q35-7.2", alias="q35", cpu_max=4096),
    ]
    assert [(change.name, change.kind, change.fields) for change in compare_machines(before, after)] == [
        ("pc-i440fx-10.0", Kind.ADDED, ()),
        ("pc-i440fx-2.0", Kind.REMOVED, ()),
        ("pc-i440fx-7.2", Kind.CHANGED, (FieldChange("deprecated", "no", "yes"),)),
        ("pc-q35-7.2", Kind.CHANGED, (FieldChange("CPUs at most", "288", "4096"),)),
    ]
    assert compare_aliases(before, after) == (
        AliasMove("", "pc-i440fx-7.2", "pc-i440fx-10.0"),
        AliasMove("pc", "pc-i440fx-7.2", "pc-i440fx-10.0"),
    )


def test_cpu_models_tell_which_features_are_missing_now() -> None:
    before = [make_cpu("EPYC"), make_cpu("Haswell", "hle", "rtm"), make_cpu("host", unavailable=None)]
    after = [make_cpu("EPYC", "svm"), make_cpu("Haswell", "hle"), make_cpu("host")]
    epyc, haswell, host = compare_cpus("kvm", before, after)
    assert epyc.became_unusable
    assert epyc.now_missing == ("svm",)
    assert haswell.no_longer_missing == ("rtm",)
    assert haswell.fields == ()
    # QEMU said nothing before: that is no mending.
    assert host.fields == (FieldChange("usable", "unknown", "yes"),)
    assert not host.became_usable


def test_an_accelerator_that_is_silent_removes_no_models() -> None:
    before = make_qemu(accelerators=(tcg(make_cpu("EPYC")), kvm(make_cpu("EPYC"))))
    after = make_qemu(accelerators=(tcg(make_cpu("EPYC")), kvm(status=Status.ERROR)))
    assert not compare_qemus(before, after, LISTS.__getitem__)
    assert summarize_changes(make_document(before), make_document(after)) == ["kvm does not answer any more"]


def test_equal_binaries_do_not_differ() -> None:
    qemu = make_qemu(
        make_device("virtio-blk-pci", SCSI), machines=(make_machine("none"),), objects=("iothread",)
    )
    assert not compare_qemus(qemu, qemu, LISTS.__getitem__)
    assert len(compare_qemus(qemu, qemu, LISTS.__getitem__)) == 0
    assert summarize_changes(make_document(qemu), make_document(qemu)) == []
    # A reference version has no kernel.
    assert summarize_changes(make_document(qemu, kernel=""), make_document(qemu)) == []


def test_the_count_counts_properties_and_not_their_devices() -> None:
    before = make_qemu(make_device("a", SCSI), make_device("b"), objects=("iothread",))
    after = make_qemu(make_device("a", NUM_QUEUES), objects=("authz-list",))
    assert len(compare_qemus(before, after, LISTS.__getitem__)) == 2 + 1 + 2


def test_the_summary_puts_versions_first_and_shares_sentences() -> None:
    machines = (make_machine("pc-i440fx-7.2", alias="pc", is_default=True),)
    before = make_qemu(
        make_device("virtio-blk-device", SCSI),
        make_device("virtio-blk-pci", SCSI),
        make_device("virtio-vga-gl"),
        machines=machines,
        accelerators=(kvm(make_cpu("EPYC")),),
    )
    after = make_qemu(
        make_device("virtio-blk-device"),
        make_device("virtio-blk-pci"),
        make_device("virtio-vga-gl", status=Status.DIED, properties=None),
        version="10.0.13",
        machines=(
            make_machine("pc-i440fx-10.0", alias="pc", is_default=True),
            replace(machines[0], alias="", is_default=False),
        ),
        accelerators=(kvm(make_cpu("EPYC", "svm")),),
    )
    assert summarize_changes(make_document(before), make_document(after, kernel="6.12")) == [
        "QEMU 7.2.22 to 10.0.13",
        "kernel 6.1.0 to 6.12",
        "QEMU ends over virtio-vga-gl",
        "machine types added: pc-i440fx-10.0",
        "the default machine type is pc-i440fx-10.0, was pc-i440fx-7.2",
        "`pc` is pc-i440fx-10.0, was pc-i440fx-7.2",
        "no longer usable under kvm: EPYC",
        "virtio-blk-device and virtio-blk-pci lost `scsi`",
    ]


def test_the_summary_names_the_target_where_not_all_share_a_change() -> None:
    arm = make_qemu(target="aarch64", binary="/usr/bin/qemu-system-aarch64", objects=("iothread",))
    pc = make_qemu()
    before = make_document(arm, pc)
    after = make_document(replace(arm, version="10.0.13", objects=()), replace(pc, version="10.0.13"))
    assert summarize_changes(before, after) == [
        "QEMU 7.2.22 to 10.0.13",
        "aarch64: objects removed: iothread",
    ]
    assert summarize_changes(before, make_document(pc)) == ["aarch64: a binary with QEMU 7.2.22 is gone"]
    assert summarize_changes(make_document(pc), before) == ["aarch64: new binary with QEMU 7.2.22"]


def test_the_new_version_comes_before_a_binary_that_is_gone() -> None:
    arm = make_qemu(target="aarch64", binary="/usr/bin/qemu-system-aarch64")
    wrapper = make_qemu(binary="/usr/bin/qemu-system-x86_64-microvm")
    pc = make_qemu()
    after = make_document(replace(pc, version="10.0.13"))
    assert summarize_changes(make_document(pc, wrapper), after) == [
        "QEMU 7.2.22 to 10.0.13",
        "a binary with QEMU 7.2.22 is gone",
    ]
    assert summarize_changes(make_document(arm, pc), after) == [
        "QEMU 7.2.22 to 10.0.13",
        "aarch64: a binary with QEMU 7.2.22 is gone",
    ]


def test_a_binary_that_moved_is_compared_and_not_gone() -> None:
    qemu = make_qemu()
    moved = replace(qemu, binary="/usr/libexec/qemu-kvm", package="Debian 2")
    assert summarize_changes(make_document(replace(qemu, package="Debian 1")), make_document(moved)) == [
        "QEMU package Debian 1 to Debian 2"
    ]


def test_long_lists_are_counted_honestly() -> None:
    after = make_qemu(*(make_device(f"d{number}") for number in range(9)))
    assert summarize_changes(make_document(make_qemu()), make_document(after)) == [
        "d0, d1, d2, d3 and 5 more added"
    ]


@pytest.mark.parametrize("count", [MAX_SENTENCES, MAX_SENTENCES + 1, MAX_SENTENCES + 5])
def test_long_summaries_end_with_the_number_of_the_rest(count: int) -> None:
    names = [f"d{number:02}" for number in range(count)]
    before = make_qemu(*(make_device(name, Property(f"old-{name}", "bool", "", None)) for name in names))
    after = make_qemu(*(make_device(name) for name in names))
    told = summarize_changes(make_document(before), make_document(after))
    assert len(told) == MAX_SENTENCES
    whole = [f"{name} lost `old-{name}`" for name in names]
    if count == MAX_SENTENCES:
        assert told == whole
    else:
        shown = MAX_SENTENCES - 1
        assert told == [*whole[:shown], f"and {count - shown} more"]


def test_libvirt_is_told_when_it_changes_falls_silent_and_answers() -> None:
    none = make_document(make_qemu())
    old, new = replace(none, libvirt_version="11.3.0"), replace(none, libvirt_version="11.4.0")
    assert summarize_changes(old, new) == ["libvirt 11.3.0 to 11.4.0"]
    assert summarize_changes(old, none) == ["libvirt 11.3.0 does not answer any more"]
    assert summarize_changes(none, new) == ["libvirt 11.4.0 answers"]
