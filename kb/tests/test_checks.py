"""Checks from approval of a text to what readers see, with real commands; and who tries to get around it."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from kb.models import Article, Check, CheckRun
from kb.services import check_runs
from kb.services.check_runs import queue_runs, run_checks, sweep_checks
from kb.services.checks import NotDecidable, decide, propose_checks
from kb.tests.factories import NOW, make_article, publish_text
from portal import recipes
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.recipes import Outcome
from portal.tests.factories import make_user

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(days=2)
CREATE = "```console check\n$ qemu-img create -q -f qcow2 disk.qcow2 1000M\n```\n"
LOOK = """```console check mask="disk-size"
$ qemu-img info disk.qcow2
...
virtual size: 0.977 GiB (1048576000 bytes)
disk size: 196 KiB
...
```
"""
DRIVER = "```console check\n$ virsh uri\ntest:///default\n```\n"


@pytest.fixture
def maintainer() -> User:
    user = make_user("lab@example.org", display_name="Lakshmi Maintainer")
    group = Group.objects.create(name="Lab maintainers")
    group.permissions.add(Permission.objects.get(codename="approve_check"))
    user.groups.add(group)
    return user


def checks(article: Article) -> list[Check]:
    return list(Check.objects.filter(article=article, revision=Article.objects.get(pk=article.pk).current))


def let_run(article: Article, maintainer: User) -> None:
    for check in checks(article):
        decide(check=check, maintainer=maintainer, run=True, at=NOW)


def states(article: Article) -> list[str]:
    return [check.runs.all()[0].state for check in checks(article) if check.runs.all()]


def test_nothing_runs_before_a_maintainer_said_so() -> None:
    article = make_article(CREATE + LOOK)
    assert [check.state for check in checks(article)] == ["proposed", "proposed"]
    assert queue_runs(article=article, at=NOW) == 0
    run_checks(article.pk, at=NOW)
    sweep_checks(at=LATER)
    assert CheckRun.objects.count() == 0
    stored = Article.objects.get(pk=article.pk)
    assert "waits for its first check" in stored.html
    assert stored.shown["checks"]["sentence"] == "2 checks wait for their first run"


def test_approved_blocks_run_and_readers_see_it(maintainer: User) -> None:
    article = make_article(CREATE + LOOK + DRIVER)
    let_run(article, maintainer)
    run_checks(article.pk, at=NOW)
    assert states(article) == ["passed"] * 3
    stored = Article.objects.get(pk=article.pk)
    version = recipes.runner().versions()["qemu"]
    assert f"checked on {version}" in stored.html
    assert stored.shown["checks"]["sentence"].startswith("3 of 3 checks pass on QEMU ")
    info = CheckRun.objects.get(check_of__position=2)
    assert (info.host, info.exit_code, info.version, info.difference) == ("this-machine", 0, version, "")
    assert "disk size: <disk-size>" in info.output


def test_a_block_that_was_not_run_yet_is_no_failure(maintainer: User) -> None:
    article = make_article(CREATE + LOOK)
    first, _ = checks(article)
    decide(check=first, maintainer=maintainer, run=True, at=NOW)
    run_checks(article.pk, at=NOW)
    summary = Article.objects.get(pk=article.pk).shown["checks"]
    assert summary["sentence"].startswith("1 of 2 checks pass on QEMU ")
    assert summary["sentence"].endswith(", 1 to be run")
    assert summary["tone"] == "note"


def test_what_is_not_as_written_fails_and_is_told_once(maintainer: User, owner: User) -> None:
    article = make_article(CREATE + LOOK.replace("1048576000", "1000000000"), owner=owner)
    let_run(article, maintainer)
    run_checks(article.pk, at=NOW)
    assert states(article) == ["passed", "failed"]
    run = CheckRun.objects.get(state="failed")
    assert "1000000000" in run.difference
    assert Article.objects.get(pk=article.pk).shown["checks"]["tone"] == "bad"
    mails = OutboxMessage.objects.filter(kind="kb_checks")
    assert {mail.to_email for mail in mails} == {owner.email, maintainer.email}
    assert article.current is not None
    before = article.current.content
    queue_runs(article=article, at=LATER)
    run_checks(article.pk, at=LATER)
    assert CheckRun.objects.filter(state="failed").count() == 2
    assert mails.count() == 2
    assert Article.objects.get(pk=article.pk).current.content == before  # type: ignore[union-attr]


def test_what_builds_on_a_block_that_does_not_run_is_not_called_wrong(maintainer: User) -> None:
    article = make_article(CREATE + LOOK)
    first, second = checks(article)
    decide(check=first, maintainer=maintainer, run=False, at=NOW)
    decide(check=second, maintainer=maintainer, run=True, at=NOW)
    run_checks(article.pk, at=NOW)
    run = second.runs.get()
    assert (run.state, run.difference) == (
        "errored",
        "It builds on an earlier block that does not run, or does not pass.",
    )
    assert not OutboxMessage.objects.filter(kind="kb_checks").exists()


def test_trouble_is_no_failure(maintainer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    article = make_article(CREATE)
    let_run(article, maintainer)
    trouble = recipes.Outcome(None, "", "qemu-img is not installed. Install the package qemu-utils.")
    real = recipes.runner()
    with monkeypatch.context() as patched:
        broken = replace(real, run=lambda blocks: [[trouble for _ in block.commands] for block in blocks])
        patched.setattr(recipes, "_runners", [broken])
        run_checks(article.pk, at=NOW)
    run = CheckRun.objects.get()
    assert run.state == "errored"
    assert "qemu-img is not installed. Install the package qemu-utils" in run.difference
    assert "could not be checked" in Article.objects.get(pk=article.pk).html


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("```console check\n$ rm -rf disk.qcow2\n```", "not a program"),
        ("```console check\n$ qemu-img info disk.qcow2; id\n```", "no shell"),
        ("```console check\n$ qemu-img info disk.qcow2\n```", "Nothing makes disk.qcow2"),
        ("```console check\n$ virsh nodedev-create vhba.xml\n```", "Nothing makes vhba.xml"),
        ('```console check host="qemu"\n$ virsh list\n```', "host"),
        (
            "```xml file=\"vhba.xml\"\n<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>\n```\n\n"
            "```console check\n$ virsh nodedev-create vhba.xml\n```",
            "document type",
        ),
    ],
)
def test_what_cannot_be_a_recipe_is_refused_and_can_never_be_approved(
    block: str, words: str, maintainer: User
) -> None:
    (check,) = checks(make_article(block + "\n"))
    assert (check.state, check.recipe["commands"]) == ("refused", [])
    assert words in check.recipe["fault"]
    with pytest.raises(NotDecidable):
        decide(check=check, maintainer=maintainer, run=True, at=NOW)


def test_only_a_maintainer_decides(owner: User, maintainer: User) -> None:
    staff = make_user("staff@example.org", is_staff=True)
    (check,) = checks(make_article(CREATE, owner=owner))
    for nobody in (owner, staff):
        with pytest.raises(PermissionDenied):
            decide(check=check, maintainer=nobody, run=True, at=NOW)
    decide(check=check, maintainer=maintainer, run=True, at=NOW)
    with pytest.raises(NotDecidable):
        decide(check=check, maintainer=maintainer, run=False, at=NOW)


def test_a_stale_page_approves_nothing_of_a_newer_text(maintainer: User) -> None:
    article = make_article(CREATE)
    (seen,) = checks(article)
    publish_text(article, CREATE.replace("1000M", "2000M"), at=LATER)
    with pytest.raises(NotDecidable):
        decide(check=seen, maintainer=maintainer, run=True, at=LATER)
    assert [check.state for check in checks(article)] == ["proposed"]
    assert not CheckRun.objects.exists()


def test_an_approval_ends_with_its_text_and_queued_runs_go(maintainer: User) -> None:
    article = make_article(CREATE)
    let_run(article, maintainer)
    publish_text(article, CREATE.replace("1000M", "2000M"), at=LATER)
    run_checks(article.pk, at=LATER)
    assert not CheckRun.objects.exists()
    assert sorted(Check.objects.values_list("state", flat=True)) == ["proposed", "superseded"]


def test_a_run_whose_text_changed_meanwhile_leaves_nothing(
    maintainer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    article = make_article(CREATE)
    let_run(article, maintainer)

    def change(*_: Any) -> list[list[Outcome]]:
        publish_text(article, "Without a check.\n", at=LATER)
        return [[Outcome(0, "")]]

    with_change = recipes.Runner(
        **{name: getattr(recipes.runner(), name) for name in recipes.Runner.__slots__} | {"run": change}
    )
    monkeypatch.setattr(recipes, "_runners", [with_change])
    run_checks(article.pk, at=NOW)
    assert not CheckRun.objects.exists()


def test_an_unchanged_block_keeps_its_decision_and_a_changed_document_does_not(maintainer: User) -> None:
    document = "```xml file=\"pool.xml\"\n<pool type='dir'><name>a</name></pool>\n```\n\n"
    use = "```console check\n$ virsh pool-define pool.xml\n```\n\n"
    article = make_article(CREATE + document + use)
    let_run(article, maintainer)
    publish_text(article, "New words.\n\n" + CREATE + document.replace("<name>a", "<name>b") + use, at=LATER)
    first, second = checks(article)
    assert (first.state, first.decided_by) == ("approved", maintainer)
    assert (second.state, second.decided_by) == ("proposed", None)


def test_a_block_that_builds_on_a_changed_one_asks_again(maintainer: User) -> None:
    article = make_article(CREATE + LOOK)
    let_run(article, maintainer)
    publish_text(article, CREATE.replace("1000M", "2000M") + LOOK, at=LATER)
    assert [check.state for check in checks(article)] == ["proposed", "proposed"]


def test_going_back_to_an_old_text_asks_again(maintainer: User) -> None:
    article = make_article(CREATE)
    let_run(article, maintainer)
    old = article.current
    publish_text(article, "Nothing.\n", at=LATER)
    assert old is not None
    Article.objects.filter(pk=article.pk).update(current=old)
    (check,) = propose_checks(revision=old, at=LATER)
    assert check.state == "proposed"


def test_recipes_tampered_with_in_the_database_do_not_run(maintainer: User) -> None:
    article = make_article(CREATE)
    let_run(article, maintainer)
    check = Check.objects.get()
    check.recipe["commands"][0]["steps"][0]["arguments"]["image"] = "/etc/passwd"
    check.save()
    run_checks(article.pk, at=NOW)
    run = CheckRun.objects.get()
    assert (run.state, run.output) == ("errored", "")


def test_of_two_workers_one_runs(maintainer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    article = make_article(CREATE)
    let_run(article, maintainer)
    first = check_runs._claim(article, NOW)
    assert len(first) == 1
    assert check_runs._claim(article, NOW) == []
    with pytest.raises(IntegrityError), transaction.atomic():
        CheckRun.objects.create(check_of=Check.objects.get(), host="this-machine")
    assert queue_runs(article=article, at=NOW) == 0


def test_beat_runs_again_after_a_day_or_with_another_version(maintainer: User) -> None:
    article = make_article(CREATE)
    let_run(article, maintainer)
    run_checks(article.pk, at=NOW)
    sweep_checks(at=NOW + dt.timedelta(hours=1))
    assert CheckRun.objects.count() == 1
    sweep_checks(at=LATER)
    assert CheckRun.objects.filter(state="queued").count() == 1
    CheckRun.objects.filter(state="queued").delete()
    CheckRun.objects.update(version="QEMU 1.0")
    sweep_checks(at=NOW + dt.timedelta(hours=1))
    assert CheckRun.objects.filter(state="queued").count() == 1


def test_a_run_whose_worker_died_is_ended(maintainer: User) -> None:
    article = make_article(CREATE)
    let_run(article, maintainer)
    check_runs._claim(article, NOW)
    sweep_checks(at=NOW + dt.timedelta(minutes=11))
    assert CheckRun.objects.get().state == "errored"


def test_output_is_bounded_and_shown_as_text(maintainer: User) -> None:
    recipe = {"masks": [], "expect": "", "commands": [{"exit": 0, "expected": None}], "needs": []}
    verdict = check_runs._judge(recipe, [Outcome(0, "<script>" * 10_000)])
    assert len(verdict["output"]) < 16_100
