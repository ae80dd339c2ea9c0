"""Read a QEMU command line, from a shell, from ps or from libvirt's log, without running anything of it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from .findings import Finding, Lines, Severity
from .options import FLAGS, NAMING, SECRET_KEYS, WITH_VALUE
from .pasted import (
    CpuUse,
    DeviceUse,
    Form,
    Given,
    GlobalUse,
    Kind,
    MachineUse,
    ObjectUse,
    Pasted,
)
from .similar import Guesser, did_you_mean
from .words import MAX_PAIRS, Pair, Piece, Shell, json_end, split_option, split_shell

_PROGRAM = re.compile(
    r"(?:.*/)?(?:qemu-system-(?P<target>[a-z0-9_]+)(?:-[a-z]+)?|qemu-kvm|kvm|qemu)(?:\.exe)?", re.ASCII
)
_NAME = r"(?:[^\s'\"]*/)?(?:qemu-system-[a-z0-9_]+(?:-[a-z]+)?|qemu-kvm|kvm|qemu)(?:\.exe)?"
_START = re.compile(rf"(?:^|[\s])(['\"]?{_NAME}['\"]?(?=\s+(?:\\\n\s*)?-))", re.ASCII | re.MULTILINE)
_START_WITHOUT_OPTION = re.compile(
    r"(?:^|\s)((?:[^\s'\"]*/)?qemu-system-[a-z0-9_]+(?:-[a-z]+)?(?=\s|$))", re.ASCII
)
_FIRST_OPTION = re.compile(r"^\s*(--?[A-Za-z])", re.MULTILINE)
_URL_PASSWORD = re.compile(r"://[^/\s@:]+:[^/\s@]+@")
#: Options that one text may have; QEMU itself takes far fewer.
MAX_OPTIONS = 3_000


class CommandReader:
    """Collects the parts of one command line."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.devices: list[DeviceUse] = []
        self.machine: MachineUse | None = None
        self.machine_givens: tuple[Given, ...] = ()
        self.cpu: CpuUse | None = None
        self.objects: list[ObjectUse] = []
        self.globals: list[GlobalUse] = []
        self.accelerators: list[str] = []
        self.names: dict[str, set[str]] = {}
        self.counts: dict[str, int] = {}
        self.findings: list[Finding] = []
        self.target = ""
        self.is_whole = True
        self.has_usb = False
        self.holds_secret = False
        self.options = 0
        self.guesser = Guesser()

    def tell(
        self, severity: Severity, code: str, piece: Piece, option: str, message: str, advice: str = ""
    ) -> None:
        """Note a finding at ``piece``."""
        place = self.lines.place(piece.begin, piece.end, option=option)
        self.findings.append(Finding(severity, code, place, message, advice))

    def read(self, words: list[Piece]) -> None:
        """Read options one after the other."""
        at = 0
        while at < len(words):
            word = words[at]
            if not word.value.startswith("-") or word.value == "-":
                at += 1  # the image of the first disk
                continue
            name = word.value.removeprefix("-").removeprefix("-")
            value = words[at + 1] if at + 1 < len(words) else None
            self.options += 1
            if self.options > MAX_OPTIONS:
                message = f"Only the first {MAX_OPTIONS} options were read."
                self.tell(Severity.WARNING, "too-many-options", word, "", message)
                return
            at += self.one(name, word, value)

    def one(self, name: str, word: Piece, value: Piece | None) -> int:
        """Read one option; return how many words it took."""
        if name in FLAGS:
            self.flag(name)
            return 1
        if name not in WITH_VALUE:
            return self.unknown_option(name, word, value)
        if value is None:
            message = f"-{name} has no value after it."
            self.tell(
                Severity.ERROR,
                "value-missing",
                word,
                f"-{name}",
                message,
                "Add the value, or take the option out.",
            )
            return 1
        self.counts[name] = self.counts.get(name, 0) + 1
        self.holds_secret = self.holds_secret or is_secret(value)
        self.option(name, value)
        return 2

    def flag(self, name: str) -> None:
        if name == "enable-kvm":
            self.accelerators.append("kvm")
        self.has_usb = self.has_usb or name == "usb"

    def unknown_option(self, name: str, word: Piece, value: Piece | None) -> int:
        taken = 1 if value is None or value.value.startswith("-") else 2
        if "=" in name:
            advice = f"Write -{name.partition('=')[0]} and its value as two words."
        else:
            advice = did_you_mean(tuple(f"-{one}" for one in self.guesser.guess(name, FLAGS | WITH_VALUE)))
        message = f"{word.value} is no option of QEMU that this page knows; it was not read."
        self.tell(Severity.WARNING, "unknown-option", word, word.value, message, advice)
        return taken

    def option(self, name: str, value: Piece) -> None:
        """Read the value of an option that takes one."""
        label = f"-{name} no. {self.counts.get(name, 1)}"
        if name == "device":
            self.device(value, label)
        elif name in ("machine", "M"):
            self.machine_option(value, "-machine")
        elif name == "cpu":
            self.cpu = read_cpu(self.lines, value)
        elif name == "global":
            self.global_option(value, label)
        elif name == "accel":
            first = split_option(value)[:1]
            self.accelerators += [pair.value.value for pair in first if pair.value is not None]
        elif name in ("readconfig", "set"):
            self.is_whole = False
            message = f"-{name} changes devices from elsewhere; what it brings is not read here."
            self.tell(Severity.NOTE, "not-read", value, f"-{name}", message)
        elif name == "object":
            self.object_option(value, label)
        self.naming(name, value)

    def naming(self, name: str, value: Piece) -> None:
        """Keep the identifier that an option defines."""
        if name not in NAMING:
            return
        kind, keys = NAMING[name]
        found = self.names.setdefault(kind, set())
        for key, text in _texts(value):
            # Nodes below a block device have names too: file.node-name.
            if key in keys or (kind == "drive" and key.rpartition(".")[2] == "node-name"):
                found.add(text)

    def device(self, value: Piece, label: str, *, origin: str = "-device") -> None:
        """Read the value of a ``-device``."""
        use = (
            self.device_json(value, label) if value.value.startswith("{") else self.device_pairs(value, label)
        )
        if use is not None:
            self.devices.append(use)

    def device_pairs(self, value: Piece, label: str) -> DeviceUse | None:
        pairs = split_option(value)
        if len(pairs) > MAX_PAIRS:
            self.too_many(value, label)
        if any(is_help(pair) for pair in pairs):
            message = "QEMU prints help for this and ends; nothing of it is checked."
            self.tell(Severity.NOTE, "help", value, label, message)
            return None
        drivers = [pair for pair in pairs if pair.value is not None and pair.key.value in ("", "driver")]
        # The first word has no key of its own; QEMU takes it for “driver”.
        drivers = [pair for pair in drivers if pair.key.value or pair is pairs[0]]
        if not drivers or drivers[-1].value is None:
            message = "No device type is named."
            self.tell(
                Severity.ERROR,
                "driver-missing",
                value,
                label,
                message,
                "Begin with it: -device virtio-net-pci,…",
            )
            return None
        driver = drivers[-1].value
        givens = tuple(self.given(pair, label) for pair in pairs if pair not in drivers)
        place = self.lines.place(driver.begin, driver.end, option=label)
        return DeviceUse(driver.value, place, givens, is_unknown=driver.is_unknown)

    def too_many(self, value: Piece, label: str) -> None:
        message = f"Only the first {MAX_PAIRS} properties of this were read."
        self.tell(Severity.WARNING, "too-many-options", value, label, message)

    def given(self, pair: Pair, label: str) -> Given:
        """A pair as a value given for a property."""
        last = pair.key if pair.value is None else pair.value
        place = self.lines.place(pair.key.begin, max(last.end, pair.key.end), option=label)
        if pair.value is None:
            is_off = pair.key.value.startswith("no")
            name = pair.key.value[2:] if is_off else pair.key.value
            return Given(name, "off" if is_off else "on", place, Form.FLAG, is_unknown=pair.key.is_unknown)
        unknown = pair.key.is_unknown or pair.value.is_unknown
        return Given(pair.key.value, pair.value.value, place, is_unknown=unknown)

    def device_json(self, value: Piece, label: str) -> DeviceUse | None:
        raw = self.json_object(value, label)
        if raw is None:
            return None
        driver = raw.get("driver")
        if not isinstance(driver, str):
            message = "The JSON object has no “driver”, the name of the device type, as a string."
            self.tell(
                Severity.ERROR,
                "driver-missing",
                value,
                label,
                message,
                'Add "driver": "virtio-net-pci", for example.',
            )
            return None
        if len(raw) > MAX_PAIRS:
            self.too_many(value, label)
        givens = tuple(
            Given(name, text_of(item), self.json_place(value, name, label), Form.JSON, item)
            for name, item in itertools.islice(raw.items(), MAX_PAIRS)
            if name != "driver"
        )
        place = self.json_place(value, "driver", label)
        return DeviceUse(driver, place, givens, is_json=True)

    def json_object(self, value: Piece, label: str) -> dict[str, Any] | None:
        try:
            raw = json.loads(value.value, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            at = error.pos if isinstance(error, json.JSONDecodeError) else 0
            where = value.part(min(at, max(len(value.value) - 1, 0)), len(value.value))
            why = str(error) if isinstance(error, _TwiceError) else "This is not JSON: it breaks here."
            advice = "JSON has double quotation marks, and no comma before a closing brace."
            self.tell(Severity.ERROR, "json", where, label, why, advice)
            return None
        if isinstance(raw, dict):
            return raw
        self.tell(Severity.ERROR, "json", value, label, "This is JSON, but not an object in braces.")
        return None

    def json_place(self, value: Piece, name: str, label: str) -> Any:
        found = re.search(
            re.escape(json.dumps(name, ensure_ascii=False)) + r"\s*:\s*(?:\"(?:[^\"\\]|\\.)*\"|[^,}\s]+)",
            value.value,
        )
        piece = value.part(*found.span()) if found else value
        return self.lines.place(piece.begin, piece.end, option=label)

    def machine_option(self, value: Piece, label: str) -> None:
        pairs = split_option(value)
        givens = []
        for pair in pairs:
            if pair.value is not None and pair.key.value in ("", "type"):
                place = self.lines.place(pair.value.begin, pair.value.end, option=label)
                if not pair.value.is_unknown:
                    self.machine = MachineUse(pair.value.value, place)
            elif pair.value is not None and pair.key.value == "accel":
                self.accelerators += pair.value.value.split(":")
            else:
                given = self.given(pair, label)
                self.has_usb = self.has_usb or (given.name == "usb" and given.value != "off")
                givens.append(given)
        self.machine_givens += tuple(givens)

    def global_option(self, value: Piece, label: str) -> None:
        text = value.value
        head, equals, _ = text.partition("=")
        driver, dot, name = head.rpartition(".")
        place = self.lines.place(value.begin, value.end, option=label)
        if equals and dot and "," not in head:
            rest = text[len(head) + 1 :]
        else:
            named = dict(_texts(value))
            driver, name, rest = named.get("driver", ""), named.get("property", ""), named.get("value", "")
        if not driver or not name:
            advice = "Write it as -global driver.property=value."
            self.tell(
                Severity.ERROR, "global", value, label, "This names no device type and property.", advice
            )
            return
        given = Given(name, rest, place, is_unknown=value.is_unknown)
        self.globals.append(GlobalUse(driver, given, place))

    def object_option(self, value: Piece, label: str) -> None:
        if value.value.startswith("{"):
            raw = self.json_object(value, label)
            if raw is None:
                return
            kind, name = str(raw.get("qom-type", "")), str(raw.get("id", ""))
            place = self.json_place(value, "qom-type", label)
        else:
            pairs = split_option(value)
            kinds = [
                pair.value for pair in pairs if pair.value is not None and pair.key.value in ("", "qom-type")
            ]
            kind = kinds[-1].value if kinds else ""
            name = dict(_texts(value)).get("id", "")
            piece = kinds[-1] if kinds else value
            place = self.lines.place(piece.begin, piece.end, option=label)
            if value.is_unknown or kind in ("help", "?"):
                return
        self.objects.append(ObjectUse(kind, name, place))

    def pasted(self, kind: Kind, text: str, understood: Iterable[str] = ()) -> Pasted:
        """All that was collected."""
        machine = self.machine
        if machine is not None:
            machine = MachineUse(machine.name, machine.place, self.machine_givens)
        return Pasted(
            kind=kind,
            text=text,
            devices=tuple(self.devices),
            machine=machine,
            cpu=self.cpu,
            objects=tuple(self.objects),
            globals=tuple(self.globals),
            accelerators=tuple(self.accelerators),
            names={kind: frozenset(names) for kind, names in self.names.items()},
            is_whole=self.is_whole,
            has_usb=self.has_usb,
            target=self.target,
            findings=tuple(self.findings),
            understood=tuple(understood),
            holds_secret=self.holds_secret,
        )


def read_command(text: str, lines: Lines) -> Pasted:
    """Read a whole command line."""
    shell = split_shell(text, find_program(text) or 0)
    reader = CommandReader(lines)
    words, understood = list(shell.words), []
    if words and (program := _PROGRAM.fullmatch(words[0].value)):
        reader.target = program["target"] or ""
        understood.append(f"the program {words[0].value}")
    if shell.open_quote is not None:
        piece = Piece(text[shell.open_quote], (shell.open_quote,))
        message = "This quotation mark is never closed; a shell would wait for the rest."
        reader.tell(Severity.ERROR, "open-quote", piece, "", message, "Close it where the value ends.")
    reader.read(_until_end(shell, reader)[1 if understood else 0 :])
    understood.append(f"{reader.options} option{'' if reader.options == 1 else 's'}")
    return reader.pasted(Kind.COMMAND, text, understood)


def find_program(text: str) -> int | None:
    """Where the command begins: at QEMU's name, past a prompt, a log's lines, sudo and environment assignments.

    Without a program it begins at the first line of options; None where there is neither.
    """
    for pattern in (_START, _START_WITHOUT_OPTION, _FIRST_OPTION):
        if found := pattern.search(text):
            return found.start(1)
    return None


def _until_end(shell: Shell, reader: CommandReader) -> list[Piece]:
    """The words up to a line that is no part of the command: one that begins with no option after a finished line."""
    words = shell.words
    for index, word in enumerate(words):
        if index and shell.starts_line[index] and not word.value.startswith("-"):
            before = words[index - 1].value
            if before.startswith("-") and before.lstrip("-") in WITH_VALUE:
                continue  # the value of the option at the end of the line above
            message = "What begins here is not read: the command ended with the line above."
            reader.tell(Severity.NOTE, "not-read", word, "", message)
            return words[:index]
    if shell.rest is not None:
        piece = Piece(reader.lines.text[shell.rest], (shell.rest,))
        message = "What begins here is not read: the shell takes it for another command or a redirection."
        reader.tell(Severity.NOTE, "not-read", piece, "", message)
    return words


def read_device(text: str, lines: Lines) -> Pasted:
    """Read the value of a ``-device`` option, one or several, each a word or a JSON object."""
    reader = CommandReader(lines)
    shell = split_shell(text)
    start = len(text) - len(text.lstrip())
    if text.startswith("{", start) and json_end(text, start) is None:
        shell.words = [
            Piece(text[start:], range(start, len(text)))
        ]  # JSON that never ends is no shell's words
    for number, word in enumerate(shell.words[:MAX_OPTIONS], 1):
        reader.counts["device"] = number
        reader.device(word, "-device" if len(shell.words) == 1 else f"-device no. {number}")
    reader.is_whole = False
    return reader.pasted(Kind.DEVICE, text)


def read_cpu(lines: Lines, value: Piece) -> CpuUse | None:
    """Read the value of ``-cpu``: a model, then features with a sign, with a value or bare."""
    pairs = split_option(value)
    if not pairs or pairs[0].value is None or is_help(pairs[0]):
        return None
    model = pairs[0].value if not pairs[0].key.value else pairs[0].key
    features = []
    for pair in pairs[1:]:
        text = pair.key.value
        last = pair.key if pair.value is None else pair.value
        place = lines.place(pair.key.begin, max(last.end, pair.key.end), option="-cpu")
        unknown = pair.key.is_unknown or last.is_unknown
        sign = text[0] if pair.value is None and text[:1] in ("+", "-") else ""
        if sign:
            given = Given(text[1:], "on" if sign == "+" else "off", place, Form.FLAG, is_unknown=unknown)
        elif pair.value is None:
            given = Given(text, "on", place, Form.FLAG, is_unknown=unknown)
        else:
            given = Given(text, pair.value.value, place, is_unknown=unknown)
        features.append((sign, given))
    place = lines.place(model.begin, model.end, option="-cpu")
    return None if model.is_unknown else CpuUse(model.value, place, tuple(features))


class _TwiceError(ValueError):
    """A key of a JSON object stands there twice; QEMU takes no such object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError("A key of the JSON object is there twice; QEMU refuses that.")
    return found


def text_of(item: object) -> str:
    """A JSON value as text: a string as it is, the rest as JSON writes it."""
    return item if isinstance(item, str) else json.dumps(item)


def is_help(pair: Pair) -> bool:
    """Whether QEMU would print help for this word."""
    word = pair.key.value if pair.value is None else pair.value.value if not pair.key.value else ""
    return word in ("help", "?")


def _texts(value: Piece) -> list[tuple[str, str]]:
    """Keys and values of an option, as text; of JSON, those of its first level."""
    if value.value.startswith("{"):
        try:
            raw = json.loads(value.value)
        except (ValueError, RecursionError):
            return []
        return list(_json_texts(raw))
    return [(pair.key.value, pair.value.value) for pair in split_option(value) if pair.value is not None]


def _json_texts(raw: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(raw, dict):
        for key, item in raw.items():
            if isinstance(item, str):
                yield prefix + key, item
            else:
                yield from _json_texts(item, f"{prefix}{key}.")


def is_secret(value: Piece) -> bool:
    """Whether a value holds what nobody else should read: a password, the data of a secret object."""
    if _URL_PASSWORD.search(value.value):
        return True
    return any(text and key.rpartition(".")[2].lower() in SECRET_KEYS for key, text in _texts(value))
