"""The life of a check: one claim, conditional changes, honest ends."""

import logging
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import DjangoCaptureOnCommitCallbacks

from labtools import examination, sandbox, starting_content, tasks
from labtools.models import ImageCheck, Upload
from labtools.services import checks, samples, upload_files
from labtools.tests.factories import make_check, make_image, make_upload
from portal import logs
from portal.accounts.models import User

pytestmark = pytest.mark.django_db

State = ImageCheck.State


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the checks whose task was sent, in order."""
    ids: list[str] = []
    monkeypatch.setattr(tasks.images.check_image, "apply_async", lambda args, **_: ids.append(args[0]))
    return ids


@pytest.fixture
def image(tmp_path: Path) -> bytes:
    return make_image(tmp_path / "image.qcow2").read_bytes()


def run(check: ImageCheck) -> ImageCheck:
    checks.run_image_check(check.pk)
    check.refresh_from_db()
    return check


class TestRequest:
    def test_row_is_queued_and_task_sent_on_commit(
        self, owner: User, sent: list[str], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        with django_capture_on_commit_callbacks() as callbacks:
            check = checks.request_image_check(upload=make_upload(owner, b"abc"), visibility="private")
            assert sent == []
        assert (check.state, check.owner, check.filename, check.length) == ("queued", owner, "disk.qcow2", 3)
        assert check.visibility == "private"
        for callback in callbacks:
            callback()
        assert sent == [str(check.pk)]

    def test_asked_twice_gives_the_same_check_and_one_task(
        self, owner: User, sent: list[str], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        upload = make_upload(owner)
        with django_capture_on_commit_callbacks(execute=True):
            first = checks.request_image_check(upload=upload)
            again = checks.request_image_check(upload=upload)
        assert first == again
        assert sent == [str(first.pk)]

    def test_unfinished_upload_or_unknown_visibility_is_a_callers_bug(self, owner: User) -> None:
        with pytest.raises(ValueError, match="complete"):
            checks.request_image_check(upload=make_upload(owner, state=Upload.State.RECEIVING))
        with pytest.raises(ValueError, match="secret"):
            checks.request_image_check(upload=make_upload(owner), visibility="secret")

    def test_broker_out_of_reach_leaves_the_row_queued(
        self,
        owner: User,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        def refuse(**_: Any) -> None:
            raise OperationalError("connection refused")

        monkeypatch.setattr(tasks.images.check_image, "apply_async", refuse)
        with django_capture_on_commit_callbacks(execute=True):
            check = checks.request_image_check(upload=make_upload(owner))
        check.refresh_from_db()
        assert check.state == State.QUEUED


class TestRun:
    def test_finished_check_has_its_report_and_no_file(
        self,
        owner: User,
        image: bytes,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
        settings: Any,
    ) -> None:
        upload = make_upload(owner, image)
        check = checks.request_image_check(upload=upload)
        path = checks.image_path(check)
        with django_capture_on_commit_callbacks(execute=True):
            run(check)
        assert (check.state, check.stage, check.progress, check.verdict) == ("finished", "done", 100, "clean")
        assert check.length == len(image)
        assert check.result is not None
        assert check.result["file"]["sha256"] == check.sha256
        assert check.upload_id is None
        assert not Upload.objects.filter(pk=upload.pk).exists()
        assert not path.exists()
        assert check.finished_at is not None
        assert check.delete_after == check.finished_at + timedelta(days=settings.REPORT_KEEP_DAYS)

    def test_task_delivered_twice_does_nothing_twice(self, owner: User, image: bytes) -> None:
        check = checks.request_image_check(upload=make_upload(owner, image))
        first = run(check).finished_at
        again = run(check)
        assert (again.finished_at, again.attempts) == (first, 1)

    @pytest.mark.parametrize("state", [State.RUNNING, State.FINISHED, State.FAILED, State.ERRORED])
    def test_only_a_queued_check_is_claimed(self, owner: User, state: str) -> None:
        check = make_check(owner, state=state, result={})
        assert run(check).attempts == 0
        assert check.state == state

    def test_unknown_check_is_no_trouble(self) -> None:
        checks.run_image_check(uuid.uuid4())

    def test_stages_are_written_as_they_come(
        self, owner: User, image: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = []
        change = checks._Claim.change

        def watch(self: checks._Claim, **fields: Any) -> None:
            seen.append(fields["stage"])
            change(self, **fields)

        monkeypatch.setattr(checks._Claim, "change", watch)
        run(checks.request_image_check(upload=make_upload(owner, image)))
        assert list(dict.fromkeys(seen)) == ["hashing", "header", "reading", "info", "check", "done"]

    def test_deleted_in_the_middle_is_survived(
        self, owner: User, image: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        check = checks.request_image_check(upload=make_upload(owner, image))

        def report(self: checks._Claim, stage: str, percent: int) -> None:
            if stage == "header":
                checks.delete_image_check(check=check)
            self.change(stage=stage)

        monkeypatch.setattr(checks._Claim, "report", report)
        checks.run_image_check(check.pk)
        assert not ImageCheck.objects.filter(pk=check.pk).exists()

    def test_attempt_that_was_taken_over_writes_nothing(
        self, owner: User, image: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        check = checks.request_image_check(upload=make_upload(owner, image))

        def taken_over(path: Path, *, limits: Any, report: Any) -> Any:
            ImageCheck.objects.filter(pk=check.pk).update(attempts=2)
            return examination.Examination(1, "0" * 64, "clean", {"format": 1})  # type: ignore[arg-type]  # never stored

        monkeypatch.setattr(examination, "examine", taken_over)
        assert run(check).state == State.RUNNING
        assert check.result is None

    def test_file_gone_fails_with_a_sentence(self, owner: User) -> None:
        check = checks.request_image_check(upload=make_upload(owner))
        checks.image_path(check).unlink()
        run(check)
        assert (check.state, check.failure) == ("failed", checks.GONE)
        assert check.delete_after is not None

    def test_bug_ends_errored_logged_whole_and_tells_nothing(
        self, owner: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def explode(*_: Any, **__: Any) -> None:
            raise RuntimeError("/srv/secret/path is broken")

        monkeypatch.setattr(examination, "examine", explode)
        token = logs.request_id.set("req-4711")
        with caplog.at_level(logging.ERROR):
            check = run(checks.request_image_check(upload=make_upload(owner)))
        logs.request_id.reset(token)
        assert check.state == State.ERRORED
        assert "req-4711" in check.failure
        assert "secret" not in check.failure
        assert "RuntimeError" not in check.failure
        assert "/srv/secret/path is broken" in caplog.text
        assert check.upload_id is None

    def test_error_without_a_request_names_the_check(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(examination, "examine", lambda *_, **__: 1 / 0)
        check = run(checks.request_image_check(upload=make_upload(owner)))
        assert str(check.pk)[:8] in check.failure

    def test_logs_do_not_hold_the_link_of_a_report(
        self, owner: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(examination, "examine", lambda *_, **__: 1 / 0)
        with caplog.at_level(logging.DEBUG):
            check = run(checks.request_image_check(upload=make_upload(owner)))
        assert str(check.pk)[:8] in caplog.text
        assert str(check.pk) not in caplog.text

    @pytest.mark.parametrize(
        ("constraint", "fields"),
        [
            ("finished_check_has_result", {"state": State.FINISHED}),
            ("running_check_has_heartbeat", {"state": State.RUNNING, "heartbeat_at": None}),
            ("failed_check_says_why", {"state": State.FAILED, "failure": ""}),
            ("failed_check_says_why", {"state": State.ERRORED, "failure": ""}),
            ("check_of_member_or_sample", {"sample": "healthy"}),
            ("check_of_member_or_sample", {"owner": None}),
        ],
    )
    def test_what_is_always_true_is_kept_by_the_database(
        self, owner: User, constraint: str, fields: dict[str, Any]
    ) -> None:
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            make_check(**{"owner": owner} | fields)

    def test_complete_upload_has_every_byte(self, owner: User) -> None:
        with pytest.raises(IntegrityError, match="complete_upload_has_every_byte"), transaction.atomic():
            make_upload(owner, b"abc", offset=2)


class TestClaim:
    def test_progress_within_a_second_is_not_written(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written: list[int] = []
        monkeypatch.setattr(
            checks._Claim, "change", lambda self, **fields: written.append(fields["progress"])
        )
        claim = checks._Claim(uuid.uuid4(), 1)
        for percent in range(50):
            claim.report("hashing", percent)
        claim.report("header", 0)
        assert written == [0, 0]


@pytest.fixture
def now() -> datetime:
    return timezone.now()


class TestSweep:
    def sweep(self, at: Any, capture: DjangoCaptureOnCommitCallbacks) -> None:
        with capture(execute=True):
            checks.sweep_checks(at=at)

    def test_queued_and_never_taken_is_sent_again_once_a_minute(
        self,
        owner: User,
        sent: list[str],
        now: Any,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        check = make_check(owner, created_at=now)
        self.sweep(now + timedelta(seconds=59), django_capture_on_commit_callbacks)
        assert sent == []
        for seconds in (61, 62, 120):
            self.sweep(now + timedelta(seconds=seconds), django_capture_on_commit_callbacks)
        assert sent == [str(check.pk)]
        self.sweep(now + timedelta(seconds=122), django_capture_on_commit_callbacks)
        assert sent == [str(check.pk)] * 2

    def test_running_that_beats_is_left_alone(
        self,
        owner: User,
        sent: list[str],
        now: Any,
        settings: Any,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        stale = timedelta(seconds=settings.IMAGE_CHECK_STALE_SECONDS)
        check = make_check(
            owner, state=State.RUNNING, attempts=1, heartbeat_at=now - stale + timedelta(seconds=1)
        )
        self.sweep(now, django_capture_on_commit_callbacks)
        check.refresh_from_db()
        assert (check.state, sent) == ("running", [])

    def test_running_that_stopped_is_queued_again(
        self,
        owner: User,
        sent: list[str],
        now: Any,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        check = make_check(owner, state=State.RUNNING, attempts=1, heartbeat_at=now - timedelta(hours=1))
        self.sweep(now, django_capture_on_commit_callbacks)
        check.refresh_from_db()
        assert (check.state, check.stage, check.attempts) == ("queued", "waiting", 1)
        assert sent == [str(check.pk)]

    def test_second_time_it_fails_with_a_sentence_and_its_file_goes(
        self,
        owner: User,
        sent: list[str],
        now: Any,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        upload = make_upload(owner, b"abc")
        check = make_check(
            owner, upload=upload, state=State.RUNNING, attempts=2, heartbeat_at=now - timedelta(hours=1)
        )
        self.sweep(now, django_capture_on_commit_callbacks)
        check.refresh_from_db()
        assert (check.state, check.failure, sent) == ("failed", checks.LOST_TWICE, [])
        assert not upload_files.path_of(upload.pk).exists()

    def test_due_reports_are_deleted_with_their_files(
        self, owner: User, now: Any, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        upload = make_upload(owner, b"abc")
        due = make_check(owner, upload=upload, state=State.FINISHED, result={}, delete_after=now)
        later = make_check(owner, state=State.FINISHED, result={}, delete_after=now + timedelta(seconds=1))
        kept = make_check(None, sample="healthy", state=State.FINISHED, result={})
        self.sweep(now, django_capture_on_commit_callbacks)
        assert set(ImageCheck.objects.all()) == {later, kept}
        assert due not in ImageCheck.objects.all()
        assert not upload_files.path_of(upload.pk).exists()


class TestOwner:
    def test_delete_takes_upload_and_file(
        self, owner: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        check = checks.request_image_check(upload=make_upload(owner, b"abc"))
        path = checks.image_path(check)
        with django_capture_on_commit_callbacks(execute=True):
            checks.delete_image_check(check=check)
        assert not ImageCheck.objects.exists()
        assert not Upload.objects.exists()
        assert not path.exists()

    def test_erase_takes_only_what_is_the_members(self, owner: User, member: User) -> None:
        make_check(owner)
        other = make_check(member)
        checks.erase_member(owner)
        assert list(ImageCheck.objects.all()) == [other]

    def test_visibility_takes_the_three_words_only(self, owner: User) -> None:
        check = make_check(owner)
        checks.change_visibility(check=check, visibility="public")
        check.refresh_from_db()
        assert check.visibility == "public"
        with pytest.raises(ValueError):
            checks.change_visibility(check=check, visibility="everyone")


class TestSamples:
    def test_reports_are_made_once_and_again_when_the_code_is_newer(self) -> None:
        assert samples.ensure_sample_reports() == list(sandbox.SampleKind)
        found = dict(ImageCheck.objects.values_list("sample", "verdict"))
        assert found == {"healthy": "clean", "leaking": "leaks", "corrupt": "corrupt"}
        assert not ImageCheck.objects.exclude(visibility="public", owner=None, delete_after=None).exists()
        assert samples.ensure_sample_reports() == []
        old = ImageCheck.objects.get(sample="leaking")
        assert old.result is not None
        old.result["format"] = 0
        old.save()
        assert samples.ensure_sample_reports() == ["leaking"]
        old.refresh_from_db()
        assert old.result is not None
        assert old.result["format"] == examination.FORMAT
        assert ImageCheck.objects.count() == 3

    def test_new_qemu_img_makes_them_anew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        samples.ensure_sample_reports()
        monkeypatch.setattr(sandbox, "qemu_img_version", lambda: "99.0")
        assert len(samples.ensure_sample_reports()) == 3
        assert samples.ensure_sample_reports() == []

    def test_member_checks_a_copy_as_their_own(self, owner: User) -> None:
        check = samples.request_sample_check(user=owner, sample="corrupt")
        assert (check.owner, check.sample, check.filename, check.state) == (
            owner,
            "",
            "corrupt.qcow2",
            "queued",
        )
        assert run(check).verdict == "corrupt"

    def test_too_many_at_once_are_refused(self, owner: User, member: User) -> None:
        for _ in range(checks.MAX_WAITING):
            samples.request_sample_check(user=owner, sample="healthy")
        with pytest.raises(checks.TooManyChecks, match="still at work"):
            samples.request_sample_check(user=owner, sample="healthy")
        samples.request_sample_check(user=member, sample="healthy")

    def test_they_are_counted_in_the_transaction_that_adds_one(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outside, counted = len(transaction.get_connection().savepoint_ids), []
        monkeypatch.setattr(
            checks,
            "check_room_for",
            lambda user: counted.append(len(transaction.get_connection().savepoint_ids)),
        )
        samples.request_sample_check(user=owner, sample="healthy")
        assert counted == [outside + 1]

    def test_unknown_sample(self, owner: User) -> None:
        with pytest.raises(ValueError):
            samples.request_sample_check(user=owner, sample="../../etc/passwd")

    def test_starting_content_tells_what_it_made(self) -> None:
        told = starting_content.load()
        assert told[0] == "Checked the lab's samples: healthy, leaking, corrupt."
        assert told[1].startswith("Loaded the QEMU of Debian 11 (bullseye), Debian 12 (bookworm), ")
        assert told[2].startswith("Added the lab's hosts: ")
        assert starting_content.load() == []

    def test_without_qemu_img_starting_content_says_so_and_goes_on(
        self, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
    ) -> None:
        settings.VAR_DIR = tmp_path

        def missing(*_: Any) -> None:
            raise sandbox.ProgramMissing("qemu-img")

        monkeypatch.setattr(sandbox, "make_sample", missing)
        assert "no samples" in starting_content.load()[0]
        assert not ImageCheck.objects.exists()
        assert list((tmp_path / "samples").iterdir()) == []
