"""A stored report as the rows of its page. Reads the JSON of :mod:`labtools.examination`; no database, no HTML.

Everything here has been bounded when it was stored; what is cut again for the page is said on the page, and
the JSON has it whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from labtools import bytes_page, header_rows, reading_page, verdicts
from labtools.header_rows import Fact, FieldRow, HexRow, Json
from labtools.models import ImageCheck
from labtools.qcow2 import binary_size, counted

ROWS = 100


@dataclass(frozen=True)
class Stage:
    """A step of the work. ``state`` is a word; ``tone`` its colour; ``percent`` only while it is hashing."""

    label: str
    state: str
    tone: str = ""
    current: bool = False
    percent: int | None = None


@dataclass(frozen=True)
class Finding:
    """A row of what was found: a tag in words, an explanation, lines as evidence, and how many more there are."""

    tag: str
    tone: str
    title: str
    explanation: str
    lines: tuple[str, ...] = ()
    more: int = 0
    link: str = ""
    where: str = ""


@dataclass(frozen=True)
class Raw:
    """What a program wrote, to be folded away."""

    title: str
    text: str
    cut: bool


@dataclass(frozen=True)
class Supplied:
    """What is to be known about metadata that was sent in place of an image."""

    taken: str
    left_out: str
    luks_clusters: int


@dataclass(frozen=True)
class Repair:
    """What ``qemu-img check -r all`` would do, in words; or only why that cannot be said."""

    refused: str = ""
    outcome: str = ""
    writes: str = ""
    length: str = ""
    warning: str = ""


@dataclass(frozen=True)
class ReportPage:
    """All that the page of a finished check shows."""

    verdict: Json
    facts: tuple[Fact, ...]
    header: Json | None
    hex: tuple[HexRow, ...]
    hex_cut: bool
    fields: tuple[FieldRow, ...]
    extensions: tuple[FieldRow, ...]
    extensions_more: int
    features: tuple[Json, ...]
    snapshots: tuple[Json, ...]
    snapshots_more: int
    header_findings: tuple[Finding, ...]
    check_findings: tuple[Finding, ...]
    supplied: Supplied | None
    repair: Repair | None
    reading: reading_page.Reading | None
    agreement: str
    differences: tuple[Json, ...]
    info: tuple[Fact, ...]
    numbers: tuple[Fact, ...]
    runs: tuple[Fact, ...]
    raws: tuple[Raw, ...]
    timings: tuple[Fact, ...]
    bug_report: str


STAGES = (
    (ImageCheck.Stage.WAITING, "Waiting for a worker"),
    (ImageCheck.Stage.HASHING, "Reading the file, computing SHA-256"),
    (ImageCheck.Stage.HEADER, "Reading the header"),
    (ImageCheck.Stage.READING, "Reading the tables"),
    (ImageCheck.Stage.INFO, "Asking qemu-img info"),
    (ImageCheck.Stage.CHECK, "Running qemu-img check"),
)


def stages(check: ImageCheck) -> list[Stage]:
    """The steps of a check at work: those done, the one in hand, those to come."""
    order = [name for name, _ in STAGES]
    at = order.index(ImageCheck.Stage(check.stage)) if check.stage in order else len(order)
    rows = []
    for index, (name, label) in enumerate(STAGES):
        if index < at:
            rows.append(Stage(label, "done", "good"))
        elif index > at:
            rows.append(Stage(label, "to come"))
        elif name is ImageCheck.Stage.HASHING:
            rows.append(Stage(label, f"{check.progress} %", current=True, percent=check.progress))
        else:
            rows.append(Stage(label, "at work" if index else "next in line", current=True))
    return rows


def report_page(check: ImageCheck, url: str) -> ReportPage:
    """The page of a finished check. ``url`` is the report's full address, for the text to be copied."""
    result: Json = check.result or {}
    header = result.get("header")
    dump = header_rows.dump_of(header)
    problems = header["problems"] if header else []
    return ReportPage(
        verdict=result["verdict"],
        facts=tuple(_facts(check, result)),
        header=header,
        hex=tuple(
            header_rows.hex_rows_of(
                dump,
                header_rows.colours_of(header),
                {p["where"] for p in problems if p["severity"] != "note"},
            )
        ),
        hex_cut=header is not None and header_rows.is_cut(header),
        fields=tuple(header_rows.field_rows(header)),
        extensions=tuple(header_rows.extension_rows(header)),
        extensions_more=header["extensions"]["more"] if header else 0,
        features=tuple(header["features"]) if header else (),
        snapshots=tuple(header_rows.snapshot_rows(header)),
        snapshots_more=header_rows.snapshots_more(header),
        header_findings=tuple(_header_findings(result)),
        check_findings=tuple(_check_findings(result)),
        supplied=_supplied(result),
        repair=_repair(result),
        reading=reading_page.reading_of(result),
        agreement=_agreement(result),
        differences=tuple(result.get("differences", ())),
        info=tuple(_info(result)),
        numbers=tuple(_numbers(result)),
        runs=tuple(_runs(result)),
        raws=tuple(_raws(result)),
        timings=tuple(_timings(result)),
        bug_report=_bug_report(check, result, url),
    )


# --------------------------------------------------------------------------------------- what stands out


def _facts(check: ImageCheck, result: Json) -> Iterator[Fact]:
    header, checked = result.get("header"), result.get("check")
    if header:
        facts = header["facts"]
        yield Fact("Virtual size", binary_size(facts["virtual_size"]))
        yield Fact("File length", binary_size(check.length))
        if facts["cluster_size"]:
            yield Fact("Cluster size", binary_size(facts["cluster_size"]))
        yield Fact("Version", f"{header['version']}")
    else:
        found = (result.get("found") or {}).get("format")
        yield Fact("Format", found["name"] if found else "qcow2, cut short" if check.length else "empty file")
        yield Fact("File length", binary_size(check.length))
    if checked and (numbers := checked["numbers"]):
        yield Fact("Corruptions", f"{numbers['corruptions']:,}")
        yield Fact("Leaks", f"{numbers['leaks']:,}")
    if checked:
        yield Fact(_program(result), _OUTCOME_WORDS.get(checked["run"]["outcome"], "did not finish"))


def _supplied(result: Json) -> Supplied | None:
    told = result.get("supplied")
    if not told:
        return None
    left_out = told["suspect_bytes_left_out"]
    cluster = ((result.get("header") or {}).get("facts") or {}).get("cluster_size") or 0
    return Supplied(
        taken=binary_size(told["metadata_bytes"]),
        left_out=binary_size(left_out) if left_out else "",
        luks_clusters=-(-told["luks_header_bytes"] // cluster) if cluster else 0,
    )


def _repair(result: Json) -> Repair | None:
    told = result.get("repair")
    if not told:
        return None
    if "refused" in told:
        return Repair(refused=told["refused"])
    numbers = told["numbers"]
    before, after = told["length_before"], told["length_after"]
    leaks = ((result.get("check") or {}).get("numbers") or {}).get("leaks", 0)
    return Repair(
        outcome=(
            f"It would mend {counted(numbers.get('corruptions-fixed', 0), 'corruption')} and "
            f"{counted(numbers.get('leaks-fixed', 0), 'leak')}; "
            f"{counted(numbers.get('corruptions', 0), 'corruption')} and "
            f"{counted(numbers.get('leaks', 0), 'leak')} would stay."
        ),
        writes=(
            f"It would write {counted(told['places'], 'place')} of the file, "
            f"{binary_size(told['changed_bytes'])} in all."
        ),
        length=f"The file would have {after:,} bytes in place of {before:,}." if after != before else "",
        warning=_warning(result, leaks),
    )


def _warning(result: Json, leaks: int) -> str:
    """Why a repair may cost data: leaked clusters, which it discards, may be a lost table's."""
    findings = (result.get("reading") or {}).get("findings", ())
    if leaks >= verdicts.MANY_LEAKS or any(each["advice"] == "do-not-repair" for each in findings):
        return (
            "The leaks may be a lost L2 table. The repair gives them away, and what they hold with them: "
            "do not apply it before you know where they come from."
        )
    if leaks and result.get("supplied"):
        return (
            "The repair discards the leaked clusters. They were not sent, so nobody has looked whether a lost L2 "
            "table lies among them: run python -m labtools.qcow2 check IMAGE where the image is first."
        )
    return ""


_OUTCOME_WORDS = {
    "clean": "no errors",
    "leaks": "leaks only",
    "corruptions": "corruptions",
    "failed": "gave up",
    "needs-key": "not run",
    "unavailable": "not run",
    "timeout": "stopped",
    "output": "stopped",
    "memory": "out of memory",
    "cpu": "stopped",
}


def _program(result: Json) -> str:
    version = (result.get("versions", {}).get("qemu_img") or "").split(" ")[0]
    return f"qemu-img {version}".strip()


def _header_findings(result: Json) -> Iterator[Finding]:
    header = result.get("header")
    if not header:
        return
    silent = {each["subject"] for each in result.get("silences", ())}
    for problem in header["problems"][:ROWS]:
        yield Finding(
            tag=problem["severity"],
            tone={"error": "bad", "warning": "warn"}.get(problem["severity"], "note"),
            title=_place_name(problem["where"]),
            explanation=problem["sentence"],
            link=f"#{problem['where']}" if problem["where"] else _bytes_link(result, problem["code"]),
            where="passed by qemu-img check" if problem["code"] in silent else "",
        )


def _bytes_link(result: Json, code: str) -> str:
    """To the entries of the snapshot table that are meant, where the report has them."""
    found = bytes_page.bytes_of(result.get("reading") or {}, code)
    return f"#{found.id}" if found else ""


def _place_name(where: str | None) -> str:
    if where is None:
        return "The image as a whole"
    kind, _, name = where.partition("-")
    return {"field": name, "extension": f"header extension {int(name) + 1}" if name.isdigit() else name}.get(
        kind, where.replace("-", " ")
    )


_MESSAGE_TAGS = {"error": ("error", "bad"), "leak": ("leak", "warn"), "note": ("message", "note")}


def _check_findings(result: Json) -> Iterator[Finding]:
    for message in (result.get("check") or {}).get("messages", [])[:ROWS]:
        noun, tone = _MESSAGE_TAGS[message["severity"]]
        lines = tuple(example["sentence"] for example in message["examples"])
        yield Finding(
            tag=counted(message["count"], noun),
            tone=tone,
            title=message["code"].replace("-", " "),
            explanation=message["explanation"],
            lines=lines,
            more=message["count"] - len(lines),
        )


def _agreement(result: Json) -> str:
    """The third voice: where our reading and qemu-img differ, in a sentence."""
    header, checked = result.get("header"), result.get("check")
    if not header or not checked or not checked["numbers"]:
        return ""
    numbers = reading_page.agreement(result)
    silent = len(result.get("silences", ()))
    if not silent and not result.get("differences"):
        return (
            "Our reading of the header and qemu-img agree. qemu-img check compares stored refcounts with "
            f"references; our reading adds the header's own rules. {numbers}".strip()
        )
    sentence = ""
    if silent:
        sentence = (
            f"We find {counted(silent, 'rule')} of the header broken that qemu-img check says nothing about: "
            "it compares stored refcounts with references and does not judge the header. "
        )
    if result.get("differences"):
        sentence += (
            "Some facts below are read differently by qemu-img info; its word decides what a guest sees."
        )
    return f"{sentence.strip()} {numbers}".strip()


# ------------------------------------------------------------------------------------------- qemu-img


def _info(result: Json) -> Iterator[Fact]:
    """The scalars of QEMU's ImageInfo, flat, but for the path of our own copy."""
    information = (result.get("info") or {}).get("information") or {}
    inner = information.get("format-specific")
    specific = inner.get("data") if isinstance(inner, dict) else None
    for part in (information, specific if isinstance(specific, dict) else {}):
        for name, value in part.items():
            if name in ("filename", "actual-size", "full-backing-filename") or isinstance(value, dict | list):
                continue
            yield Fact(str(name).replace("-", " "), _said(str(name), value))


def _said(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith("size"):
        return f"{value:,} bytes ({binary_size(value)})" if value >= 1024 else counted(value, "byte")
    return f"{value:,}" if isinstance(value, int) else str(value)


def _numbers(result: Json) -> Iterator[Fact]:
    """The totals of qemu-img check, under QEMU's own names."""
    for name, value in ((result.get("check") or {}).get("numbers") or {}).items():
        if value is not None:
            yield Fact(str(name), f"{value:,}")


def _runs(result: Json) -> Iterator[Fact]:
    for name in ("info", "check"):
        if part := result.get(name):
            run = part["run"]
            ended = "" if run["exit_code"] is None else f" Exit code {run['exit_code']}."
            yield Fact(f"qemu-img {name}", run["sentence"] + ended)


def _raws(result: Json) -> Iterator[Raw]:
    for name in ("info", "check"):
        run = (result.get(name) or {}).get("run")
        for stream, words in (("stdout", "output"), ("stderr", "messages")):
            if run and run[f"raw_{stream}"].strip():
                yield Raw(f"qemu-img {name}: {words}", run[f"raw_{stream}"], run[f"{stream}_truncated"])


_TIMING_WORDS = {
    "hashing": "SHA-256",
    "header": "header",
    "reading": "our check",
    "info": "qemu-img info",
    "check": "qemu-img check",
    "repair": "preview of a repair",
}


def _timings(result: Json) -> Iterator[Fact]:
    words = _TIMING_WORDS | ({"hashing": "unpacking"} if result.get("supplied") else {})
    for name, seconds in result.get("seconds", {}).items():
        yield Fact(words.get(name, name), f"{seconds:.2f} s")


def _bug_report(check: ImageCheck, result: Json, url: str) -> str:
    """A short text for a bug report: facts and numbers, no names out of the image but the file's own."""
    lines = [
        result["verdict"]["sentence"],
        f"file: {check.filename or 'image'}, {check.length:,} bytes, "
        + (f"SHA-256 {check.sha256}" if check.sha256 else "metadata supplied by the client, no SHA-256"),
    ]
    if header := result.get("header"):
        facts = header["facts"]
        set_bits = [f"{each['set']} {each['name']}" for each in header["features"] if each["is_set"]]
        lines.append(
            f"qcow2 version {header['version']}, virtual size {facts['virtual_size']:,}, "
            f"cluster size {facts['cluster_size'] or 0:,}, refcount bits {facts['refcount_bits']}, "
            f"snapshots {facts['snapshots']}, features: {', '.join(set_bits) or 'none'}"
        )
        lines += [f"header {each['severity']}: {each['sentence']}" for each in header["problems"][:5]]
    for each in (result.get("reading") or {}).get("findings", ())[:5]:
        place = "" if each["host_offset"] is None else f" (first at host offset 0x{each['host_offset']:x})"
        lines.append(f"labtools.qcow2 check: {each['severity']} {each['code']}, {each['count']:,}{place}")
    if checked := result.get("check"):
        numbers = checked["numbers"] or {}
        named = [
            f"{name} {numbers[name]:,}"
            for name in ("check-errors", "corruptions", "leaks")
            if name in numbers
        ]
        version = result["versions"]["qemu_img"] or "not installed"
        lines.append(f"qemu-img check ({version}): {', '.join(named) or checked['run']['sentence']}")
        lines += [
            f"  {line}" for message in checked["messages"][:3] for line in [_first_line(message)] if line
        ]
    return "\n".join([*lines, url])


def _first_line(message: Json) -> str:
    examples = message["examples"]
    more = f" (and {message['count'] - 1:,} more)" if message["count"] > 1 else ""
    return f"{examples[0]['sentence']}{more}" if examples else ""
