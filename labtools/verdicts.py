"""From findings to one sentence that a person understands, and what to do next. Pure functions.

Three voices are weighed: our reading of the header, the numbers of ``qemu-img check``, and our own check of the
tables (:func:`hear_reading`). Single messages of qemu-img never decide, since an image chooses some of their text; its
exit code and totals do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from labtools import advice as advices
from labtools.advice import REPAIR, SALVAGE, STOP, Advice
from labtools.qcow2 import (
    CheckReport,
    EmptyFileError,
    Finding,
    Format,
    HeaderReport,
    ImageError,
    NotQcow2Error,
    Problem,
    Severity,
    SkeletonError,
    binary_size,
    counted,
)
from labtools.sandbox import CheckResult, InfoResult, Outcome
from labtools.sandbox import Severity as MessageSeverity

MANY_LEAKS = 1000
"""From here on leaks look like a lost L2 table rather than like a guest that was cut off."""


class Code(StrEnum):
    """What the check came to. Stable: stored in ``ImageCheck.verdict`` and given by the API."""

    CLEAN = "clean"
    LEAKS = "leaks"
    CORRUPT = "corrupt"
    UNREADABLE = "unreadable"  #: a qcow2 image that QEMU does not open
    UNCHECKED = "unchecked"  #: the header was read, the references were not checked to the end
    NOT_QCOW2 = "not_qcow2"


class Tone(StrEnum):
    """How grave a verdict is."""

    GOOD = "good"
    NOTE = "note"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One sentence, what it means, and what to do next in order."""

    code: Code
    tone: Tone
    sentence: str
    detail: str
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True)
class Silence:
    """Where the two voices differ: what we read, what qemu-img says to it, and why."""

    subject: str
    ours: str
    theirs: str


def judge_unreadable(error: ImageError) -> Verdict:
    """The verdict on a file whose header could not be read at all."""
    if isinstance(error, NotQcow2Error):
        return _not_qcow2(error.format)
    if isinstance(error, EmptyFileError):
        again = Advice("Compare its length with the original's and fetch the file again.")
        return Verdict(
            Code.NOT_QCOW2, Tone.NOTE, "The file is empty.", _after_first(error.sentence), (again,)
        )
    if isinstance(error, SkeletonError):
        again = Advice(
            "Pack the metadata again where the image is.",
            "python -m labtools.qcow2 skeleton IMAGE -o metadata.tar.gz",
        )
        return Verdict(
            Code.UNREADABLE, Tone.BAD, "The file of metadata cannot be read.", error.sentence, (again,)
        )
    return Verdict(
        Code.UNREADABLE,
        Tone.BAD,
        "The file begins like a qcow2 image and ends inside the header.",
        _upper_first(error.sentence.rpartition(": ")[2]),
        (
            Advice("Compare its length with the original's and fetch the file again: the copy ended early."),
            Advice("If this is the only copy, keep it unchanged; the guest's data is not in it."),
        ),
    )


def _not_qcow2(found: Format) -> Verdict:
    first, _, rest = found.sentence.partition(". ")
    advice: tuple[Advice, ...] = ()
    if found.command:
        advice += (Advice("This command leads on, with your file in place of IMAGE.", found.command),)
    else:
        advice += (Advice("Send the qcow2 image itself. If this should be it, fetch it again."),)
    if found.code in ("zeros", "unknown"):
        advice += (
            Advice(
                "If this should be qcow2, restore the first cluster from a backup of the same image; do not guess it."
            ),
        )
    return Verdict(Code.NOT_QCOW2, Tone.NOTE, first.rstrip(".") + ".", rest, advice)


def _after_first(sentence: str) -> str:
    return sentence.partition(". ")[2]


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def without_leaks(check: CheckResult, clusters: int) -> CheckResult:
    """What ``qemu-img check`` would say if so many clusters were not leaked: those of a LUKS header left out."""
    numbers = check.numbers
    if not clusters or numbers is None or check.run.outcome is not Outcome.LEAKS:
        return check
    leaks = max(0, numbers.leaks - clusters)
    outcome = Outcome.LEAKS if leaks else Outcome.CLEAN
    return replace(check, run=replace(check.run, outcome=outcome), numbers=replace(numbers, leaks=leaks))


def judge(header: HeaderReport, check: CheckResult | None, refusal: str | None = None) -> Verdict:
    """The verdict on a qcow2 image. ``refusal`` says why qemu-img was not given the work, when it was not."""
    outcome = check.run.outcome if check else None
    if outcome is Outcome.CORRUPTIONS:
        assert check is not None
        return _corrupt(header, check)
    if not header.opens and outcome in (Outcome.FAILED, None):
        return _header_broken(header, outcome)
    if header.facts.corrupt:
        return _marked_corrupt(check)
    if outcome is Outcome.OUTPUT and _has_errors(check):
        return _flood(check)
    if not header.opens:
        return _header_broken(header, outcome)
    if outcome is Outcome.LEAKS:
        assert check is not None
        return _leaks(header, check)
    if outcome is Outcome.FAILED:
        assert check is not None
        return _not_opened(check)
    if outcome is Outcome.CLEAN:
        return _clean(header)
    return _unchecked(header, check, refusal)


def _corrupt(header: HeaderReport, check: CheckResult) -> Verdict:
    numbers = check.numbers
    assert numbers is not None
    found = counted(numbers.corruptions, "corruption")
    if numbers.leaks:
        found += f" and {counted(numbers.leaks, 'leaked cluster')}"
    worst = next((each for each in check.messages if each.severity is MessageSeverity.ERROR), None)
    detail = (
        worst.explanation if worst else "The references between clusters contradict the stored refcounts."
    )
    if header.facts.corrupt:
        detail += " QEMU has marked the image as corrupt and opens it for reading only."
    cut_short = any(each.code == "beyond-end-of-file" for each in check.messages)
    cause = _CUT_SHORT if cut_short else _TWO_WRITERS
    advice = (STOP, cause, SALVAGE, REPAIR) if cut_short else (STOP, SALVAGE, cause, REPAIR)
    return Verdict(Code.CORRUPT, Tone.BAD, f"Damaged: qemu-img check counts {found}.", detail, advice)


_TWO_WRITERS = Advice("Find the cause first: usually two processes wrote the image, or the disk was full.")
_CUT_SHORT = Advice(
    "Compare the file's length with the original's. If a copy or a download ended early, fetch the image again; "
    "nothing else brings back what lay behind the end."
)


def _marked_corrupt(check: CheckResult | None) -> Verdict:
    silent = check is not None and check.run.outcome in (Outcome.CLEAN, Outcome.LEAKS)
    detail = (
        "QEMU met a contradiction while the image was in use, set this mark, and opens it for reading only."
    )
    if silent:
        detail += " qemu-img check finds no corruption now; what was damaged may lie in the guest's data."
    return Verdict(
        Code.CORRUPT,
        Tone.BAD,
        "Damaged: QEMU has marked this image as corrupt.",
        detail,
        (STOP, SALVAGE, REPAIR),
    )


def _flood(check: CheckResult | None) -> Verdict:
    assert check is not None
    seen = sum(each.count for each in check.messages if each.severity is MessageSeverity.ERROR)
    return Verdict(
        Code.CORRUPT,
        Tone.BAD,
        f"Damaged: qemu-img check was stopped after {counted(seen, 'error')}.",
        "So many errors at once mean that a whole table was overwritten or lost, and the guest ranges behind it.",
        (STOP, SALVAGE),
    )


def _header_broken(header: HeaderReport, outcome: Outcome | None) -> Verdict:
    errors = [problem for problem in header.problems if problem.severity is Severity.ERROR]
    advice = (
        STOP,
        Advice("Restore the first cluster from a backup of the same image, or fetch the image again."),
    )
    if outcome in (Outcome.CLEAN, Outcome.LEAKS):
        broken = counted(len(errors), "rule")
        return Verdict(
            Code.CORRUPT,
            Tone.BAD,
            f"Damaged: the header breaks {broken} that qemu-img check passes over.",
            _placed(errors[0]),
            advice,
        )
    return Verdict(
        Code.UNREADABLE,
        Tone.BAD,
        "QEMU cannot open this image: its header is broken.",
        _placed(errors[0]),
        advice,
    )


def _placed(problem: Problem) -> str:
    """The problem's sentence behind the name of the field that it is about, for it stands without its row here."""
    kind, _, name = (problem.where or "").partition("-")
    return f"{name}: {problem.sentence}" if kind == "field" else problem.sentence


def _not_opened(check: CheckResult) -> Verdict:
    said = check.run.sentence
    if check.numbers and check.numbers.check_errors:
        return Verdict(
            Code.UNREADABLE,
            Tone.BAD,
            "qemu-img check could not finish: it cannot read all of the image's tables.",
            f"{said} Usually the file was cut short: compare its length with the original's.",
            (STOP, Advice("Fetch the image again if you can."), SALVAGE),
        )
    return Verdict(
        Code.UNREADABLE,
        Tone.BAD,
        "QEMU cannot open this image.",
        said,
        (
            STOP,
            Advice(
                "Fetch the image again, or restore what its header names from a backup of the same image."
            ),
        ),
    )


def _leaks(header: HeaderReport, check: CheckResult) -> Verdict:
    leaks = check.numbers.leaks if check.numbers else 0
    waste = f"They take {binary_size(leaks * (header.facts.cluster_size or 0))} of the file"
    if leaks >= MANY_LEAKS:
        return Verdict(
            Code.LEAKS,
            Tone.BAD,
            f"{counted(leaks, 'leaked cluster')}: too many for a crash alone.",
            f"{waste}. Thousands at once often mean a lost L2 table, whose data they still hold.",
            (
                STOP,
                Advice(
                    "Do not repair it: -r leaks would give the lost clusters away. Look for the lost table first."
                ),
            ),
        )
    verb = "belongs" if leaks == 1 else "belong"
    return Verdict(
        Code.LEAKS,
        Tone.WARN,
        f"{counted(leaks, 'leaked cluster')} {verb} to nobody; no data is in danger.",
        f"{waste}. Leaks stay behind when a guest or its host was cut off, and do nothing but waste space.",
        (
            Advice(
                "You may leave them. To win the space back, stop the guest first.",
                "qemu-img check -f qcow2 -r leaks IMAGE",
            ),
        ),
    )


def _clean(header: HeaderReport) -> Verdict:
    broken = [problem for problem in header.problems if problem.severity is Severity.WARNING]
    if broken:
        return Verdict(
            Code.CLEAN,
            Tone.WARN,
            f"qemu-img check finds no errors; the header breaks {counted(len(broken), 'rule')} of the specification.",
            _placed(broken[0]),
            (
                Advice(
                    "QEMU opens the image all the same. Convert it to a fresh image to be rid of it.",
                    _CONVERT,
                ),
            ),
        )
    if header.facts.dirty:
        return Verdict(
            Code.CLEAN,
            Tone.WARN,
            "No errors found, but the image was not closed properly.",
            "The dirty bit is set: QEMU will check the refcounts when it next opens the image for writing.",
            (Advice("If a guest is using it now, that is normal. Otherwise nothing is to be done."),),
        )
    return Verdict(
        Code.CLEAN,
        Tone.GOOD,
        "No errors found: every refcount is right and the header keeps every rule.",
        "The check proves the bookkeeping: stored refcounts against references. It does not see two guest clusters "
        "that share one by mistake, nor data that is wrong in itself.",
    )


_CONVERT = "qemu-img convert -p -f qcow2 -O qcow2 IMAGE fresh.qcow2"


def _unchecked(header: HeaderReport, check: CheckResult | None, refusal: str | None) -> Verdict:
    why = refusal or (check.run.sentence if check else "qemu-img check was not run.")
    kept = "keeps every rule" if header.rules_kept else "breaks rules, listed below"
    return Verdict(
        Code.UNCHECKED,
        Tone.WARN,
        f"The header {kept}; the clusters could not be checked here.",
        why,
        (_CHECK_WITH_KEY if header.facts.encryption == "luks" else _CHECK_THERE,),
    )


_CHECK_THERE = Advice("Run the check where the image is.", "qemu-img check -f qcow2 IMAGE")
_CHECK_WITH_KEY = Advice(
    "Run the check where the image is, with the passphrase in a file (without a line break at its end).",
    "qemu-img check --object secret,id=key,file=PASSPHRASE "
    "--image-opts driver=qcow2,encrypt.key-secret=key,file.filename=IMAGE",
)


def _has_errors(check: CheckResult | None) -> bool:
    return check is not None and any(each.severity is MessageSeverity.ERROR for each in check.messages)


# ------------------------------------------------------------------------------------------- our own check


def hear_reading(verdict: Verdict, header: HeaderReport, reading: CheckReport | None) -> Verdict:
    """The verdict once our own check of the tables is heard, which sees what ``qemu-img check`` passes over.

    It can make a verdict graver or, where qemu-img was not run, stand in for it; it never makes one milder.
    """
    if reading is None or not reading.roles:
        return verdict
    in_header = {problem.code for problem in header.problems}
    found = [each for each in reading.findings if each.code not in in_header]
    errors = [each for each in found if each.severity is Severity.ERROR and each.code != "corrupt-bit"]
    if verdict.code in (Code.CLEAN, Code.LEAKS, Code.UNCHECKED) and errors:
        return _damage_passed_over(verdict, errors)
    if any(each.advice == "do-not-repair" for each in found):
        return _do_not_repair(verdict, found)
    if verdict.code is Code.CORRUPT and any(each.guest_ranges for each in errors):
        return replace(verdict, detail=f"{verdict.detail} {_WHERE}")
    if verdict.code is Code.UNCHECKED and header.rules_kept:
        return _only_ours(verdict, found)
    if verdict.code is Code.CLEAN and verdict.tone is Tone.GOOD:
        return _both_clean(verdict, [each for each in found if each.severity is Severity.WARNING])
    return verdict


_WHERE = "Our check of the tables, below, says which sectors of the guest are hit."


def _damage_passed_over(verdict: Verdict, errors: list[Finding]) -> Verdict:
    kinds = f"{counted(len(errors), 'kind')} of error"
    sentence = f"Damaged: our check of the tables finds {kinds} that qemu-img check does not name."
    if verdict.code is Code.UNCHECKED:
        sentence = f"Damaged: our check of the tables finds {kinds}; qemu-img check was not run to its end."
    return Verdict(Code.CORRUPT, Tone.BAD, sentence, errors[0].sentence, advices.for_findings(errors))


def _do_not_repair(verdict: Verdict, found: list[Finding]) -> Verdict:
    """No repair is advised where the leaks may be a lost table's."""
    kept = tuple(each for each in verdict.advice if each not in (STOP, REPAIR) and " -r " not in each.command)
    worst = next(each for each in found if each.advice == "do-not-repair")
    sentence, tone = verdict.sentence, verdict.tone
    if verdict.code is Code.LEAKS:
        sentence, tone = "Clusters are leaked that may be the guest's only copy: do not repair.", Tone.BAD
    return replace(
        verdict,
        sentence=sentence,
        tone=tone,
        detail=worst.sentence,
        advice=(STOP, *advices.ADVICE["do-not-repair"], *kept),
    )


def hear_of_leaks_unseen(verdict: Verdict) -> Verdict:
    """A verdict on metadata that came alone: nobody has looked into the leaked clusters, so none is called harmless."""
    if verdict.code is not Code.LEAKS or verdict.tone is not Tone.WARN:
        return verdict
    return replace(
        verdict,
        sentence=verdict.sentence.replace(
            "; no data is in danger.", "; metadata alone does not tell whether they hold a lost table."
        ),
        detail="Leaks stay behind when a guest or its host was cut off, and then do nothing but waste space. But where "
        "a table was lost, they are the guest's only copy. The leaked clusters were not sent.",
        advice=(
            Advice(
                "Before you repair anything, let the check look into them, where the image is.",
                "python -m labtools.qcow2 check IMAGE",
            ),
        ),
    )


def _only_ours(verdict: Verdict, found: list[Finding]) -> Verdict:
    if any(each.code == "leaked-clusters" for each in found):
        sentence = "Our check of the tables finds leaks only; qemu-img check could not say so, too."
    else:
        sentence = "Our check of the tables finds no errors; qemu-img check could not say so, too."
    return replace(verdict, sentence=sentence)


def _both_clean(verdict: Verdict, warnings: list[Finding]) -> Verdict:
    if warnings:
        return Verdict(
            Code.CLEAN,
            Tone.WARN,
            f"qemu-img check finds no errors; our check of the tables has {counted(len(warnings), 'warning')}.",
            warnings[0].sentence,
            advices.for_findings(warnings),
        )
    return replace(
        verdict,
        detail="qemu-img check compared stored refcounts with references; our check also looked for clusters with two "
        "uses or two owners. Neither sees data that is wrong in itself.",
    )


# ------------------------------------------------------------------------------------------- agreement


def silences(header: HeaderReport, check: CheckResult | None) -> tuple[Silence, ...]:
    """Rules that we find broken and ``qemu-img check``, having come to its end, says nothing about."""
    if check is None or check.numbers is None:
        return ()
    return tuple(Silence(each.code, each.sentence, "Says nothing.") for each in _spoken(header.problems))


def _spoken(problems: tuple[Problem, ...]) -> Iterator[Problem]:
    return (problem for problem in problems if problem.severity is not Severity.NOTE)


def differences(header: HeaderReport, info: InfoResult | None) -> tuple[Silence, ...]:
    """Facts of the header that ``qemu-img info`` gives otherwise than we read them; usually none."""
    told = info.information if info else None
    if told is None:
        return ()
    inner = told.get("format-specific")
    data = inner.get("data") if isinstance(inner, dict) else None
    specific = data if isinstance(data, dict) else {}
    facts = header.facts
    pairs = [
        ("virtual size", facts.virtual_size, told.get("virtual-size")),
        ("cluster size", facts.cluster_size, told.get("cluster-size")),
        ("compat", facts.compat, specific.get("compat")),
        ("refcount bits", facts.refcount_bits, specific.get("refcount-bits")),
        ("corrupt", facts.corrupt, specific.get("corrupt")),
        ("lazy refcounts", facts.lazy_refcounts, specific.get("lazy-refcounts")),
        ("extended L2", facts.extended_l2, specific.get("extended-l2")),
    ]
    return tuple(
        Silence(subject, str(ours), str(theirs))
        for subject, ours, theirs in pairs
        if theirs is not None and ours != theirs
    )
