"""What the linter shows for one text: the findings, on which sources each holds, and the text with its places."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from labtools.exports import source_json
from labtools.labhost.lint import Finding, Pasted, PasteError, Severity, lint, read_pasted
from labtools.lint_forms import MAX_CHECKED, LintForm
from labtools.queries import linting
from labtools.queries.sources import PARAMETER, Source, SourceNotFound, choose_default, find_sources, sources

#: Characters of a text that a link still carries; browsers and mail programs break longer addresses.
MAX_LINK = 1_500
#: Lines that are shown around a finding in a text too long to be shown whole.
MAX_LINES, AROUND = 300, 2

TONES = {Severity.ERROR: "bad", Severity.WARNING: "warn", Severity.NOTE: "note"}
#: One text to try of each kind: title, and the text.
EXAMPLES = (
    ("A -device option", "virtio-net-pci,netdev=net0,mq=yes,host-mtu=9000,vectors=many"),
    (
        "A command line",
        "qemu-system-x86_64 -machine q35 -accel kvm -cpu Haswell,+aes,enforce -m 4G \\\n"
        "  -device virtio-scsi-pci,id=scsi0,iothread=io1 -device scsi-hd,bus=scsi0.0,drive=disk0 \\\n"
        "  -drive if=none,id=disk1,file=guest.qcow2 \\\n"
        "  -device usb-tablet -device virtio-net-pci,bus=pci.0,addr=20",
    ),
    (
        "A domain",
        "<domain type='kvm'>\n"
        "  <os><type arch='x86_64' machine='pc-q35-9.2'>hvm</type></os>\n"
        "  <cpu mode='custom'><model>Hasswell</model></cpu>\n"
        "  <devices>\n"
        "    <disk type='file'><driver name='qemu' queues='4'/><target dev='vda' bus='virtio'/></disk>\n"
        "    <sound model='virtio'/>\n"
        "    <video><model type='virtio'/></video>\n"
        "  </devices>\n"
        "</domain>",
    ),
)


@dataclass(frozen=True)
class Piece:
    """A part of a line: plain, or marked with the tone of the worst finding there."""

    text: str
    tone: str


@dataclass(frozen=True)
class Line:
    """One line of the text; ``is_after_gap``: lines before it are left out."""

    number: int
    pieces: tuple[Piece, ...]
    severity: Severity | None
    is_after_gap: bool


@dataclass(frozen=True)
class Held:
    """A finding, and the sources on which it holds; ``is_everywhere``: on all that were asked."""

    finding: Finding
    sources: tuple[Source, ...]
    is_everywhere: bool

    @property
    def tone(self) -> str:
        """Its colour; the word stands beside it."""
        return TONES[self.finding.severity]


@dataclass(frozen=True)
class Outcome:
    """How the text does on one source."""

    source: Source
    findings: tuple[Finding, ...]

    def count(self, severity: Severity) -> int:
        """How many findings of a severity."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def words(self) -> str:
        """In a table: “2 errors, 1 warning”, or “fine”."""
        counts = [(self.count(severity), severity.value) for severity in (Severity.ERROR, Severity.WARNING)]
        told = ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in counts if number)
        return told or "fine"

    @property
    def tone(self) -> str:
        """Its colour; the words stand there."""
        return "bad" if self.count(Severity.ERROR) else "warn" if self.count(Severity.WARNING) else "good"


@dataclass(frozen=True)
class LintPage:
    """One state of the page. ``pasted`` is None where there is no text yet or none that can be read."""

    form: LintForm
    available: tuple[Source, ...]
    chosen: tuple[Source, ...]
    pasted: Pasted | None = None
    outcomes: tuple[Outcome, ...] = ()
    held: tuple[Held, ...] = ()
    lines: tuple[Line, ...] = ()
    link: str = ""
    examples: tuple[tuple[str, str], ...] = field(default=())

    @property
    def summary(self) -> str:
        """What the text was taken for and what was understood of it, as a sentence."""
        if self.pasted is None:
            return ""
        count = len(self.pasted.devices)
        parts = [*self.pasted.understood, f"{count} device{'' if count == 1 else 's'}"]
        return f"Read as {self.pasted.kind.words}: {', '.join(parts)}."

    @property
    def keys(self) -> frozenset[str]:
        """The chosen sources, as the form marks them."""
        return frozenset(source.key for source in self.chosen)

    @property
    def pinned(self) -> tuple[Source, ...]:
        """Chosen ones that the form would not offer by itself."""
        return tuple(source for source in self.chosen if source.is_pinned)


def lint_page(user: object, data: QueryDict, *, is_posted: bool = False) -> LintPage:
    """The page for ``text`` and ``on`` of ``data``; 404 for a source that ``user`` may not see.

    By POST that is a fault of the form, so that the text is kept: a host may be gone since the form was shown.
    """
    available = sources(user)
    keys = [key for key in data.getlist(PARAMETER) if key][:MAX_CHECKED]
    default = choose_default(available)
    chosen: tuple[Source, ...] = (default,) if default else ()
    form = LintForm({"text": data["text"]}) if "text" in data else LintForm()
    try:
        chosen = find_sources(user, keys) if keys else chosen
    except SourceNotFound as missing:
        if not (is_posted and form.is_bound):
            raise
        form.add_error(None, f"{missing} Choose again where the text is checked.")
    examples = tuple((title, _query(text, chosen)) for title, text in EXAMPLES)
    if not form.is_bound:
        return LintPage(form, available, chosen, examples=examples)
    pasted = _read(form)
    if pasted is None:
        return LintPage(form, available, chosen, examples=examples)
    outcomes = _outcomes(pasted, chosen, available)
    return LintPage(
        form,
        available,
        chosen,
        pasted=pasted,
        outcomes=outcomes,
        held=_hold(outcomes),
        lines=_lines(pasted.text, [finding for outcome in outcomes for finding in outcome.findings]),
        link=_link(form.cleaned_data["text"], pasted, chosen),
        examples=examples,
    )


def _read(form: LintForm) -> Pasted | None:
    if not form.is_valid():
        return None
    try:
        return read_pasted(form.cleaned_data["text"])
    except PasteError as error:
        where = f" (line {error.place.line}, column {error.place.column})" if error.place else ""
        form.add_error("text", f"{error}{where}")
        return None


def _query(text: str, chosen: Iterable[Source]) -> str:
    return urlencode([("text", text), *((PARAMETER, source.key) for source in chosen)])


def _link(text: str, pasted: Pasted, chosen: Iterable[Source]) -> str:
    """The query that says the same for ever; none for a long text, and none for one with a secret."""
    if len(text) > MAX_LINK or pasted.holds_secret:
        return ""
    return urlencode([("text", text), *((PARAMETER, source.permanent_key) for source in chosen)])


def _outcomes(pasted: Pasted, chosen: Sequence[Source], available: Sequence[Source]) -> tuple[Outcome, ...]:
    everything = {source.permanent_key: source for source in (*chosen, *available)}
    linting.read_ahead(chosen)
    known = {key: linting.facts_of(source, everything.values()) for key, source in everything.items()}
    outcomes = []
    for source in chosen:
        others = [other for key, other in known.items() if key != source.permanent_key]
        outcomes.append(Outcome(source, lint(pasted, known[source.permanent_key], others)))
    return tuple(outcomes)


def _hold(outcomes: Sequence[Outcome]) -> tuple[Held, ...]:
    """Each finding once, worst first; its advice is that of the first source, where they differ."""
    first: dict[tuple[object, ...], Finding] = {}
    where: dict[tuple[object, ...], list[Source]] = {}
    for outcome in outcomes:
        for finding in outcome.findings:
            same = (finding.severity, finding.code, finding.place, finding.message)
            first.setdefault(same, finding)
            where.setdefault(same, []).append(outcome.source)
    held = [Held(first[same], tuple(where[same]), len(where[same]) == len(outcomes)) for same in first]
    return tuple(sorted(held, key=lambda item: _order(item.finding)))


def _order(finding: Finding) -> tuple[int, int, int]:
    return (finding.severity.rank, finding.place.line, finding.place.column)


def _lines(text: str, findings: Iterable[Finding]) -> tuple[Line, ...]:
    """The text line by line with marks; of a long one only the lines around findings."""
    on_line: dict[int, list[Finding]] = {}
    for finding in findings:
        on_line.setdefault(finding.place.line, []).append(finding)
    whole = text.rstrip("\n").split("\n")
    shown = set(range(1, len(whole) + 1))
    if len(whole) > MAX_LINES:
        near = {number + step for number in on_line for step in range(-AROUND, AROUND + 1)}
        shown = set(sorted(shown & (near or set(range(1, AROUND + 2))))[:MAX_LINES])
    lines = []
    for number in sorted(shown):
        here = on_line.get(number, [])
        worst = min((finding.severity for finding in here), key=lambda item: item.rank, default=None)
        gap = number > 1 and number - 1 not in shown
        lines.append(Line(number, _pieces(whole[number - 1], here), worst, gap))
    return tuple(lines)


def _pieces(line: str, findings: Iterable[Finding]) -> tuple[Piece, ...]:
    tones = [""] * len(line)
    # The worst is written last, over the others.
    for finding in sorted(findings, key=lambda item: -item.severity.rank):
        start = finding.place.column - 1
        for at in range(start, min(start + finding.place.length, len(line))):
            tones[at] = TONES[finding.severity]
    pieces: list[Piece] = []
    start = 0
    for at in range(1, len(line) + 1):
        if at == len(line) or tones[at] != tones[start]:
            pieces.append(Piece(line[start:at], tones[start]))
            start = at
    return tuple(pieces)


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding for programs."""
    place = finding.place
    return {
        "severity": finding.severity.value,
        "code": finding.code,
        "line": place.line,
        "column": place.column,
        "length": place.length,
        "option": place.option,
        "token": place.token,
        "message": finding.message,
        "advice": finding.advice,
    }


def page_json(page: LintPage) -> Mapping[str, Any]:
    """The page for programs."""
    if page.pasted is None:
        return {"kind": None, "problems": page.form.errors.get_json_data(), "sources": []}
    pasted = page.pasted
    return {
        "kind": pasted.kind.value,
        "understood": list(pasted.understood),
        "devices": [use.driver for use in pasted.devices],
        "link": f"?{page.link}" if page.link else None,
        "sources": [
            {
                "source": source_json(outcome.source),
                "outcome": outcome.words,
                "findings": [finding_json(finding) for finding in outcome.findings],
            }
            for outcome in page.outcomes
        ],
    }


CSV_HEADER = ("on", "severity", "code", "line", "column", "option", "token", "message", "advice")


def csv_rows(page: LintPage) -> list[tuple[str, ...]]:
    """One row a finding and source."""
    rows: list[tuple[str, ...]] = []
    for outcome in page.outcomes:
        for finding in outcome.findings:
            place = finding.place
            head = (outcome.source.permanent_key, finding.severity.value, finding.code, str(place.line))
            tail = (str(place.column), place.option, place.token, finding.message, finding.advice)
            rows.append((*head, *tail))
    return rows
