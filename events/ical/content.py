"""Content lines and components, read strictly (RFC 5545, sections 3.1 and 3.4)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# A VALARM in a VEVENT in a VCALENDAR is as deep as any standard goes; the rest is for components of other makers.
_DEEPEST = 8

_NAME = re.compile(r"[A-Za-z0-9-]+")
_PARAMETER = re.compile(r";([A-Za-z0-9-]+)=")
# Section 3.1: a quoted value, or one without DQUOTE, ";", ":" and ",".
_PARAMETER_VALUE = re.compile(r'"([^"\x00-\x08\x0a-\x1f\x7f]*)"|([^";:,\x00-\x08\x0a-\x1f\x7f]*)')
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True)
class Problem:
    """What is wrong, where: ``rule`` is a short name for programs, ``line`` counts from 1."""

    rule: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text} [{self.rule}]"


@dataclass(frozen=True)
class Property:
    """A content line: ``name`` and the names of parameters in capitals, the value as it stands there."""

    name: str
    parameters: dict[str, list[str]]
    value: str
    line: int

    def parameter(self, name: str) -> str:
        """The first value of a parameter; empty where it is missing."""
        return self.parameters.get(name, [""])[0]


@dataclass
class Component:
    """Everything between a BEGIN and its END."""

    name: str
    line: int
    properties: list[Property] = field(default_factory=list)
    children: list["Component"] = field(default_factory=list)

    def all(self, name: str) -> list[Property]:
        """Its properties called ``name``."""
        return [entry for entry in self.properties if entry.name == name]

    def first(self, name: str) -> Property | None:
        """Its first property called ``name``."""
        return next(iter(self.all(name)), None)

    def walk(self) -> Iterator["Component"]:
        """It and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def read_content(data: bytes) -> tuple[list[Component], list[Problem]]:
    """The components of ``data`` on its highest level, and what is wrong with bytes, lines and nesting."""
    problems: list[Problem] = []
    lines = list(_unfolded(data, problems))
    properties = [entry for line, text in lines if (entry := _property(line, text, problems))]
    return _nested(properties, problems), problems


def _unfolded(data: bytes, problems: list[Problem]) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of their first physical one."""
    if data.startswith(b"\xef\xbb\xbf"):
        problems.append(Problem("bom", 1, "A byte order mark stands before the calendar."))
        data = data[3:]
    if not data.endswith(b"\r\n"):
        problems.append(Problem("last-line", data.count(b"\n") + 1, "The last line does not end with CRLF."))
    logical, began = bytearray(), 1
    raw_lines = data.split(b"\n")
    for number, raw in enumerate(raw_lines, 1):
        is_last = number == len(raw_lines)
        if is_last and not raw:
            break
        if not is_last and not raw.endswith(b"\r"):
            problems.append(Problem("bare-lf", number, "The line ends with LF alone."))
        line = raw.removesuffix(b"\r")
        if b"\r" in line:
            problems.append(Problem("bare-cr", number, "A CR stands within the line."))
        if len(line) > 75:
            problems.append(Problem("line-length", number, f"The line has {len(line)} octets; 75 may be."))
        if line[:1] in (b" ", b"\t"):
            if number == 1:
                problems.append(Problem("fold", number, "The first line continues nothing."))
            if line[1:2] and line[1] & 0xC0 == 0x80:
                problems.append(Problem("cut-character", number, "A fold cuts a character of UTF-8."))
            logical += line[1:]
            continue
        if logical:
            yield began, _decoded(bytes(logical), began, problems)
        elif number > 1:
            problems.append(Problem("empty-line", number - 1, "An empty line."))
        logical, began = bytearray(line), number
    if logical:
        yield began, _decoded(bytes(logical), began, problems)


def _decoded(logical: bytes, line: int, problems: list[Problem]) -> str:
    try:
        text = logical.decode()
    except UnicodeDecodeError:
        problems.append(Problem("utf-8", line, "This is not UTF-8."))
        text = logical.decode("utf-8", "replace")
    if _CONTROLS.search(text):
        problems.append(Problem("control", line, "A control character stands in the line."))
    return text


def _property(line: int, text: str, problems: list[Problem]) -> Property | None:
    name = _NAME.match(text)
    if not name:
        problems.append(Problem("name", line, "The line does not begin with a name."))
        return None
    parameters: dict[str, list[str]] = {}
    at = name.end()
    while found := _PARAMETER.match(text, at):
        values, at = _parameter_values(text, found.end())
        key = found[1].upper()
        if key in parameters:
            problems.append(Problem("parameter-twice", line, f"{key} is given twice."))
        parameters[key] = values
    if text[at : at + 1] != ":":
        problems.append(Problem("parameter", line, f"{name[0]}: a colon is missing, or a quotation mark."))
        return None
    return Property(name[0].upper(), parameters, text[at + 1 :], line)


def _parameter_values(text: str, at: int) -> tuple[list[str], int]:
    values = []
    while True:
        found = _PARAMETER_VALUE.match(text, at)
        assert found  # the second alternative matches nothing at all
        values.append(found[1] if found[1] is not None else found[2])
        at = found.end()
        if text[at : at + 1] != ",":
            return values, at
        at += 1


def _nested(properties: list[Property], problems: list[Problem]) -> list[Component]:
    top: list[Component] = []
    open_: list[Component] = []
    for entry in properties:
        if entry.name == "BEGIN":
            component = Component(entry.value.upper(), entry.line)
            if len(open_) == _DEEPEST:
                problems.append(Problem("depth", entry.line, "Components are nested too deeply."))
                return top
            (open_[-1].children if open_ else top).append(component)
            open_.append(component)
        elif entry.name == "END":
            if not open_ or open_[-1].name != entry.value.upper():
                problems.append(Problem("nesting", entry.line, f"END:{entry.value} ends nothing."))
            else:
                open_.pop()
        elif open_:
            open_[-1].properties.append(entry)
        else:
            problems.append(Problem("outside", entry.line, f"{entry.name} stands outside of any component."))
    for component in open_:
        problems.append(Problem("nesting", component.line, f"{component.name} has no end."))
    return top
