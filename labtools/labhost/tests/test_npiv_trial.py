"""Plans tried on libvirt's own test driver, and trials that go wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labtools.labhost.host_xml import parse_xml
from labtools.labhost.npiv import (
    Choice,
    Document,
    Trial,
    TrialError,
    make_choice,
    run_trial,
    survey,
    trial,
    trial_from_json,
    trial_json,
)
from labtools.labhost.tests.libvirt_hosts import demonstration

NAMES = {"wwnn": "5001a4a111111111", "wwpn": "5001a4a222222222"}


def choose(**fields: str) -> Choice:
    where = survey(demonstration())
    choice, faults = make_choice(where.hbas[0], NAMES | fields, where.uses())
    assert choice is not None, faults
    return choice


def says(found: Trial, call: str) -> list[str]:
    return [step.says for step in found.steps if step.call == call]


def text_of(found: Trial, call: str, path: str) -> str | None:
    return parse_xml(says(found, call)[0]).findtext(path)


def test_a_vhba_is_made_and_ended_as_a_node_device() -> None:
    found = run_trial(choose(lifetime="transient", device="lun"))
    assert found.worked, found
    before, between, after = says(found, "virConnectListAllNodeDevices")
    assert before.split() == after.split() == ["computer", "scsi_host1", "scsi_host11", "scsi_host2"]
    assert set(between.split()) - set(before.split()) == {"scsi_host12"}
    port = "capability/capability[@type='fc_host']"
    assert text_of(found, "virNodeDeviceCreateXML", "name") == "scsi_host12"
    assert text_of(found, "virNodeDeviceCreateXML", f"{port}/wwpn") == NAMES["wwpn"]
    assert text_of(found, "virNodeDeviceCreateXML", f"{port}/wwnn") == NAMES["wwnn"]
    assert "device='lun'" in says(found, "virDomainDefineXMLFlags")[0]
    assert found.libvirt_version.count(".") == 2


def test_a_vhba_is_made_and_ended_with_its_pool() -> None:
    found = run_trial(choose(pool="it's <mine>", parent_by="fabric"))
    assert found.worked, found
    before, between, after = says(found, "virConnectListAllNodeDevices")
    assert before == after
    assert set(between.split()) - set(before.split()) == {"scsi_host12"}
    assert text_of(found, "virStoragePoolDefineXML", "name") == "it's <mine>"
    assert [step.call for step in found.steps].count("virStoragePoolDestroy") == 1


@pytest.mark.parametrize("lifetime", ["persistent", "transient"])
@pytest.mark.parametrize("parent_by", ["wwn", "fabric", "name"])
@pytest.mark.parametrize(("device", "bus"), [("disk", "virtio"), ("lun", "scsi")])
def test_every_kind_of_plan_is_valid_by_libvirts_own_schemas(
    lifetime: str, parent_by: str, device: str, bus: str
) -> None:
    found = run_trial(choose(lifetime=lifetime, parent_by=parent_by, device=device, bus=bus))
    assert found.worked, found


def test_two_trials_know_nothing_of_each_other() -> None:
    choice = choose()
    first, second = run_trial(choice), run_trial(choice)
    assert [step.worked for step in first.steps] == [step.worked for step in second.steps]
    assert says(first, "virConnectListAllNodeDevices") == says(second, "virConnectListAllNodeDevices")


def test_libvirts_refusal_is_told_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The schemas are really asked: a document with an element too many is refused."""

    def broken(_: Choice) -> tuple[Document, ...]:
        return (Document("vhba.xml", "", "nodedev", "<device><name>v</name><nonsense/></device>"),)

    monkeypatch.setattr(trial, "documents", broken)
    found = run_trial(choose(lifetime="transient"))
    assert not found.worked
    assert [step.call for step in found.steps if not step.worked] == ["virNodeDeviceCreateXML"]
    assert "failed to validate against schema" in says(found, "virNodeDeviceCreateXML")[0]
    assert len(says(found, "virConnectListAllNodeDevices")) == 2


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("import time; time.sleep(60)", "no answer in 1 seconds"),
        ("raise SystemExit(1)", "ended without an answer"),
        ("print('{}')", "ended without an answer"),
        ('print(\'{"version": 9000000, "steps": [{"call": "x"}]}\')', "ended without an answer"),
        ("print('[' * 100000)", "ended without an answer"),
        ("import os; os.kill(os.getpid(), 11)", "ended without an answer"),
    ],
    ids=["silent", "gone", "empty", "unknown", "deep", "crashed"],
)
def test_a_trial_that_does_not_answer_ends_with_a_sentence(
    program: str, sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "client.py"
    path.write_text(program)
    choice = choose()
    monkeypatch.setattr(trial, "PROGRAM", path)
    begun = time.monotonic()
    with pytest.raises(TrialError, match=sentence):
        run_trial(choice, deadline=1 if "sleep" in program else 10)
    assert time.monotonic() - begun < 8


def test_a_trial_survives_being_stored() -> None:
    found = run_trial(choose(lifetime="transient"))
    assert trial_from_json(json.loads(json.dumps(trial_json(found)))) == found


def test_the_worker_itself_never_loads_libvirt() -> None:
    code = "import sys, labtools.labhost.npiv; sys.exit('libvirt' in sys.modules or 'django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
