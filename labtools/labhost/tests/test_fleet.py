from __future__ import annotations

from dataclasses import replace

from labtools.labhost.document import Status
from labtools.labhost.fleet import Common, Lack, intersect, intersect_properties
from labtools.labhost.tests.test_comparison import (
    EVENT_IDX,
    NUM_QUEUES,
    SCSI,
    kvm,
    make_cpu,
    make_device,
    make_list,
    make_machine,
    make_qemu,
    tcg,
)


def test_devices_that_not_all_can_give_say_who_lacks_them() -> None:
    everything = make_qemu(
        make_device("a"),
        make_device("b"),
        make_device("c"),
        make_device("d", user_creatable=False),
        make_device("e"),
    )
    less = make_qemu(
        make_device("a"),
        make_device("b", status=Status.DIED, properties=None),
        make_device("c", user_creatable=False),
        make_device("d", user_creatable=False),
    )
    refuses = make_qemu(
        make_device("a"),
        make_device("b", status=Status.ERROR, properties=None),
        make_device("c"),
        make_device("e"),
    )
    fleet = intersect([everything, less, refuses])
    assert fleet.devices.names == ("a",)
    # What nobody can create is not missed.
    assert fleet.devices.lacks == (
        Lack("b", ((1, "QEMU ends over it"), (2, "QEMU does not answer for it"))),
        Lack("c", ((1, "not user-creatable"),)),
        Lack("e", ((1, "not there"),)),
    )


def test_cpus_are_not_told_as_devices() -> None:
    qemu = make_qemu(make_device("EPYC-x86_64-cpu", group="CPU"))
    assert intersect([qemu, make_qemu()]).devices == Common((), ())


def test_properties_are_common_with_one_type() -> None:
    one = make_list(EVENT_IDX, SCSI, NUM_QUEUES)
    other = make_list(EVENT_IDX, replace(NUM_QUEUES, type="uint32"))
    assert intersect_properties([one, other]) == Common(
        ("event_idx",),
        (Lack("num-queues", ((0, "type uint16"), (1, "type uint32"))), Lack("scsi", ((1, "not there"),))),
    )
    assert intersect_properties([one, None]).names == ()


def test_machines_are_common_by_name_and_aliases_by_what_they_stand_for() -> None:
    old = make_machine("pc-i440fx-7.2")
    one = make_qemu(machines=(replace(old, alias="pc"), make_machine("pc-q35-2.4", alias="q35")))
    other = make_qemu(
        machines=(make_machine("pc-i440fx-10.0", alias="pc"), old, make_machine("pc-q35-2.4", alias="q35"))
    )
    machines = intersect([one, other]).machines
    assert machines.names == ("pc-i440fx-7.2", "pc-q35-2.4", "q35")
    assert machines.lacks == (
        Lack("pc", ((0, "stands for pc-i440fx-7.2"), (1, "stands for pc-i440fx-10.0"))),
        Lack("pc-i440fx-10.0", ((0, "not there"),)),
    )


def test_cpu_models_are_common_where_they_are_usable_by_accelerator() -> None:
    models = (make_cpu("EPYC"), make_cpu("Haswell"), make_cpu("base"), make_cpu("host", unavailable=None))
    one = make_qemu(accelerators=(tcg(*models), kvm(*models)))
    other = make_qemu(
        accelerators=(tcg(make_cpu("EPYC"), make_cpu("Haswell", "hle", "rtm")), kvm(status=Status.ERROR))
    )
    cpus = intersect([one, other]).cpus
    assert cpus["tcg"].names == ("EPYC",)
    assert cpus["tcg"].lacks == (
        Lack("Haswell", ((1, "lacks hle, rtm"),)),
        Lack("base", ((1, "not there"),)),
        Lack("host", ((0, "QEMU does not say whether it is usable"), (1, "not there"))),
    )
    assert cpus["kvm"].names == ()
    assert cpus["kvm"].lacks[0] == Lack("EPYC", ((1, "kvm does not answer"),))
    unasked = intersect([one, make_qemu()]).cpus["kvm"]
    assert unasked.lacks[0] == Lack("EPYC", ((1, "kvm was not asked"),))


def test_objects_are_common_by_name() -> None:
    objects = intersect([make_qemu(objects=("a", "b")), make_qemu(objects=("b",))]).objects
    assert (objects.names, objects.lacks) == (("b",), (Lack("a", ((1, "not there"),)),))
