"""Text of a stranger, fit to be stored and shown."""

from __future__ import annotations

import json

import pytest

from labtools.sandbox.visible import visible, visible_bytes, visible_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain मुंबई text\n\twith tabs", "plain मुंबई text\n\twith tabs"),
        ("a\0b\r\x1b[31m\x7f\x85", "a\\x00b\\x0d\\x1b[31m\\x7f\\x85"),
        ("safe\u202egnp.exe\u2066\u200b\ufeff", "safe\\u202egnp.exe\\u2066\\u200b\\ufeff"),
        ("line\u2028end", "line\\u2028end"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_and_reordering_characters_are_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(text).encode()


def test_joiners_that_scripts_of_india_need_are_kept() -> None:
    assert visible("क्\u200dष ക്\u200c") == "क्\u200dष ക്\u200c"


def test_what_is_not_utf8_is_replaced() -> None:
    assert visible_bytes(b"a\xffb\xc3") == "a\ufffdb\ufffd"


def test_json_is_cleaned_in_keys_and_depths() -> None:
    value = json.loads('{"a\\u0000": [{"b": "\\ud800"}, 1, null, true, 1.5]}')

    assert visible_json(value) == {"a\\x00": [{"b": "\\ud800"}, 1, None, True, 1.5]}
