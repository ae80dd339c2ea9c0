"""How a block of code asks to be checked. The one place that knows; pure.

    ```console check                                  commands after "$ " or "# ", below each what it prints
    ```console check exit="2" mask="disk-size uuid" expect="*errors were found*" host="qemu"
    ```xml file="vhba.xml"                            a document that commands of the same article read

Every value stands in quotation marks. ``exit`` is the code of the block's last command, 0 without it; the others must
give 0. ``mask`` names values that differ from run to run. ``expect`` must be found in a line of what the last command
prints; ``*`` in it stands for anything. ``host``: ``qemu`` or ``test-driver`` refuses commands of the other.

``$ echo $?`` below a command is read and never run: the number under it is the code with which that command must exit.

Below a command without output anything may come, unless the block says ``silent``. A line ``...`` stands for any lines.
A command may go on in the next line after a backslash. Blocks of one article run in order in one private folder.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kb.checks_matching import MASKS
from kb.markup import Fence

MAX_CHECKS, MAX_COMMANDS, MAX_DOCUMENTS = 20, 12, 10
_PROMPTS = ("$ ", "# ")
_HOSTS = ("any", "qemu", "test-driver")
_KNOWN = frozenset({"check", "exit", "mask", "expect", "host", "silent"})
#: Options of a fence that are about its looks.
_LOOKS = frozenset({"title", "hl_lines"})
#: As a shell is asked for the exit code of the command before.
_ASKS_CODE = "echo $?"


class Misread(ValueError):
    """A block is marked as none can be; the message is a sentence for its author."""


@dataclass(frozen=True, slots=True)
class Prompted:
    """A command line, the lines that must follow (None: whatever comes), and the code with which it must exit."""

    line: str
    expected: tuple[str, ...] | None
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class CheckedBlock:
    """A block that asks to be checked, read."""

    commands: tuple[Prompted, ...]
    masks: tuple[str, ...]
    expect: str
    host: str


def is_check(fence: Fence) -> bool:
    """Whether the block asks to be checked."""
    return "check" in fence.options and "file" not in fence.options


def documents_of(fences: Sequence[Fence]) -> dict[str, str]:
    """The documents that an article gives to its commands, by name. Of two with one name the first counts."""
    found: dict[str, str] = {}
    for fence in fences:
        if "file" in fence.options and len(found) < MAX_DOCUMENTS:
            found.setdefault(fence.options["file"], fence.source + "\n")
    return found


def read_block(fence: Fence) -> CheckedBlock:
    """Read a block for which :func:`is_check`. Raises :class:`Misread`."""
    if fence.language != "console":
        raise Misread("Only blocks of the language console can be checked: ```console check")
    unknown = sorted(set(fence.options) - _KNOWN - _LOOKS)
    if unknown:
        raise Misread(f"A check has no option “{unknown[0]}”. There are: {', '.join(sorted(_KNOWN))}.")
    code = _exit_code(fence.options.get("exit", "0"))
    if code is None:
        raise Misread("The option exit is a number from 0 to 125, in quotation marks.")
    masks = tuple(fence.options.get("mask", "").split())
    if wrong := next((name for name in masks if name not in MASKS), None):
        raise Misread(f"There is no mask “{wrong[:40]}”. There are: {', '.join(sorted(MASKS))}.")
    host = fence.options.get("host", "any")
    if host not in _HOSTS:
        raise Misread(f"The option host is one of {', '.join(_HOSTS)}.")
    said = _dialogue(fence.source)
    commands = _commands(said, silent="silent" in fence.options)
    if "exit" in fence.options:
        if said[-1][0] == _ASKS_CODE:
            raise Misread("The block has the option exit and ends with “echo $?”: leave one of them out.")
        commands[-1] = replace(commands[-1], exit_code=code)
    return CheckedBlock(tuple(commands), masks, fence.options.get("expect", "")[:200], host)


def _exit_code(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 and int(text) < 126 else None


def _dialogue(source: str) -> list[tuple[str, list[str]]]:
    """What is typed after each prompt, with the lines that follow it."""
    found: list[tuple[str, list[str]]] = []
    lines = iter(source.replace("\r\n", "\n").split("\n"))
    for line in lines:
        if line.startswith(_PROMPTS):
            command = line[2:]
            while command.endswith("\\"):
                command = f"{command[:-1].rstrip()} {next(lines, '').removeprefix('> ').strip()}"
            found.append((command.strip(), []))
        elif found:
            found[-1][1].append(line)
        elif line.strip():
            raise Misread("A check begins with a command after “$ ” or “# ”.")
    if not found:
        raise Misread("There is no command after “$ ” or “# ” in the block.")
    return found


def _commands(said: Sequence[tuple[str, list[str]]], *, silent: bool) -> list[Prompted]:
    found: list[Prompted] = []
    last_asked = True
    for command, lines in said:
        if command != _ASKS_CODE:
            shows = silent or any(line.strip() for line in lines)
            found.append(Prompted(command, tuple(lines) if shows else None))
            last_asked = False
            continue
        code = _exit_code("".join(lines).strip())
        if last_asked or code is None:
            raise Misread("“echo $?” stands below a command, and below it a number from 0 to 125.")
        found[-1] = replace(found[-1], exit_code=code)
        last_asked = True
    if len(found) > MAX_COMMANDS:
        raise Misread(f"A check has at most {MAX_COMMANDS} commands.")
    return found
