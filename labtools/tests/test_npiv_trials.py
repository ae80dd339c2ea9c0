"""Trials on libvirt's test driver: who may ask, one at a time, the worker, the sweep, and the page that waits."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from labtools import personal_data
from labtools.labhost import npiv
from labtools.models import LabHost, VhbaTrial
from labtools.services import vhba_trials
from labtools.tests.fibre_hosts import make_fibre_host, make_real_host
from portal.accounts.models import User

pytestmark = pytest.mark.django_db

NAMES = {"wwnn": "5001a4a111111111", "wwpn": "5001a4a222222222"}


@pytest.fixture
def host() -> LabHost:
    return make_fibre_host()


@pytest.fixture
def member(db: None) -> User:
    return User.objects.create_user(email="member@example.org")


@pytest.fixture
def other(db: None) -> User:
    return User.objects.create_user(email="other@example.org")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids that were sent to the queue."""
    found: list[str] = []
    monkeypatch.setattr(
        "portal.dispatch.send_on_commit", lambda name, *args: found.append(f"{name} {args[0]}")
    )
    return found


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def try_it(user: User, **fields: str) -> Any:
    return signed_in(user).post(reverse("labtools:npiv_try"), NAMES | fields)


def make_trial(user: User, **fields: Any) -> VhbaTrial:
    parent = "scsi_host1,computer,2000000012341234,1000000012341234,2000000043214321,npiv,0,0"
    return VhbaTrial.objects.create(owner=user, **{"parent": parent, "fields": NAMES} | fields)


def test_a_trial_goes_from_the_form_through_libvirt_to_the_page(
    host: LabHost,
    member: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    sent: list[str],
) -> None:
    answer = try_it(member, lifetime="transient", guest="db1")
    trial = VhbaTrial.objects.get()
    assertRedirects(answer, trial.get_absolute_url())
    assert sent == [f"labtools.labs.try_vhba {trial.pk}"]
    waiting = signed_in(member).get(trial.get_absolute_url())
    assertContains(waiting, 'hx-trigger="every 1s"')
    assertContains(waiting, "Refresh this page")
    vhba_trials.run_trial(trial.pk)
    trial.refresh_from_db()
    assert trial.state == VhbaTrial.State.FINISHED
    done = signed_in(member).get(trial.get_absolute_url())
    assertContains(done, "libvirt made the vHBA and took it down again.")
    assertContains(done, "scsi_host12")
    assertNotContains(done, "hx-trigger")
    part = signed_in(member).get(trial.get_absolute_url(), headers={"HX-Request": "true"})
    assertNotContains(part, "<html")
    assertContains(part, "libvirt did every step.")
    data = json.loads(signed_in(member).get(reverse("labtools:npiv_trial_json", args=[trial.pk])).content)
    assert (data["state"], data["fields"]["guest"]) == ("finished", "db1")
    assert all(step["worked"] for step in data["result"]["steps"])


def test_the_plan_of_a_trial_is_one_click_away(host: LabHost, member: User, sent: list[str]) -> None:
    try_it(member, lifetime="transient", guest="db1", hba="2000000056785678:1000000056785678")
    page = signed_in(member).get(VhbaTrial.objects.get().get_absolute_url())
    plan = signed_in(member).get(f"/lab/npiv/?{page.context['query']}").context["plan"]
    assert (plan.choice.guest, plan.choice.parent.name, plan.choice.lifetime) == (
        "db1",
        "scsi_host2",
        "transient",
    )


def test_a_stranger_signs_in_first(host: LabHost, sent: list[str]) -> None:
    answer = Client().post(reverse("labtools:npiv_try"), NAMES)
    assert answer.status_code == 302
    assert "/accounts/login/" in answer["Location"]
    assert sent == []
    page = Client().get("/lab/npiv/", NAMES)
    assertContains(page, "Sign in to try it")
    assertNotContains(page, "Try it on the test driver")


def test_only_its_owner_sees_a_trial(member: User, other: User) -> None:
    trial = make_trial(member)
    staff = User.objects.create_user(email="staff@example.org", is_staff=True)
    for name in ("labtools:npiv_trial", "labtools:npiv_trial_json"):
        url = reverse(name, args=[trial.pk])
        assert signed_in(member).get(url).status_code == 200
        assert signed_in(other).get(url).status_code == 404
        assert signed_in(staff).get(url).status_code == 404
        assert Client().get(url).status_code == 302


def test_no_real_host_is_ever_tried(member: User, sent: list[str]) -> None:
    make_real_host("rack-1", 1)
    for fields in (
        {"host": "rack-1"},
        {"host": "own", "port": "scsi_host5,,2001001b32a9da4e,2101001b32a9da4e,,npiv,1,9"},
    ):
        assert try_it(member, **fields).status_code == 302
    assert (VhbaTrial.objects.count(), sent) == (0, [])


def test_a_plan_with_faults_goes_back_to_the_form(host: LabHost, member: User, sent: list[str]) -> None:
    answer = try_it(member, wwpn="zz", guest="a&b")
    assert answer["Location"].startswith("/lab/npiv/?")
    assert "guest=a%26b" in answer["Location"]
    assert "csrf" not in answer["Location"]
    assert VhbaTrial.objects.count() == 0


def test_one_at_a_time(host: LabHost, member: User, other: User, sent: list[str]) -> None:
    first = try_it(member)
    assert try_it(member, guest="another")["Location"] == first["Location"]
    assert len(sent) == 1
    try_it(other)
    assert VhbaTrial.objects.count() == 2
    VhbaTrial.objects.filter(owner=member).update(state="failed", failure="It ended.")
    assert try_it(member)["Location"] != first["Location"]


def test_trials_are_limited(host: LabHost, member: User, sent: list[str], settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"vhba_trial": "1/h/user"}
    assert try_it(member).status_code == 302
    assert try_it(member).status_code == 429


# --------------------------------------------------------------------------------------------------------- the worker


def test_a_message_delivered_twice_runs_once(member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[npiv.Choice] = []

    def run(choice: npiv.Choice) -> npiv.Trial:
        runs.append(choice)
        vhba_trials.run_trial(trial.pk)
        return npiv.Trial("9.0.0", ())

    trial = make_trial(member)
    monkeypatch.setattr(npiv, "run_trial", run)
    vhba_trials.run_trial(trial.pk)
    vhba_trials.run_trial(trial.pk)
    assert len(runs) == 1


def test_what_fails_says_why(member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(choice: npiv.Choice) -> npiv.Trial:
        raise npiv.TrialError("libvirt gave no answer in 20 seconds.")

    monkeypatch.setattr(npiv, "run_trial", silent)
    trial = make_trial(member)
    vhba_trials.run_trial(trial.pk)
    trial.refresh_from_db()
    assert (trial.state, trial.failure) == ("failed", "libvirt gave no answer in 20 seconds.")
    assertContains(signed_in(member).get(trial.get_absolute_url()), "libvirt gave no answer in 20 seconds.")


@pytest.mark.parametrize("fields", [{"parent": "nonsense"}, {"fields": {"wwnn": "x"}}])
def test_a_row_out_of_form_fails_and_reaches_no_libvirt(
    fields: dict[str, Any], member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npiv, "run_trial", lambda choice: pytest.fail("it ran"))
    trial = make_trial(member, **fields)
    vhba_trials.run_trial(trial.pk)
    trial.refresh_from_db()
    assert trial.state == "failed"
    assert trial.failure.endswith(".")


def test_a_bug_is_told_apart_and_its_words_stay_here(member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(choice: npiv.Choice) -> npiv.Trial:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(npiv, "run_trial", broken)
    trial = make_trial(member)
    vhba_trials.run_trial(trial.pk)
    trial.refresh_from_db()
    assert trial.state == "errored"
    page = signed_in(member).get(trial.get_absolute_url())
    assertContains(page, "on our side")
    assertNotContains(page, "a secret of ours")


def test_a_refusal_of_libvirt_is_shown_in_its_words(member: User) -> None:
    step = npiv.TrialStep("virNodeDeviceCreateXML", "Create the vHBA", "<b>XML error</b>: no", False, "")
    result = npiv.trial_json(npiv.Trial("9.0.0", (step,)))
    trial = make_trial(member, state="finished", result=result, finished_at=timezone.now())
    page = signed_in(member).get(trial.get_absolute_url())
    assertContains(page, "libvirt refused a step.")
    assertContains(page, "&lt;b&gt;XML error&lt;/b&gt;: no")


def test_a_worker_that_comes_late_changes_nothing(member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(choice: npiv.Choice) -> npiv.Trial:
        vhba_trials.sweep_trials(at=timezone.now() + vhba_trials.STALE_AFTER + timedelta(seconds=1))
        return npiv.Trial("9.0.0", ())

    monkeypatch.setattr(npiv, "run_trial", slow)
    trial = make_trial(member)
    vhba_trials.run_trial(trial.pk)
    trial.refresh_from_db()
    assert (trial.state, trial.failure, trial.result) == ("failed", vhba_trials.CUT_OFF, None)


# ---------------------------------------------------------------------------------------------------------- the sweep


def test_the_sweep_sends_again_gives_up_and_forgets(member: User, other: User, sent: list[str]) -> None:
    now = timezone.now()
    third = User.objects.create_user(email="third@example.org")
    fresh = make_trial(member, created_at=now - timedelta(seconds=5))
    waiting = make_trial(other, created_at=now - timedelta(minutes=2))
    lost = make_trial(third, created_at=now - timedelta(minutes=11))
    old = make_trial(
        third, state="failed", failure="It ended.", created_at=now - vhba_trials.KEEP - timedelta(minutes=1)
    )
    vhba_trials.sweep_trials(at=now)
    assert sent == [f"labtools.labs.try_vhba {waiting.pk}"]
    states = dict(VhbaTrial.objects.values_list("pk", "state"))
    assert states == {fresh.pk: "queued", waiting.pk: "queued", lost.pk: "failed"}
    assert old.pk not in states


def test_the_tasks_are_on_the_queue_of_the_labs() -> None:
    from celery import current_app
    from django.conf import settings

    for name in ("labtools.labs.try_vhba", "labtools.labs.sweep_vhba_trials"):
        assert name in current_app.tasks
        route = current_app.amqp.router.route({}, name)
        assert route["queue"].name == "labs"
    assert settings.CELERY_BEAT_SCHEDULE["sweep-vhba-trials"]["options"]["queue"] == "labs"


# ------------------------------------------------------------------------------------------------------------- the row


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "finished"},
        {"state": "failed"},
        {"state": "errored", "failure": ""},
        {"state": "queued", "result": {"steps": []}},
    ],
)
def test_a_row_that_cannot_be_is_refused_by_the_database(fields: dict[str, Any], member: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_trial(member, **fields)


def test_trials_go_with_their_owner(member: User, other: User) -> None:
    mine, theirs = make_trial(member), make_trial(other)
    exported = personal_data.export_lab(member)["vhba_trials"]
    assert [row["id"] for row in exported] == [mine.pk]
    personal_data.erase_lab(member)
    assert list(VhbaTrial.objects.values_list("pk", flat=True)) == [theirs.pk]
