"""Whether what a command printed is what an article says that it prints. Pure; linear in both."""

import re
from collections.abc import Sequence

#: What differs from run to run, by the name under which a block masks it. No pattern repeats a repetition.
MASKS: dict[str, re.Pattern[str]] = {
    "size": re.compile(r"\b\d{1,18}(?:\.\d{1,6})? ?(?:[KMGT]iB|[KMGT]B|bytes|B)\b"),
    "disk-size": re.compile(r'(?<=disk size: )[^\n]{1,40}|(?<="actual-size": )\d{1,18}'),
    "date": re.compile(r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:\.\d{1,9})?Z?)?\b"),
    "time": re.compile(r"\b\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?\b"),
    "uuid": re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
    "version": re.compile(r"\b\d{1,4}\.\d{1,4}(?:\.\d{1,6})?(?: \([^()\n]{1,80}\))?"),
    "number": re.compile(r"\b\d{1,18}\b"),
    "hex": re.compile(r"\b0x[0-9a-fA-F]{1,16}\b"),
    "path": re.compile(r"(?<![\w/])/[\w.+-]{1,80}(?:/[\w.+-]{1,80}){0,20}"),
    "mac": re.compile(r"\b(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\b"),
    "wwn": re.compile(r"\b[0-9a-fA-F]{16}\b"),
}
ANY_LINES = "..."
_SHOWN = 160


def masked(text: str, masks: Sequence[str]) -> str:
    """``text`` with the name of the mask in place of each value that one of ``masks`` hides."""
    for name in masks:
        text = MASKS[name].sub(f"<{name}>", text)
    return text


def difference(expected: Sequence[str], printed: str, masks: Sequence[str]) -> str:
    """What was expected and did not come, as a sentence; empty where all came."""
    wanted = _lines("\n".join(expected), masks)
    came = _lines(printed, masks)
    if ANY_LINES not in wanted:
        return _first_difference(wanted, came)
    first, *between, last = _parts(wanted)
    if said := _first_difference(first, came[: len(first)]):
        return said
    place = len(first)
    for part in between:
        found = _find(part, came, place)
        if found is None:
            return f"“{part[0][:_SHOWN]}” and what follows it did not come in its place."
        place = found + len(part)
    if len(came) - place < len(last):
        return f"It ended before “{last[0][:_SHOWN]}”."
    return _first_difference(last, came[len(came) - len(last) :]) if last else ""


def is_found(pattern: str, printed: str) -> bool:
    """Whether a line of ``printed`` holds ``pattern``, in which ``*`` stands for anything."""
    parts = [part for part in pattern.split("*") if part]
    return any(_holds(line, parts) for line in printed.split("\n"))


def _holds(line: str, parts: Sequence[str]) -> bool:
    place = 0
    for part in parts:
        found = line.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return True


def _lines(text: str, masks: Sequence[str]) -> list[str]:
    """Lines without blanks at their ends, and without empty ones at the beginning and the end."""
    lines = [line.rstrip() for line in masked(text, masks).split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def _parts(wanted: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in wanted:
        if line.strip() == ANY_LINES:
            parts.append([])
        else:
            parts[-1].append(line)
    first, *between, last = parts
    return [first, *(part for part in between if part), last]


def _find(part: list[str], came: list[str], start: int) -> int | None:
    for place in range(start, len(came) - len(part) + 1):
        if came[place] == part[0] and came[place : place + len(part)] == part:
            return place
    return None


def _first_difference(wanted: Sequence[str], came: Sequence[str]) -> str:
    for number, line in enumerate(wanted):
        if number >= len(came):
            return f"“{line[:_SHOWN]}” was expected, and nothing more came."
        if came[number] != line:
            return f"“{line[:_SHOWN]}” was expected, and “{came[number][:_SHOWN]}” came."
    if len(came) > len(wanted):
        return f"Nothing more was expected, and “{came[len(wanted)][:_SHOWN]}” came."
    return ""
