"""Whether QEMU takes a value for a property, by the type and the description that QEMU gives.

The rules were read off QEMU (qapi/qobject-input-visitor.c, util/cutils.c, hw/core/qdev-properties*.c) and are
compared with the real one in the tests. Where a type is none of these, nothing is claimed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from labtools.labhost.document import Property

from .pasted import Form, Given

#: Bits and sign of the number types.
NUMBERS = {
    "uint8": (8, False),
    "uint16": (16, False),
    "uint32": (32, False),
    "uint64": (64, False),
    "int8": (8, True),
    "int16": (16, True),
    "int32": (32, True),
    "int64": (64, True),
    "int": (64, True),
}
#: Enumerations whose members did not change from QEMU 5.2 to 11.1.
CHOICES = {
    "OnOffAuto": ("on", "off", "auto"),
    "BlockdevOnError": ("report", "ignore", "enospc", "stop", "auto"),
    "FdcDriveType": ("144", "288", "120", "none", "auto"),
    "FloppyDriveType": ("144", "288", "120", "none", "auto"),
    "BiosAtaTranslation": ("auto", "none", "lba", "large", "rechs"),
    "LostTickPolicy": ("discard", "delay", "slew"),
    "OffAutoPCIBAR": ("off", "auto", "bar0", "bar1", "bar2", "bar3", "bar4", "bar5"),
}
_TRUE, _FALSE = ("on", "yes", "true", "y"), ("off", "no", "false", "n")
_SPACE = r"[ \t\n\v\f\r]*"
_INTEGER = re.compile(rf"{_SPACE}([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)", re.ASCII)
_SIZE = re.compile(rf"{_SPACE}\+?(?:(0[xX][0-9a-fA-F]+)|(\d*)(\.\d*)?)([bBkKmMgGtTpPeE]?)", re.ASCII)
_EXPONENT = re.compile(rf"{_SPACE}\+?(\d+(?:\.\d*)?[eE]\+?\d{{1,2}})[bB]?", re.ASCII)
_MAC = re.compile(r"[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}", re.ASCII)
_HEX = rf"{_SPACE}\+?(?:0[xX])?([0-9a-fA-F]{{1,8}})"
_SLOT = re.compile(rf"{_HEX}(?:\.{_HEX})?", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_LISTED = re.compile(r"(?:^|[ ,(])([A-Za-z0-9_.+-]+(?:/[A-Za-z0-9_.+-]+)+)\)?$", re.ASCII)


def is_slot(prop: Property) -> bool:
    """Whether it is a PCI slot and function, in hexadecimal, whatever type QEMU gives."""
    return "Slot and optional function" in prop.description


def is_mac(prop: Property) -> bool:
    """Whether it is an Ethernet address."""
    return "MAC Address" in prop.description


def is_readonly(prop: Property) -> bool:
    """Whether it is a part of the device itself, which nobody can set."""
    return prop.type.startswith("child<")


def is_list(prop: Property) -> bool:
    """Whether it takes an array, which only JSON can say."""
    return prop.type == "list" or prop.type.endswith("List")


def choices(prop: Property) -> tuple[str, ...]:
    """The words that it takes, where its type or its description names them; empty where they are not known."""
    if prop.type in CHOICES:
        return CHOICES[prop.type]
    if prop.type[:1].isupper() and (found := _LISTED.search(prop.description)):
        return tuple(found[1].split("/"))
    return ()


def integer(text: str) -> int | None:
    """The number that strtoll() with base 0 reads from the whole of ``text``; None if it reads none."""
    found = _INTEGER.fullmatch(text)
    if found is None or len(found[2]) > 40:
        return None
    digits = found[2]
    try:
        number = int(
            digits, 16 if digits[:2] in ("0x", "0X") else 8 if len(digits) > 1 and digits[0] == "0" else 10
        )
    except ValueError:
        return None
    return -number if found[1] == "-" else number


def size(text: str, release: tuple[int, int] = (99, 0)) -> int | None:
    """The bytes of a size as QEMU's qemu_strtosz() reads it; None if it reads none."""
    if release < (6, 0) and (exponent := _EXPONENT.fullmatch(text)) and len(text) < 20:
        return int(float(exponent[1]))  # 6.0 and later take no exponents
    found = _SIZE.fullmatch(text)
    if found is None or len(text) > 60 or not (found[1] or found[2] or (found[3] or ".") != "."):
        return None
    if not (found[1] or found[2]) and (6, 0) <= release < (8, 1):
        return None  # ".5M" is read before 6.0 and since 8.1
    unit = 1024 ** " KMGTPE".find(found[4].upper() if found[4] in "kKmMgGtTpPeE" and found[4] else " ")
    if found[1]:
        number = int(found[1], 16) * unit
    else:
        whole, part = int(found[2] or 0), found[3] or "."
        if part != "." and unit == 1 and int(part[1:] or 0):
            return None
        number = whole * unit + (int(float("0" + part) * unit) if part != "." else 0)
    # 5.2 multiplies floating-point numbers and stops short of the last ones.
    return number if number < (1 << 64) - (1024 if release < (6, 0) else 0) else None


def boolean(text: str) -> bool | None:
    """What a word means to QEMU; None if it refuses it."""
    return True if text in _TRUE else False if text in _FALSE else None


def problem(prop: Property, given: Given, release: tuple[int, int]) -> str | None:
    """Why QEMU refuses the value, as what it wants instead; None if it takes it, or if nobody can tell."""
    return (
        _json_problem(prop, given) if given.form is Form.JSON else _text_problem(prop, given.value, release)
    )


def _text_problem(prop: Property, text: str, release: tuple[int, int]) -> str | None:
    if is_slot(prop):
        return _slot(text)
    if is_list(prop):
        return 'an array: write the whole option as JSON, {"driver": …}'
    if is_mac(prop):
        return (
            None
            if _MAC.fullmatch(text)
            else "an Ethernet address: six pairs of hexadecimal digits, 52:54:00:12:34:56"
        )
    if prop.type == "bool":
        return None if boolean(text) is not None else "on or off"
    if prop.type in NUMBERS:
        return _number(prop.type, integer(text))
    if prop.type == "size":
        return (
            None
            if size(text, release) is not None
            else "a size: bytes, or a number with K, M, G, T, P or E after it"
        )
    if prop.type == "QemuUUID":
        return None if text == "auto" or _UUID.fullmatch(text) else "a UUID, or auto"
    allowed = choices(prop)
    return None if not allowed or text in allowed else _one_of(allowed)


def _slot(text: str) -> str | None:
    found = _SLOT.fullmatch(text)
    good = found is not None and int(found[1], 16) <= 31 and (found[2] is None or int(found[2], 16) <= 7)
    return None if good else "a PCI slot in hexadecimal, 0 to 1f, and after a dot a function, 0 to 7: 05.0"


def _range(name: str) -> tuple[int, int]:
    bits, signed = NUMBERS[name]
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


def _number(name: str, number: int | None) -> str | None:
    low, high = _range(name)
    wanted = f"a whole number from {low} to {high}"
    if number is None:
        return f"{wanted}, without a unit"
    if name == "uint64" and -(1 << 64) < number < 0:
        return None  # strtoull() takes a sign
    return None if low <= number <= high else wanted


def _one_of(allowed: Sequence[str]) -> str:
    return ", ".join(allowed[:-1]) + f" or {allowed[-1]}"


def _json_problem(prop: Property, given: Given) -> str | None:
    value = given.json
    if is_slot(prop) and type(value) is int:
        return (
            None
            if -1 <= value <= 255
            else "a number from -1 to 255 (slot times 8, and function), or a string “05.0”"
        )
    checks: list[tuple[bool, Callable[[object], bool], str]] = [
        (is_list(prop), lambda item: isinstance(item, list), "an array in brackets"),
        (prop.type == "bool", lambda item: isinstance(item, bool), "true or false, without quotation marks"),
        (prop.type == "size", _is_size, "a number of bytes, without quotation marks or unit"),
        (
            is_slot(prop) or is_mac(prop) or prop.type in ("str", "string"),
            _is_text,
            "a string in quotation marks",
        ),
        (bool(choices(prop)), _is_text, "a string in quotation marks"),
    ]
    for applies, is_good, wanted in checks:
        if applies and not is_good(value):
            return wanted
    if isinstance(value, str):
        if prop.type in NUMBERS and not is_slot(prop):
            return "a number, without quotation marks"
        return _text_problem(prop, value, (99, 0)) if is_slot(prop) or is_mac(prop) or choices(prop) else None
    if prop.type in NUMBERS:
        if type(value) is not int:
            return "a whole number"
        return None if prop.type == "uint64" and _is_size(value) else _number(prop.type, value)
    return None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_size(value: object) -> bool:
    # QEMU reads a negative number as the unsigned one of the same 64 bits.
    return type(value) is int and -(1 << 63) <= value < 1 << 64


def same_as_default(prop: Property, given: Given, release: tuple[int, int]) -> bool:
    """Whether the value is the default that QEMU names for the type."""
    if prop.default is None or is_slot(prop):
        return False
    text = given.value
    if prop.type == "bool":
        value = given.json if given.form is Form.JSON else boolean(text)
        return isinstance(value, bool) and prop.default == ("true" if value else "false")
    if prop.type in NUMBERS:
        number = integer(text)
        return number is not None and prop.default == str(number)
    if prop.type == "size":
        number = size(text)
        return number is not None and prop.default == str(number)
    return prop.default == f'"{text}"'
