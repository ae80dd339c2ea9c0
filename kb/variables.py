"""Reader variables: names such as ``disk`` that stand for what differs from reader to reader.

An article declares them in a fence, before their first use::

    ```variables
    disk = /var/lib/libvirt/images/vm1.qcow2 | Disk image | path
    ```

and writes ``@disk@`` in commands and XML. Without a script the default stands there, quoted for its place; with one,
``static/js/kb/variables.js`` puts in what the reader types. Nothing of it is sent anywhere. Both quote alike.
"""

import html
import re
import shlex
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

#: How many an article may have.
MOST = 12
#: Characters looked at for the quotes around the places of one source; what comes later stays as it was typed.
_MOST_WORK = 2_000_000
_LINE = re.compile(
    r"([a-z][a-z0-9_]{0,30})\s*=\s*([^|]{1,200}?)\s*\|\s*([^|]{1,60}?)\s*(?:\|\s*([a-z]+)\s*)?"
)
PLACE = re.compile(r"@([a-z][a-z0-9_]{0,30})@")
#: What may stand in each type, whole. ``static/js/kb/variables.js`` has the same.
TYPES: Mapping[str, re.Pattern[str]] = {
    "text": re.compile(r"\S(?:.*\S)?"),
    "path": re.compile(r"/.*\S|/"),
    "name": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+:-]*"),
    "number": re.compile(r"[0-9]{1,15}"),
    "size": re.compile(r"[0-9]{1,15}[kKMGTPE]?"),
    "wwpn": re.compile(r"(?:[0-9a-fA-F]{2}:){7}[0-9a-fA-F]{2}|[0-9a-fA-F]{16}"),
}
#: In place of a language: code within a sentence, in which Markdown has escaped "<" already.
INLINE = "(inline)"
_SHELL = frozenset({"bash", "console", "sh", "shell", "shell-session", "zsh"})
_MARKUP = frozenset({"html", "xml"})
_PROMPT = re.compile(r"(?:\[[^\]]*\]|[\w.@:~-]*)[$#] |> ")


@dataclass(frozen=True, slots=True)
class Variable:
    """One name, what stands for it until the reader types something, its label, and one of ``TYPES``."""

    name: str
    default: str
    label: str
    type: str


def is_valid(type_: str, value: str) -> bool:
    """Whether ``value`` may stand for a variable of this type: at most 200 characters, none of them invisible."""
    if len(value) > 200 or any(unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp") for one in value):
        return False
    return TYPES[type_].fullmatch(value) is not None


def read_declarations(source: str, known: Mapping[str, Variable]) -> tuple[dict[str, Variable], list[str]]:
    """The variables that a fence adds to those ``known``, and the lines of it that nobody understands."""
    found: dict[str, Variable] = {}
    odd: list[str] = []
    for line in filter(str.strip, source.splitlines()):
        match = _LINE.fullmatch(line.strip())
        if match:
            one = Variable(match[1], match[2], match[3], match[4] or "text")
            is_new = one.name not in known and one.name not in found and len(known) + len(found) < MOST
            if is_new and one.type in TYPES and is_valid(one.type, one.default):
                found[one.name] = one
                continue
        odd.append(line)
    return found, odd


@dataclass(frozen=True, slots=True)
class Place:
    """Where a variable stands in a source, and how what stands there must be quoted."""

    start: int
    end: int
    name: str
    quoting: str


def places(source: str, language: str, known: Mapping[str, Variable]) -> Iterator[Place]:
    """The places of the variables ``known``; any other ``@word@`` is text."""
    left = max(20, _MOST_WORK // max(1, len(source)))
    for match in PLACE.finditer(source):
        if match[1] in known and left:
            left -= 1
            yield Place(match.start(), match.end(), match[1], _quoting(source, match.start(), language))


def _quoting(source: str, at: int, language: str) -> str:
    if language in _MARKUP or (language == INLINE and source.startswith("&lt;")):
        return "xml"
    if language == "json":
        return "json"
    if language not in _SHELL and language != INLINE:
        return "plain"
    start = _command_start(source, at) if language in ("console", "shell-session") else 0
    return "plain" if start is None else _shell_state(source[start:at])


def _command_start(source: str, at: int) -> int | None:
    """Where the command begins that the place is in, in a session; None in what a command answers."""
    start = source.rfind("\n", 0, at) + 1
    prompt = _PROMPT.match(source, start)
    if prompt and prompt[0] != "> ":
        return prompt.end()
    if start and (prompt or source[:start].endswith("\\\n")):
        return _command_start(source, start - 1)
    return None


def _shell_state(before: str) -> str:
    """Within which quotes of the shell (POSIX.1-2024, XCU 2.2) the text after ``before`` stands."""
    quote, at = "", 0
    while at < len(before):
        one = before[at]
        if one == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if one == quote else quote
        elif one in "'\"":
            quote = one
        elif one == "#" and (at == 0 or before[at - 1].isspace()):
            at = before.find("\n", at)
            if at < 0:
                break
        at += 1
    return {"'": "shell-single", '"': "shell-double"}.get(quote, "shell")


def quoted(value: str, quoting: str) -> str:
    """``value`` as it must be written in a place of this kind, to mean itself and nothing more."""
    if quoting == "shell":
        return shlex.quote(value)
    if quoting == "shell-single":
        return value.replace("'", "'\\''")
    if quoting == "shell-double":
        # Nothing keeps "!" from history expansion within double quotes, so it stands outside them.
        return re.sub(r'([\\"$`])', r"\\\1", value).replace("!", "\"'!'\"")
    if quoting == "xml":
        return escape(value, {'"': "&quot;", "'": "&apos;"})
    if quoting == "json":
        return value.replace("\\", "\\\\").replace('"', '\\"')
    return value


def box_html(known: Mapping[str, Variable]) -> str:
    """What stands at the head of an article with variables; the script makes fields of it."""
    rows = "".join(
        f'<div data-name="{one.name}" data-type="{one.type}"><dt>{html.escape(one.label)}</dt>'
        f"<dd><code>{html.escape(one.default)}</code></dd></div>"
        for one in known.values()
    )
    head = "Values in the commands of this page"
    return f'<section class="variables" aria-label="{head}"><p class="eyebrow">{head}</p><dl>{rows}</dl></section>'


def place_html(variable: Variable, quoting: str) -> str:
    """What stands in one place: the default, quoted for it."""
    shown = html.escape(quoted(variable.default, quoting))
    return f'<span class="variable" data-variable="{variable.name}" data-quoting="{quoting}">{shown}</span>'
