"""The stored shape of a report."""

from __future__ import annotations

import dataclasses
import json

from labtools.qcow2 import HeaderReport, to_json_dict

from .build import END, Image, extension, snapshot


def test_report_survives_json_whole() -> None:
    report = Image(
        extensions=extension(0xE2792ACA, b"raw") + END,
        nb_snapshots=1,
        snapshots_offset=0x40000,
        at={0x40000: snapshot()},
    ).report()
    stored = to_json_dict(report)

    assert json.loads(json.dumps(stored)) == stored
    assert set(stored) == {field.name for field in dataclasses.fields(HeaderReport)} | {
        "format",
        "opens",
        "rules_kept",
    }
    assert stored["format"] == 1
    assert bytes.fromhex(stored["dump"]["data"]) == report.dump.data
    assert stored["dump"]["cut"] is False
    assert [field["name"] for field in stored["fields"]] == [field.name for field in report.fields]
    assert stored["fields"][5]["raw"] == "0000000040000000"
    assert stored["fields"][5]["state"] == "kept"
    assert stored["features"][0]["set"] == "incompatible"
    assert stored["extensions"]["extensions"][0]["human"] == "raw"
    assert stored["snapshots"]["entries"][0]["name"] == "before update"


def test_problems_are_stored_with_code_severity_sentence_and_place() -> None:
    stored = to_json_dict(Image(cluster_bits=8).report())

    assert stored["opens"] is False
    assert stored["rules_kept"] is False
    problem = stored["problems"][0]
    assert problem["code"] == "cluster-bits-range"
    assert problem["severity"] == "error"
    assert problem["where"] == "field-cluster_bits"
    assert any(span["id"] == problem["where"] for span in stored["dump"]["spans"])
