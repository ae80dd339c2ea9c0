"""Values of fields as a ``-device`` option: the plain form, the shell's, and JSON."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from labtools.labhost.document import Property
from labtools.labhost.lint.findings import Place
from labtools.labhost.lint.pasted import Given
from labtools.labhost.lint.values import NUMBERS, boolean, integer, is_list, is_slot, problem, size

#: Characters of one value.
MAX_VALUE = 1_000
_ID = re.compile(r"[A-Za-z][A-Za-z0-9._-]*", re.ASCII)
_NOWHERE = Place(1, 1, 1, "", "")


@dataclass(frozen=True, slots=True)
class Built:
    """A device as options. ``problems``: what is wrong with a value, by field; then the rest is what was meant.

    ``json`` is empty where the QEMU takes none (before 6.2), or where a value is wrong.
    """

    driver: str
    values: Mapping[str, str]
    option: str
    shell: str
    json: str
    problems: Mapping[str, str]


def build(
    driver: str, properties: Mapping[str, Property], given: Mapping[str, str], release: tuple[int, int]
) -> Built:
    """The options for ``driver`` with the values ``given`` (empty ones leave the default)."""
    values = {name: value for name, value in given.items() if value}
    problems = {
        name: why
        for name, value in values.items()
        if (why := _problem(name, value, properties, release)) is not None
    }
    if release < (6, 2):
        problems |= dict.fromkeys(_lists(values, properties), "Arrays need JSON, which QEMU takes since 6.2.")
    option = ",".join([_escape(driver), *(f"{name}={_escape(value)}" for name, value in values.items())])
    shell = f"-device {shlex.quote(option)}"
    as_json = ""
    if not problems and release >= (6, 2):
        typed = {name: _typed(properties.get(name), value, release) for name, value in values.items()}
        as_json = json.dumps({"driver": driver, **typed}, separators=(",", ":"), ensure_ascii=False)
        if _lists(values, properties):
            option, shell = as_json, f"-device {shlex.quote(as_json)}"
    return Built(driver, values, option, shell, as_json, problems)


def _problem(
    name: str, value: str, properties: Mapping[str, Property], release: tuple[int, int]
) -> str | None:
    if len(value) > MAX_VALUE or not value.isprintable():
        return f"Give one line of at most {MAX_VALUE} characters."
    prop = properties.get(name)
    if name == "id" and prop is None and not _ID.fullmatch(value):
        return "Use letters, digits, “-”, “.” and “_”, and begin with a letter."
    if prop is None:
        return None if name in ("id", "bus") else "This device has no such property."
    if is_list(prop):
        return None if isinstance(_array(value), list) else 'Give an array as JSON: ["a", "b"].'
    wanted = problem(prop, Given(name, value, _NOWHERE), release)
    return None if wanted is None else f"Give {wanted}."


def _lists(values: Mapping[str, str], properties: Mapping[str, Property]) -> list[str]:
    """The values that are arrays: with one of them the option can only be JSON."""
    return [name for name in values if name in properties and is_list(properties[name])]


def _array(value: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _escape(value: str) -> str:
    # QEMU takes a doubled comma for one in a value (util/qemu-option.c, get_opt_value()).
    return value.replace(",", ",,")


def _typed(prop: Property | None, value: str, release: tuple[int, int]) -> object:
    if prop is None or is_slot(prop):
        return value
    if is_list(prop):
        return _array(value)
    if prop.type == "bool":
        return boolean(value)
    if prop.type in NUMBERS:
        number = integer(value)
        # QEMU's parser of words reads a negative number as the unsigned one; JSON says it straight.
        return number % (1 << 64) if number is not None and prop.type == "uint64" else number
    return size(value, release) if prop.type == "size" else value
