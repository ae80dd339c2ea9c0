"""Plans for vHBAs: what a host has, what is refused, the documents, the commands and the way back."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labtools.labhost.host_xml import parse_xml
from labtools.labhost.npiv import (
    Choice,
    FibreSurvey,
    PasteError,
    Plan,
    Severity,
    Use,
    choice_fields,
    destroy_cautions,
    hba_cautions,
    make_choice,
    make_plan,
    pack_hba,
    parse_wwn,
    plan_for,
    plan_json,
    survey,
    survey_paste,
    survey_ports,
    teardown_of,
    unpack_hba,
)
from labtools.labhost.npiv.documents import trial_domain
from labtools.labhost.tests.libvirt_hosts import demonstration

from . import fibre_channel
from .fibre_channel import FABRIC, NODE, PORT, VHBA_NODE, VHBA_PORT, fc_pool, inventory, scsi_host

NAMES = {"wwnn": "5001a4a111111111", "wwpn": "5001a4a222222222"}
HOSTILE = [
    "it's; reboot",
    "$(touch owned)",
    "`touch owned`",
    '"; touch owned; "',
    "a' || touch owned #",
    "]]><name><script>alert(1)",
    "a&b<c>'d\"e",
    "x\\",
    "*",
    "!!",
    "~root",
    "%s{0}",
    "a  b",
]


def found(**changes: Any) -> FibreSurvey:
    return survey(inventory(**changes))


def choose(where: FibreSurvey | None = None, /, **fields: str) -> Choice:
    where = where or found()
    hba = where.find(f"{NODE}:{PORT}")
    assert hba is not None
    choice, faults = make_choice(hba, NAMES | fields, where.uses())
    assert faults == ()
    assert choice is not None
    return choice


def faults_of(**fields: str) -> dict[str, str]:
    hba = found().find(f"{NODE}:{PORT}")
    assert hba is not None
    choice, faults = make_choice(hba, NAMES | fields, found().uses("rack 1"))
    assert (choice is None) == bool(faults)
    return {fault.field: fault.sentence for fault in faults}


def plan(**fields: str) -> Plan:
    return make_plan(choose(**fields), found())


def keys(steps: tuple[Any, ...]) -> list[str]:
    return [step.key for step in steps]


def xml(made: Plan, filename: str) -> str:
    return next(document.xml for document in made.documents if document.filename == filename)


# ------------------------------------------------------------------------------------------------ what a host has


def test_a_host_shows_its_hbas_its_vhbas_and_who_uses_them() -> None:
    where = found()
    assert [(hba.name, hba.free_vports) for hba in where.hbas] == [
        ("scsi_host3", 0),
        ("scsi_host5", 163),
        ("scsi_host7", None),
    ]
    (vhba,) = where.vhbas
    assert (vhba.name, vhba.parent, vhba.is_vhba, vhba.host_number) == ("scsi_host6", "scsi_host5", True, "6")
    assert [pool.name for pool in where.pools_on(vhba)] == ["vhbapool"]
    assert where.pools_on(where.hbas[1]) == ()
    assert where.luns == {"scsi_host3": 0, "scsi_host5": 0, "scsi_host6": 2, "scsi_host7": 0}
    assert [hba.is_in_fabric for hba in where.hbas] == [True, True, False]


def test_a_pool_belongs_to_the_port_of_its_names_or_number_and_not_to_the_parent() -> None:
    pools = [
        fc_pool("by-number", "name='scsi_host6'", kind="scsi_host"),
        fc_pool("by-old-number", "name='host6'", kind="scsi_host"),
        fc_pool("other", f"wwnn='{VHBA_NODE}' wwpn='{PORT}'"),
        *fibre_channel.POOLS,
    ]
    where = found(pools=pools)
    assert [pool.name for pool in where.pools_on(where.vhbas[0])] == [
        "by-number",
        "by-old-number",
        "vhbapool",
    ]
    assert [pool.name for hba in where.hbas for pool in where.pools_on(hba)] == []


def test_luns_behind_vhbas_are_offered_and_those_of_the_host_are_not() -> None:
    assert found().paths == (fibre_channel.LUN_PATH,)
    assert found().volumes == ("unit:0:0:1",)


def test_a_port_that_tells_its_state_is_believed() -> None:
    def port(state: str, fabric: str) -> bool:
        device = scsi_host("scsi_host8", "pci", NODE, PORT, fabric=fabric, vports=(0, 9), state=state)
        return found(node_devices=[device]).hbas[0].is_offline

    assert port("", FABRIC) is port("Online", FABRIC) is port("Online", "f" * 16) is False
    assert port("", "f" * 16) is port("Linkdown", FABRIC) is True
    device = scsi_host("scsi_host8", "pci", NODE, PORT, vports=(0, 9), state="Linkdown")
    where = found(node_devices=[device])
    (caution,) = hba_cautions(where.hbas[0], where)
    assert "says Linkdown" in caution.sentence


def test_every_name_of_a_host_is_known_to_be_in_use() -> None:
    uses = found().uses("rack 1")
    assert uses[PORT] == Use("the WWPN of the HBA scsi_host5", "rack 1")
    assert uses[VHBA_NODE] == Use("the WWNN of the vHBA scsi_host6", "rack 1")
    assert uses[FABRIC].what == "the name of the fabric of scsi_host3"
    assert "f" * 16 not in uses
    asleep = found(node_devices=[])
    assert asleep.uses("rack 1")[VHBA_PORT] == Use("a name in the storage pool vhbapool", "rack 1")


def test_the_demonstration_host_is_surveyed_as_libvirt_has_it() -> None:
    where = survey(demonstration())
    assert [hba.name for hba in where.hbas] == ["scsi_host1", "scsi_host2"]
    assert [hba.name for hba in where.vhbas] == ["scsi_host11"]
    first = where.hbas[0]
    assert (first.is_npiv_capable, first.max_vports, first.free_vports, first.is_in_fabric) == (
        True,
        0,
        None,
        True,
    )
    assert [caution.key for caution in hba_cautions(first, where)] == ["uncounted"]


def test_names_that_libvirt_took_as_nonsense_do_not_break_the_survey() -> None:
    where = found(node_devices=[scsi_host("scsi_host8", "computer", "zz", "50:01", fabric="", vports=(0, 9))])
    (hba,) = where.hbas
    assert (hba.wwnn, hba.is_in_fabric) == ("zz", False)
    choice, faults = make_choice(hba, NAMES, {})
    assert choice is None
    assert [fault.field for fault in faults] == ["parent_by"]
    choice, faults = make_choice(hba, NAMES | {"parent_by": "name"}, {})
    assert choice is not None


# --------------------------------------------------------------------------------------------------------- pasting


def test_pasted_output_with_prompts_is_read() -> None:
    text = "$ virsh nodedev-dumpxml scsi_host5\n" + "\n# next\n".join(fibre_channel.DEVICES) + "\n$ "
    where = survey_paste(text)
    assert [hba.key for hba in where.hbas] == [hba.key for hba in found().hbas]
    assert where.find(f"{NODE}:{PORT}") == found().find(f"{NODE}:{PORT}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "There is no <device>"),
        ("scsi_host5", "There is no <device>"),
        ("<device>", "There is no <device>"),
        ("</device><device>", "There is no <device>"),
        ("<device></name></device>", "not the XML"),
        ("<device>&x;</device>", "not the XML"),
        (fibre_channel.DEVICES[-1], "no Fibre Channel port"),
        ("<device>" + "x" * (300 << 10) + "</device>", "longer than 256 KiB"),
        (f"<device><name>{'n' * 5000}</name></device>", "not the XML"),
    ],
    ids=["empty", "name", "open", "crossed", "malformed", "entity", "pci", "long", "long-name"],
)
def test_other_pastes_are_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(PasteError, match=sentence):
        survey_paste(text)


def test_a_doctype_before_the_document_is_not_even_read() -> None:
    text = '<!DOCTYPE device [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + fibre_channel.DEVICES[1]
    assert "passwd" not in repr(survey_paste(text))


def test_ports_go_through_a_link() -> None:
    where = found()
    ports = [*where.hbas, *where.vhbas]
    assert [unpack_hba(pack_hba(hba)) for hba in ports] == ports
    again = survey_ports(ports)
    assert (again.hbas, again.vhbas) == (where.hbas, where.vhbas)
    assert again.uses().keys() == where.uses().keys()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "scsi_host5",
        f"scsi host5,,{NODE},{PORT},,npiv,1,2",
        f"scsi_host5,a b,{NODE},{PORT},,npiv,1,2",
        f"scsi_host5,,zz,{PORT},,npiv,1,2",
        f"scsi_host5,,{NODE},{PORT},zz,npiv,1,2",
        f"scsi_host5,,{NODE},{PORT},,perhaps,1,2",
        f"scsi_host5,,{NODE},{PORT},,npiv,one,2",
        f"scsi_host5,,{NODE},{PORT},,npiv,1,2,3",
        f"$(reboot),,{NODE},{PORT},,npiv,1,2",
        f"scsi_host5,,{NODE},{PORT},,npiv,1," + "2" * 400,
    ],
)
def test_links_that_describe_no_port_are_refused(text: str) -> None:
    with pytest.raises(PasteError, match="does not describe"):
        unpack_hba(text)


# -------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("wwnn", "", "Type a WWNN or have one generated."),
        ("wwpn", "5001", "this one has 4"),
        ("wwpn", "6001a4a222222222", "128 bits"),
        ("wwpn", PORT, "a name of the parent HBA itself"),
        ("wwnn", NODE.upper(), "a name of the parent HBA itself"),
        ("wwpn", f"0x{VHBA_PORT}", "is in use: it is the WWPN of the vHBA scsi_host6 on rack 1"),
        ("wwpn", NAMES["wwnn"], "WWNN and WWPN are equal"),
        ("lifetime", "for ever", "Choose one of: persistent, transient."),
        ("bus", "sata", "Choose one of: scsi, virtio."),
        ("device", "cdrom", "Choose one of: disk, lun."),
        ("parent_by", "x", "Choose one of: wwn, fabric, name."),
        ("pool", "a/b", "slash"),
        ("pool", "-x", "looks like an option"),
        ("pool", "a\nb", "line break"),
        ("pool", "a\u202eb", "another character"),
        ("pool", "p" * 65, "longer than 64"),
        ("guest", "--live", "looks like an option"),
        ("volume", "unit:0:0:0;reboot", "unit:BUS:TARGET:LUN"),
        ("path", "/dev/sdc", "another disk after the next boot"),
        ("path", "/dev/disk/by-path/../../sda", "another disk"),
        ("path", "/dev/disk/by-path/..", "another disk"),
        ("path", "/dev/disk/by-path/a b", "another disk"),
        ("path", "/dev/disk/by-path/pci-0000\\:08:00.1-fc-0x1-lun-0", "Leave the backslashes out"),
        ("target", "vda", "named like sda"),
        ("target", "sda --live", "named like sda"),
    ],
)
def test_a_field_that_cannot_be_is_refused_where_it_stands(field: str, value: str, sentence: str) -> None:
    assert sentence in faults_of(**{field: value})[field]


def test_a_vhba_without_a_pool_has_no_volumes() -> None:
    assert "no volumes" in faults_of(lifetime="transient", lun_by="volume")["lun_by"]
    assert choose(lifetime="transient").lun_by == "path"
    assert choose().lun_by == "volume"


def test_the_bus_gives_the_target_its_name() -> None:
    assert (choose().target, choose(bus="virtio").target) == ("sda", "vda")
    assert "named like vda" in faults_of(bus="virtio", target="sda")["target"]


def test_an_hba_without_a_fabric_is_not_named_by_it() -> None:
    hba = found().hbas[2]
    _, faults = make_choice(hba, NAMES | {"parent_by": "fabric"}, {})
    assert [fault.field for fault in faults] == ["parent_by"]


def test_a_choice_reads_back_from_its_fields() -> None:
    for made in (choose(), choose(lifetime="transient", device="lun", bus="virtio", parent_by="fabric")):
        again, faults = make_choice(made.parent, choice_fields(made), {})
        assert (again, faults) == (made, ())


# ------------------------------------------------------------------------------------------------------- documents


def test_the_pool_names_its_parent_by_the_names_that_stay() -> None:
    adapter = parse_xml(xml(plan(), "pool.xml")).find("source/adapter")
    assert adapter is not None
    assert adapter.attrib == {
        "type": "fc_host",
        "parent_wwnn": NODE,
        "parent_wwpn": PORT,
        "managed": "yes",
        "wwnn": NAMES["wwnn"],
        "wwpn": NAMES["wwpn"],
    }
    by_fabric = parse_xml(xml(plan(parent_by="fabric"), "pool.xml")).find("source/adapter")
    assert by_fabric is not None
    assert (by_fabric.get("parent_fabric_wwn"), by_fabric.get("parent_wwnn")) == (FABRIC, None)
    by_name = parse_xml(xml(plan(parent_by="name"), "pool.xml")).find("source/adapter")
    assert by_name is not None
    assert by_name.get("parent") == "scsi_host5"


def test_a_document_is_no_wider_than_a_page() -> None:
    for made in (plan(), plan(lifetime="transient"), plan(parent_by="name")):
        for document in made.documents:
            assert max(map(len, document.xml.splitlines())) <= 100
            assert parse_xml(document.xml).tag in ("pool", "device", "controller", "disk")


def test_the_node_device_names_its_parent_by_the_names_that_stay() -> None:
    parent = parse_xml(xml(plan(lifetime="transient"), "vhba.xml")).find("parent")
    assert parent is not None
    assert (parent.attrib, parent.text) == ({"wwnn": NODE, "wwpn": PORT}, None)
    fabric = parse_xml(xml(plan(lifetime="transient", parent_by="fabric"), "vhba.xml")).find("parent")
    assert fabric is not None
    assert fabric.attrib == {"fabric_wwn": FABRIC}
    assert "<parent>scsi_host5</parent>" in xml(plan(lifetime="transient", parent_by="name"), "vhba.xml")


@pytest.mark.parametrize("lifetime", ["persistent", "transient"])
@pytest.mark.parametrize("device", ["disk", "lun"])
@pytest.mark.parametrize("bus", ["scsi", "virtio"])
def test_the_disk_is_what_was_chosen(lifetime: str, device: str, bus: str) -> None:
    made = plan(lifetime=lifetime, device=device, bus=bus)
    disk = parse_xml(xml(made, "disk.xml"))
    source, target = disk.find("source"), disk.find("target")
    assert source is not None
    assert target is not None
    assert disk.get("device") == device
    assert target.get("bus") == bus
    if lifetime == "persistent":
        assert (disk.get("type"), source.attrib) == ("volume", {"pool": "vhba-pool", "volume": "unit:0:0:0"})
    else:
        assert (disk.get("type"), list(source.attrib)) == ("block", ["dev"])
    assert ("controller.xml" in [d.filename for d in made.documents]) == (bus == "scsi")


# ------------------------------------------------------------------------------------------- commands and way back


def test_the_commands_of_a_pool_in_their_order_and_back() -> None:
    made = plan()
    assert keys(made.before) == ["capable", "vports", "online", "unused", "zoning"]
    assert keys(made.steps) == [
        "define",
        "start",
        "autostart-on",
        "refresh",
        "volumes",
        "controller",
        "attach",
    ]
    assert keys(made.after) == ["vhba-online", "guest-disk", "autostart"]
    assert keys(made.teardown) == ["detach", "autostart-off", "pool-destroy", "undefine", "gone", "unzone"]
    assert "nodedev-destroy" not in json.dumps(plan_json(made))


def test_the_commands_of_a_node_device_in_their_order_and_back() -> None:
    made = plan(lifetime="transient", bus="virtio")
    assert keys(made.steps) == ["create", "find", "look", "blocks", "stable", "attach"]
    assert keys(made.teardown) == ["detach", "find-again", "look-again", "destroy", "gone", "unzone"]


def test_no_command_that_destroys_holds_a_number_of_today() -> None:
    for made in (plan(), plan(lifetime="transient")):
        for step in (*made.steps, *made.after, *made.teardown):
            assert "scsi_host5" not in step.command
            assert "host5" not in step.command


def run_in_a_shell(command: str, folder: Path) -> list[list[str]]:
    """Run a line in bash with virsh, grep and cut replaced by one that notes its arguments; they alone may run."""
    stub = "note() { for a; do printf '%s\\0' \"$a\" >> args; done; printf '\\1' >> args; };"
    stub += 'virsh() { note "$@"; }; grep() { :; }; cut() { :; }; ls() { :; }; cat() { :; }; find() { :; };'
    subprocess.run(
        ["bash", "-c", f"{stub}\n{command}"], cwd=folder, check=False, capture_output=True, timeout=20
    )
    written = folder / "args"
    if not written.exists():
        return []
    calls = written.read_text().split("\1")[:-1]
    written.unlink()
    return [call.split("\0")[:-1] for call in calls]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_smuggles_a_command(name: str, tmp_path: Path) -> None:
    for lifetime in ("persistent", "transient"):
        made = plan(pool=name, guest=name, lifetime=lifetime)
        for step in (*made.before, *made.steps, *made.after, *made.teardown):
            for call in run_in_a_shell(step.command, tmp_path):
                plain = [argument for argument in call if argument != name]
                assert all(argument.isascii() and len(argument) < 40 for argument in plain), call
                assert len(call) <= 4
            assert list(tmp_path.iterdir()) == [], step


def test_a_shell_gets_the_name_as_it_was_typed(tmp_path: Path) -> None:
    made = plan(pool="it's; reboot")
    start = next(step for step in made.steps if step.key == "start")
    assert run_in_a_shell(start.command, tmp_path) == [["pool-start", "it's; reboot"]]
    assert start.prints == "Pool it's; reboot started"


def test_a_name_of_the_host_smuggles_no_command_either(tmp_path: Path) -> None:
    hostile = "scsi_host5; touch owned"
    devices = [
        scsi_host(hostile, "computer", NODE, PORT, vports=(0, 9)).replace(f"<host>{hostile[9:]}", "<host>5")
    ]
    where = found(node_devices=devices, pools=[fc_pool("p; touch owned", f"wwnn='{NODE}' wwpn='{PORT}'")])
    made = make_plan(choose(where), where)
    back = teardown_of(where.hbas[0], parse_wwn(PORT), where.pools_on(where.hbas[0]))
    for step in (*made.before, *made.steps, *made.after, *made.teardown, *back):
        run_in_a_shell(step.command, tmp_path)
        assert list(tmp_path.iterdir()) == [], step
    assert ["pool-destroy", "p; touch owned"] in run_in_a_shell(back[0].command, tmp_path)


printable = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=70)


@given(printable, printable)
def test_whatever_is_taken_stays_in_its_place(pool: str, guest: str) -> None:
    hba = found().find(f"{NODE}:{PORT}")
    assert hba is not None
    made, faults = plan_for(hba, NAMES | {"pool": pool, "guest": guest}, found(), {})
    if made is None:
        assert {fault.field for fault in faults} <= {"pool", "guest"}
        return
    pool, guest = made.choice.pool, made.choice.guest
    assert parse_xml(xml(made, "pool.xml")).findtext("name") == pool
    source = parse_xml(xml(made, "disk.xml")).find("source")
    assert source is not None
    assert source.get("pool") == pool
    assert parse_xml(trial_domain(made.choice)).findtext("name") == guest
    assert [shlex.split(step.command)[2] for step in made.steps if step.key == "start"] == [pool]
    assert [shlex.split(step.command)[2] for step in made.teardown if step.key == "detach"] == [guest]


def virsh(folder: Path, *commands: str) -> list[str]:
    """What one virsh on a test driver of its own prints for these commands, a line each."""
    argv = ["virsh", "-c", "test:///default", "; ".join(commands)]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


def test_virsh_prints_what_the_plan_says_it_will(tmp_path: Path) -> None:
    where = survey(demonstration())
    commands, prints = {}, {}
    for lifetime in ("persistent", "transient"):
        made, faults = plan_for(where.hbas[0], NAMES | {"lifetime": lifetime, "pool": "vhba pool"}, where, {})
        assert made is not None, faults
        for document in made.documents:
            (tmp_path / document.filename).write_text(document.xml)
        for step in (*made.steps, *made.teardown):
            commands[step.key] = step.command.removeprefix("virsh ").replace("scsi_$host", "scsi_host12")
            prints[step.key] = step.prints
    # The test driver ends no vHBA with a pool that was defined first, so the pool to be destroyed is created at once.
    sessions = [
        ["define", "autostart-on", "start", "refresh", "autostart-off"],
        ["define", "undefine"],
        ["pool-create pool.xml", "pool-destroy"],
        ["create", "destroy"],
    ]
    for session in sessions:
        lines = virsh(tmp_path, *(commands.get(key, key) for key in session))
        assert len(lines) == len(session)
        for key, line in zip(session, lines, strict=True):
            begin, _, end = prints.get(key, "Pool …").partition("…")
            assert line.startswith(begin), key
            assert line.endswith(end), key


# ------------------------------------------------------------------------------------------------------- cautions


def cautions_of(where: FibreSurvey | None = None, /, **fields: str) -> dict[str, Severity]:
    where = where or found()
    return {caution.key: caution.severity for caution in make_plan(choose(where, **fields), where).cautions}


def test_a_good_plan_warns_of_nothing_that_stops_it() -> None:
    assert not plan().must_not
    assert cautions_of() == dict.fromkeys(("migration", "single-path", "volume-number"), Severity.NOTE)
    assert "migration" not in cautions_of(lifetime="transient")


def test_hbas_that_cannot_are_told_apart() -> None:
    where = found()
    full, _, offline = where.hbas
    assert [(c.key, c.severity) for c in hba_cautions(full, where)] == [("full", Severity.STOP)]
    assert [c.key for c in hba_cautions(offline, where)] == ["uncounted", "offline"]
    assert [c.key for c in hba_cautions(where.vhbas[0], where)] == ["vhba"]
    incapable = replace(full, is_npiv_capable=False)
    assert [c.key for c in hba_cautions(incapable, where)] == ["incapable"]
    assert make_plan(replace(choose(), parent=full), where).must_not


def test_what_may_surprise_is_said() -> None:
    assert cautions_of(lifetime="transient")["transient"] is Severity.WARNING
    assert cautions_of(parent_by="name")["number"] is Severity.WARNING
    assert cautions_of(parent_by="fabric")["any-hba"] is Severity.NOTE
    assert cautions_of(pool="vhbapool")["pool-name"] is Severity.STOP
    assert cautions_of(device="lun")["pass-through"] is Severity.NOTE
    assert cautions_of(device="lun", bus="virtio")["virtio-blk"] is Severity.WARNING
    assert "virtio-blk" not in cautions_of(bus="virtio")
    assert cautions_of(guest="17")["guest-number"] is Severity.WARNING
    assert cautions_of(wwnn="3000000000000001")["authority"] is Severity.WARNING


@pytest.mark.parametrize(
    ("uri", "packed", "severity"),
    [
        ("qemu:///system", 9000002, Severity.WARNING),
        ("qemu:///system", 9001000, Severity.STOP),
        ("qemu:///session", 10000013, Severity.STOP),
        ("test:///default", 11003000, Severity.WARNING),
    ],
)
def test_a_qemu_that_passes_nothing_through_virtio_blk_stops_the_plan(
    uri: str, packed: int, severity: Severity
) -> None:
    where = found(uri=uri, hypervisor_version=packed)
    made = make_plan(choose(where, device="lun", bus="virtio"), where)
    (caution,) = (caution for caution in made.cautions if caution.key == "virtio-blk")
    assert caution.severity is severity
    assert made.must_not is (severity is Severity.STOP)
    assert not make_plan(choose(where, device="lun"), where).must_not
    assert not make_plan(choose(where, bus="virtio"), where).must_not


def test_a_second_path_is_named_where_there_is_one() -> None:
    (single,) = (c for c in plan().cautions if c.key == "single-path")
    assert "on scsi_host3" in single.sentence
    alone = found(node_devices=[fibre_channel.DEVICES[1]])
    (single,) = (c for c in make_plan(choose(alone), alone).cautions if c.key == "single-path")
    assert "this host shows none" in single.sentence


def test_destroying_a_parent_or_a_vhba_in_use_is_warned_of() -> None:
    where = found()
    parent = destroy_cautions(where.hbas[1], where)
    assert [caution.key for caution in parent] == ["parent"]
    assert "scsi_host6" in parent[0].sentence
    in_use = destroy_cautions(where.vhbas[0], where)
    assert [caution.key for caution in in_use] == ["pool", "luns"]
    assert "vhbapool" in in_use[0].sentence
    assert "2 LUNs are visible" in in_use[1].sentence
    idle = found(pools=[], node_devices=fibre_channel.DEVICES[:3])
    assert destroy_cautions(idle.vhbas[0], idle) == ()


def test_the_way_back_of_a_node_device_warns_of_the_parent_itself() -> None:
    (caution,) = plan(lifetime="transient").teardown_cautions
    assert (caution.key, caution.severity) == ("parent", Severity.STOP)
    assert "scsi_host5 is a real HBA" in caution.sentence
    assert "scsi_host6" in caution.sentence
    assert not plan(lifetime="transient").must_not
    assert plan().teardown_cautions == ()


def test_a_vhba_that_is_there_is_taken_down_by_its_pool_or_by_its_name() -> None:
    where = found()
    (vhba,) = where.vhbas
    managed = teardown_of(vhba, parse_wwn(VHBA_PORT), where.pools_on(vhba))
    assert [step.command for step in managed] == ["virsh pool-destroy vhbapool"]
    kept = found(pools=[fc_pool("kept", f"wwnn='{VHBA_NODE}' wwpn='{VHBA_PORT}' managed='no'")])
    steps = teardown_of(vhba, parse_wwn(VHBA_PORT), kept.pools_on(vhba))
    assert [step.key for step in steps] == ["pool-destroy", "find-again", "look-again", "destroy"]
    assert [s.key for s in teardown_of(vhba, parse_wwn(VHBA_PORT), ())] == [
        "find-again",
        "look-again",
        "destroy",
    ]


# ------------------------------------------------------------------------------------------------------ old libvirt


def test_old_libvirt_is_told_what_was_different() -> None:
    persistent = {note.before: note for note in plan().old}
    assert list(persistent) == ["3.0.0", "1.2.11", "1.2.8", "1.0.5", "1.0.4", "0.9.10", "0.6.5"]
    adapter = parse_xml(persistent["3.0.0"].instead).find("source/adapter")
    assert adapter is not None
    assert adapter.attrib == {"type": "fc_host", "parent": "scsi_host5", **NAMES}
    assert '<adapter name="host6"/>' in persistent["1.0.5"].instead
    assert "grep -q vport_ops" in persistent["1.0.4"].instead
    transient = {note.before: note for note in plan(lifetime="transient").old}
    assert list(transient) == ["3.0.0", "1.2.8", "1.0.4", "0.9.10", "0.6.5"]
    assert "<parent>scsi_host5</parent>" in transient["3.0.0"].instead


def test_the_plan_as_json_is_the_plan() -> None:
    made = plan()
    data = json.loads(json.dumps(plan_json(made)))
    assert data["format"] == 1
    assert data["choice"]["wwpn"] == NAMES["wwpn"]
    assert data["choice"]["parent"]["wwpn"] == PORT
    assert [step["key"] for step in data["steps"]] == keys(made.steps)
    assert data["documents"][0]["xml"] == xml(made, "pool.xml")
