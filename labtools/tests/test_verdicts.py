"""Pure: from findings to the sentence."""

from dataclasses import replace

import pytest

from labtools import verdicts
from labtools.advice import REPAIR, STOP
from labtools.qcow2 import EmptyFileError, Format, NotQcow2Error, TruncatedHeaderError
from labtools.qcow2.tests.build import Image
from labtools.sandbox import CheckMessage, CheckNumbers, CheckResult, InfoResult, Outcome, Run, Severity
from labtools.verdicts import Code, Tone, judge

SOUND = Image().report()


def check(
    outcome: Outcome,
    *,
    corruptions: int = 0,
    leaks: int = 0,
    errors: int = 0,
    messages: tuple[CheckMessage, ...] = (),
) -> CheckResult:
    ended = outcome in (Outcome.CLEAN, Outcome.LEAKS, Outcome.CORRUPTIONS) or errors
    numbers = CheckNumbers(errors, corruptions, leaks, 1, 1, 1, 0, 0) if ended else None
    return CheckResult(Run(outcome, f"qemu-img said {outcome}.", "7.2.22"), numbers, messages)


def message(severity: Severity, number: int = 1) -> CheckMessage:
    return CheckMessage("some-code", severity, number, "What it means.", ())


@pytest.mark.parametrize(
    ("image", "result", "code", "tone", "sentence"),
    [
        (Image(), check(Outcome.CLEAN), Code.CLEAN, Tone.GOOD, "No errors found: every refcount is right"),
        (
            Image(compatible=1 << 9),
            check(Outcome.CLEAN),
            Code.CLEAN,
            Tone.WARN,
            "the header breaks 1 rule of",
        ),
        (Image(incompatible=1), check(Outcome.CLEAN), Code.CLEAN, Tone.WARN, "was not closed properly"),
        (
            Image(incompatible=2),
            check(Outcome.CLEAN),
            Code.CORRUPT,
            Tone.BAD,
            "QEMU has marked this image as corrupt",
        ),
        (Image(), check(Outcome.LEAKS, leaks=1), Code.LEAKS, Tone.WARN, "1 leaked cluster belongs to nobody"),
        (
            Image(),
            check(Outcome.LEAKS, leaks=999),
            Code.LEAKS,
            Tone.WARN,
            "999 leaked clusters belong to nobody",
        ),
        (Image(), check(Outcome.LEAKS, leaks=1000), Code.LEAKS, Tone.BAD, "1,000 leaked clusters: too many"),
        (
            Image(),
            check(Outcome.CORRUPTIONS, corruptions=1),
            Code.CORRUPT,
            Tone.BAD,
            "qemu-img check counts 1 corruption.",
        ),
        (
            Image(),
            check(Outcome.CORRUPTIONS, corruptions=14, leaks=3),
            Code.CORRUPT,
            Tone.BAD,
            "counts 14 corruptions and 3 leaked clusters.",
        ),
        (Image(), check(Outcome.FAILED), Code.UNREADABLE, Tone.BAD, "QEMU cannot open this image."),
        (Image(), check(Outcome.FAILED, errors=2), Code.UNREADABLE, Tone.BAD, "could not finish"),
        (Image(cluster_bits=40), check(Outcome.FAILED), Code.UNREADABLE, Tone.BAD, "its header is broken"),
        (
            Image(cluster_bits=40),
            check(Outcome.CLEAN),
            Code.CORRUPT,
            Tone.BAD,
            "that qemu-img check passes over",
        ),
        (
            Image(),
            check(Outcome.OUTPUT, messages=(message(Severity.ERROR, 40000),)),
            Code.CORRUPT,
            Tone.BAD,
            "stopped after 40,000 errors",
        ),
        (
            Image(),
            check(Outcome.OUTPUT, messages=(message(Severity.LEAK, 9),)),
            Code.UNCHECKED,
            Tone.WARN,
            "could not",
        ),
        (
            Image(),
            check(Outcome.TIMEOUT),
            Code.UNCHECKED,
            Tone.WARN,
            "The header keeps every rule; the clusters",
        ),
        (Image(), check(Outcome.MEMORY), Code.UNCHECKED, Tone.WARN, "could not be checked here"),
        (Image(), check(Outcome.NEEDS_KEY), Code.UNCHECKED, Tone.WARN, "could not be checked here"),
        (Image(), check(Outcome.UNAVAILABLE), Code.UNCHECKED, Tone.WARN, "could not be checked here"),
        (
            Image(compatible=1 << 9),
            check(Outcome.TIMEOUT),
            Code.UNCHECKED,
            Tone.WARN,
            "breaks rules, listed below",
        ),
    ],
)
def test_every_end_has_its_sentence(
    image: Image, result: CheckResult, code: Code, tone: Tone, sentence: str
) -> None:
    verdict = judge(image.report(), result)
    assert (verdict.code, verdict.tone) == (code, tone)
    assert sentence in verdict.sentence
    assert verdict.detail


@pytest.mark.parametrize("outcome", list(Outcome))
def test_no_outcome_is_without_an_answer(outcome: Outcome) -> None:
    for image in (Image(), Image(incompatible=1 << 40), Image(incompatible=2)):
        verdict = judge(image.report(), check(outcome))
        assert verdict.sentence.endswith(".")


@pytest.mark.parametrize(
    "verdict",
    [
        judge(SOUND, check(Outcome.CORRUPTIONS, corruptions=1)),
        judge(Image(incompatible=2).report(), check(Outcome.CLEAN)),
        judge(SOUND, check(Outcome.OUTPUT, messages=(message(Severity.ERROR),))),
        judge(SOUND, check(Outcome.LEAKS, leaks=5000)),
        judge(SOUND, check(Outcome.FAILED)),
        judge(Image(cluster_bits=40).report(), check(Outcome.FAILED)),
    ],
)
def test_damage_is_first_answered_with_stop_copy_work_on_the_copy(verdict: verdicts.Verdict) -> None:
    assert verdict.advice[0] is STOP


def test_repair_comes_last_and_on_the_copy() -> None:
    advice = judge(SOUND, check(Outcome.CORRUPTIONS, corruptions=1)).advice
    assert advice[-1] is REPAIR
    assert all("-r all IMAGE" not in each.command for each in advice)


def test_lost_table_is_not_to_be_repaired() -> None:
    advice = judge(SOUND, check(Outcome.LEAKS, leaks=5000)).advice
    assert not any("check" in each.command for each in advice)
    assert "Do not repair" in advice[1].text


def test_file_that_was_cut_short_is_to_be_fetched_again_before_it_is_repaired() -> None:
    cut = CheckMessage("beyond-end-of-file", Severity.ERROR, 1, "Behind the end.", ())
    advice = judge(SOUND, check(Outcome.CORRUPTIONS, corruptions=1, messages=(cut,))).advice
    assert (advice[0], advice[-1]) == (STOP, REPAIR)
    assert "fetch the image again" in advice[1].text


def test_broken_field_is_named_where_its_row_is_not_seen() -> None:
    verdict = judge(Image(l1_table_offset=0x30001).report(), check(Outcome.FAILED))
    assert verdict.detail.startswith("l1_table_offset: 196,609 is not on a cluster boundary")


def test_header_that_was_cut_says_the_cut_once() -> None:
    error = TruncatedHeaderError(
        "The file ends inside the header: it has 50 bytes, and the header takes 104."
    )
    assert verdicts.judge_unreadable(error).detail == "It has 50 bytes, and the header takes 104."


def test_luks_image_is_to_be_checked_with_its_passphrase() -> None:
    plain = judge(SOUND, check(Outcome.TIMEOUT)).advice[0].command
    luks = replace(SOUND, facts=replace(SOUND.facts, encryption="luks"))
    locked = judge(luks, check(Outcome.NEEDS_KEY)).advice[0].command
    assert plain == "qemu-img check -f qcow2 IMAGE"
    assert "secret,id=key,file=PASSPHRASE" in locked
    assert "encrypt.key-secret=key,file.filename=IMAGE" in locked


def test_refusal_is_given_as_the_reason() -> None:
    verdict = judge(SOUND, None, "It would take 2 GiB of memory.")
    assert (verdict.code, verdict.detail) == (Code.UNCHECKED, "It would take 2 GiB of memory.")


def test_explanation_is_the_worst_messages() -> None:
    leak = CheckMessage("l", Severity.LEAK, 1, "A leak.", ())
    error = CheckMessage("e", Severity.ERROR, 1, "An error.", ())
    verdict = judge(SOUND, check(Outcome.CORRUPTIONS, corruptions=1, leaks=1, messages=(leak, error)))
    assert verdict.detail == "An error."


class TestUnreadable:
    def test_another_format_is_named_with_its_command(self) -> None:
        found = Format(
            "vmdk", "VMDK", "This is a VMDK. qemu-img can convert it.", "qemu-img convert IMAGE", "vmdk"
        )
        verdict = verdicts.judge_unreadable(NotQcow2Error(found))
        assert (verdict.code, verdict.tone) == (Code.NOT_QCOW2, Tone.NOTE)
        assert (verdict.sentence, verdict.detail) == ("This is a VMDK.", "qemu-img can convert it.")
        assert verdict.advice[0].command == "qemu-img convert IMAGE"

    def test_overwritten_beginning_is_not_to_be_guessed(self) -> None:
        verdict = verdicts.judge_unreadable(NotQcow2Error(Format("zeros", "zeros", "Zeros.")))
        assert "backup of the same image" in verdict.advice[-1].text

    def test_empty_and_truncated(self) -> None:
        empty = verdicts.judge_unreadable(EmptyFileError("The file is empty. The copy did not take place."))
        assert (empty.code, empty.sentence) == (Code.NOT_QCOW2, "The file is empty.")
        cut = verdicts.judge_unreadable(TruncatedHeaderError("It has 50 bytes."))
        assert (cut.code, cut.tone, cut.detail) == (Code.UNREADABLE, Tone.BAD, "It has 50 bytes.")


class TestAgreement:
    def test_rules_that_qemu_img_is_silent_about(self) -> None:
        header = Image(compatible=1 << 9, size=(1 << 30) - 1).report()
        found = verdicts.silences(header, check(Outcome.CLEAN))
        assert [each.subject for each in found] == ["compatible-unknown"]  # a note is not worth a mention
        assert verdicts.silences(header, check(Outcome.TIMEOUT)) == ()
        assert verdicts.silences(SOUND, check(Outcome.CLEAN)) == ()

    def test_facts_that_differ(self) -> None:
        run = Run(Outcome.INFO, "", "7.2.22")
        same = {
            "virtual-size": 1 << 30,
            "cluster-size": 65536,
            "format-specific": {"type": "qcow2", "data": {"compat": "1.1", "corrupt": False}},
        }
        assert verdicts.differences(SOUND, InfoResult(run, same)) == ()
        other = same | {"virtual-size": 5}
        assert verdicts.differences(SOUND, InfoResult(run, other)) == (
            verdicts.Silence("virtual size", "1073741824", "5"),
        )
        assert verdicts.differences(SOUND, InfoResult(run, {"format-specific": None})) == ()
        assert verdicts.differences(SOUND, None) == ()
