"""A small world for site-wide tests: the starting content, and the owner's checks in every state."""

import io
from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone

from events.models import (
    Chapter,
    ChapterMembership,
    Conference,
    Meetup,
    OrganizerApplication,
    ProblemReport,
    Session,
    Speaker,
    Talk,
    TripReport,
)
from events.tests.led_chapter import make_led_chapter
from kb.models import Answer, Article, Draft, Question, Series, Tag
from kb.services.pictures import keep_picture
from kb.tests.review_factories import make_own_article, submit
from labtools.labhost import npiv
from labtools.models import ImageAtlas, ImageCheck, RepairPatch, VhbaTrial
from labtools.tests.fibre_hosts import make_fibre_host
from labtools.tests.lab_hosts import make_document, make_seen_host
from portal.accounts.models import User
from portal.mail.models import OutboxMessage
from portal.mail.services import queue_mail
from portal.tests.addresses import World
from portal.tests.pictures import picture


def _mail(owner: User) -> OutboxMessage:
    message = queue_mail(
        kind="account",
        to=owner.email,
        subject="Your portal",
        template="accounts/erased_message",
        context={},
        dedupe_key="site-test",
        user=owner,
    )
    assert message
    return message


def _lab_hosts() -> World:
    """A host that everybody may see, and one with another QEMU for staff."""
    return {
        "lab_host": make_seen_host("pune-1"),
        "private_lab_host": make_seen_host("secret-1", make_document(version="8.2.1"), visibility="private"),
    }


def _offered_talk(owner: User) -> Talk:
    talk = Talk.objects.create(slug="an-offer", title="An offer", abstract="A first talk.", proposed_by=owner)
    Session.objects.create(talk=talk, chapter=Chapter.objects.get(slug="pune"))
    return talk


def _draft(owner: User) -> Draft:
    """A change of the owner's to an article, with something to say about it."""
    article = Article.objects.get(slug="create-a-vhba")
    return Draft.objects.create(
        author=owner,
        article=article,
        based_on=article.current,
        title="A draft",
        content="## One\n\n[nowhere](/nowhere/)\n",
    )


def _chapter_affairs(owner: User) -> World:
    """The owner leads Pune, reads its reports, and has offered to help elsewhere."""
    pune = Chapter.objects.get(slug="pune")
    return {
        "role": ChapterMembership.objects.create(chapter=pune, user=owner, role="lead", takes_reports=True),
        "application": OrganizerApplication.objects.create(
            applicant=owner, chapter=Chapter.objects.get(slug="bangalore"), motivation="I have a room."
        ),
        "problem_report": ProblemReport.objects.create(chapter=pune, text="The door was locked."),
    }


def _vhba_trial(owner: User) -> VhbaTrial:
    """A trial of the owner's on the demonstration host, with one step done and one refused."""
    make_fibre_host()
    steps = (
        npiv.TrialStep("virNodeDeviceCreateXML", "Create the vHBA", "<device/>", True, ""),
        npiv.TrialStep("virNodeDeviceDestroy", "Destroy the vHBA", "error: no", False, "A note."),
    )
    return VhbaTrial.objects.create(
        owner=owner,
        parent="scsi_host1,computer,2000000012341234,1000000012341234,2000000043214321,npiv,0,0",
        fields={"wwnn": "5001a4a111111111", "wwpn": "5001a4a222222222", "lifetime": "transient"},
        state=VhbaTrial.State.FINISHED,
        result=npiv.trial_json(npiv.Trial("9.0.0", steps)),
        finished_at=timezone.now(),
    )


def make_world(owner: User) -> World:
    """Rows that the addresses of the site-wide tests name; the reports are real ones of the samples."""
    call_command("load_starting_content", verbosity=0)
    sample = ImageCheck.objects.get(sample="corrupt")
    question = Question.objects.create(
        article=Article.objects.get(slug="create-a-vhba"), author=owner, text="Does it?"
    )

    def check(**fields: object) -> ImageCheck:
        values = {"owner": owner, "filename": "vm.qcow2", "delete_after": timezone.now() + timedelta(days=3)}
        made = ImageCheck.objects.create(**values | fields)
        if made.state == "finished":
            ImageAtlas.objects.create(image_check=made, data=sample.atlas.data)
            RepairPatch.objects.create(image_check=made, data=bytes(sample.repair_patch.data))
        return made

    finished = {"state": "finished", "stage": "done", "verdict": sample.verdict, "result": sample.result}
    finished |= {"length": sample.length, "sha256": sample.sha256, "finished_at": timezone.now()}
    return {
        **_chapter_affairs(owner),
        **_lab_hosts(),
        "chapter": Chapter.objects.get(slug="pune"),
        "meetup": Meetup.objects.filter(chapter__slug="pune").get(),
        "talk": Talk.objects.get(slug="virgil3d-virtio-based-3d-capable-gpu"),
        "offered": _offered_talk(owner),
        "speaker": Speaker.objects.get(slug="gleb-natapov"),
        "conference": Conference.objects.get(),
        **make_led_chapter(owner),
        "report": TripReport.objects.get(author=None),
        "draft_report": TripReport.objects.create(
            conference=Conference.objects.get(), slug="a-draft", title="A draft", author=owner
        ),
        "article": Article.objects.get(slug="create-a-vhba"),
        "series": Series.objects.get(),
        "tag": Tag.objects.get(slug="npiv"),
        "draft": _draft(owner),
        "picture": keep_picture(
            file=io.BytesIO(picture(form="PNG")), name="a.png", alt="A", author=owner, at=timezone.now()
        ),
        "kept_article": make_own_article(owner, slug="kept-by-owner", title="Kept"),
        "question": question,
        "answer": Answer.objects.create(question=question, author=owner, text="It does."),
        "submitted": submit(owner, "## Another way\n", Article.objects.get(slug="create-a-vhba")),
        "mail": _mail(owner),
        "vhba_trial": _vhba_trial(owner),
        "sample": sample,
        "healthy": ImageCheck.objects.get(sample="healthy"),
        "private": check(visibility="private", **finished),
        "unlisted": check(visibility="unlisted", **finished),
        "queued": check(visibility="unlisted"),
        "running": check(
            visibility="unlisted",
            state="running",
            stage="hashing",
            progress=40,
            attempts=1,
            heartbeat_at=timezone.now(),
        ),
        "failed": check(visibility="unlisted", state="failed", failure="The upload was empty: 0 bytes."),
        "errored": check(visibility="unlisted", state="errored", failure="Something went wrong on our side."),
    }
