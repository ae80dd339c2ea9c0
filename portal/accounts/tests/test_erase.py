"""Erasing a member: no table, no session and no file may know them afterwards."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialToken
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import Field
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from events.models import Chapter, ChapterMembership
from events.tests.traces import leave_traces
from kb.models import Article, Revision
from kb.tests.traces import leave_traces as leave_kb_traces
from labtools.models import ImageCheck, Upload, VhbaTrial
from portal.accounts import services, tokens
from portal.accounts.models import User
from portal.accounts.tasks import sweep_accounts
from portal.accounts.tests.conftest import SignIn, confirmed, last_mail
from portal.mail import delivery
from portal.mail.models import OptOut, OutboxMessage
from portal.tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db

PK = 918273645  # found nowhere by chance
EMAIL = "asha.unmistakable@example.org"
SECOND = "asha.second@example.org"
NAME = "Asha Unmistakable"
TRACES = (str(PK), "unmistakable", SECOND)


@pytest.fixture
def leaver() -> User:
    """A member about whom something is kept wherever something can be kept."""
    user = make_user(EMAIL, pk=PK, display_name=NAME, city="Pune")
    EmailAddress.objects.create(user=user, email=SECOND, verified=True)
    Authenticator.objects.create(user=user, type="recovery_codes", data={"seed": "x", "used_mask": 0})
    account = SocialAccount.objects.create(
        user=user, provider="github", uid="1", extra_data={"login": "unmistakable"}
    )
    SocialToken.objects.create(account=account, token="unmistakable-token")
    upload = Upload.objects.create(
        owner=user, filename="unmistakable.qcow2", length=4, expires_at=timezone.now()
    )
    half = Upload.objects.create(owner=user, filename="half.qcow2", length=9, expires_at=timezone.now())
    ImageCheck.objects.create(owner=user, upload=upload, filename="unmistakable.qcow2")
    VhbaTrial.objects.create(owner=user, parent="x", fields={"guest": "unmistakable-guest"})
    chapter = Chapter.objects.create(slug="pune-test", city="Pune")
    ChapterMembership.objects.create(chapter=chapter, user=user, name=NAME, role="lead")
    leave_traces(user, second=SECOND)
    leave_kb_traces(user)
    folder = Path(settings.UPLOAD_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    for one in (upload, half):
        (folder / str(one.pk)).write_bytes(b"QFI\xfb")
    OptOut.objects.create(email=SECOND, kind="news")
    OptOut.objects.create(user=user, kind="news")
    tokens.create_token(user=user, name="unmistakable script", days=30)
    user.groups.add(Group.objects.create(name="editors"))
    user.user_permissions.add(Permission.objects.all()[0])
    LogEntry.objects.create(
        user=user,
        object_repr="Something else",
        action_flag=CHANGE,
        content_type=ContentType.objects.get_for_model(Article),
    )
    LogEntry.objects.create(
        user=make_user("staff@example.org", is_staff=True),
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(PK),
        object_repr=NAME,
        action_flag=CHANGE,
        change_message="Renamed Asha Unmistakable",
    )
    return user


def traces() -> Iterator[str]:
    """Every place that still knows the leaver: columns of all tables, the content of sessions, file names."""
    for model in apps.get_models(include_auto_created=True):
        for row in model._default_manager.all():
            for field in model._meta.concrete_fields:
                if mentions(_text_of(row, field)):
                    yield f"{model._meta.label}.{field.name}"
    for session in Session.objects.all():
        if mentions(json.dumps(session.get_decoded(), default=str)):
            yield f"session {session.pk}"
    for path in Path(settings.UPLOAD_DIR).rglob("*"):
        yield str(path)


def _text_of(row: Any, field: "Field[Any, Any]") -> str:
    value = field.value_from_object(row)
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)


def mentions(text: str) -> bool:
    return any(trace in text.lower() for trace in TRACES)


def erase(client: Client, typed: str = EMAIL) -> Any:
    return confirmed(client).post(reverse("me_delete"), {"email": typed}, follow=True)


def test_nothing_is_left_of_a_member_who_erases_their_account(
    leaver: User, member: User, sign_in: SignIn, django_capture_on_commit_callbacks: Any
) -> None:
    client = sign_in(leaver)
    sign_in(leaver)
    Client().force_login(leaver, backend="django.contrib.auth.backends.ModelBackend")  # knows only the number
    # a visitor's session that knows only the address
    Client().post(reverse("account_signup"), {"email": SECOND, "password1": PASSWORD})
    begun = Client()  # a sign-in that waits for its second step
    Authenticator.objects.create(user=leaver, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    begun.post(reverse("account_login"), {"login": EMAIL, "password": PASSWORD})
    confirmed(client).post(reverse("mfa_generate_recovery_codes"))
    confirmed(client).post(reverse("account_email"), {"action_send": "", "email": EMAIL})
    other = sign_in(member)
    found = set(traces())
    assert {"accounts.User.email", "mail.OutboxMessage.to_email", "labtools.ImageCheck.filename"} <= found
    kept = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if field.related_model is User
    }
    assert kept <= found, "the leaver above must have a row in every table that can name a member"
    assert {"events.ChapterMembership.name", "kb.Revision.content", "kb.Article.owner"} <= found
    assert {"socialaccount.SocialToken.token", "admin.LogEntry.change_message", "mail.OptOut.email"} <= found
    assert len([one for one in found if one.startswith("session")]) == 5

    with django_capture_on_commit_callbacks(execute=True):
        answer = erase(client)

    assert "are erased" in answer.content.decode()
    farewell = last_mail(EMAIL)
    assert farewell.subject == "Your account is erased"
    assert NAME in farewell.text_body
    assert delivery.deliver(farewell.pk) == OutboxMessage.State.SENT
    assert list(traces()) == []
    assert begun.get(reverse("mfa_authenticate")).headers["Location"] == reverse("account_login")
    assert other.get(reverse("me")).status_code == 200, "others stay signed in"
    assert User.objects.filter(pk=member.pk).exists()
    assert LogEntry.objects.get().object_repr == "An erased member"
    assert [revision.content for revision in Revision.objects.all()] == ["Read by all."], (
        "others may build on it"
    )


def test_another_address_erases_nothing(leaver: User, member: User, sign_in: SignIn) -> None:
    page = erase(sign_in(leaver), typed=member.email)
    assert "This is not the address of your account." in page.content.decode()
    assert User.objects.filter(pk=PK).exists()


def test_the_address_may_be_typed_in_capitals(leaver: User, sign_in: SignIn) -> None:
    erase(sign_in(leaver), typed=EMAIL.upper())
    assert not User.objects.filter(pk=PK).exists()


def test_erasing_asks_for_the_password_first(leaver: User, sign_in: SignIn) -> None:
    client = sign_in(leaver)
    answer = client.post(reverse("me_delete"), {"email": EMAIL})
    assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert User.objects.filter(pk=PK).exists()


def test_the_last_superuser_stays(sign_in: SignIn) -> None:
    root = User.objects.create_superuser(EMAIL, PASSWORD, pk=PK)
    inactive = User.objects.create_superuser("gone@example.org", PASSWORD, is_active=False)
    page = erase(sign_in(root))
    assert "You are the only superuser." in page.content.decode()
    assert User.objects.filter(pk=PK).exists()
    assert not OutboxMessage.objects.filter(subject="Your account is erased").exists()
    inactive.is_active = True
    inactive.save()
    services.erase_member(user=root)
    assert not User.objects.filter(pk=PK).exists()


def test_a_part_that_fails_keeps_everything(leaver: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**kwargs: Any) -> None:
        raise RuntimeError("The outbox takes nothing.")

    monkeypatch.setattr(services, "queue_mail", broken)
    with pytest.raises(RuntimeError):
        services.erase_member(user=leaver)
    assert User.objects.filter(pk=PK).exists()
    assert ImageCheck.objects.filter(owner_id=PK).exists()
    assert VhbaTrial.objects.filter(owner_id=PK).exists()
    assert len(list(Path(settings.UPLOAD_DIR).iterdir())) == 2


def test_a_farewell_that_the_server_refuses_is_forgotten_too(
    leaver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.erase_member(user=leaver)
    farewell = last_mail(EMAIL)

    def refuse(*args: Any) -> None:
        raise delivery.Refused(f"The server refused the recipient: 550 no {EMAIL} here")

    monkeypatch.setattr(delivery, "_hand_over", refuse)
    monkeypatch.setattr(settings, "MAILBOX_PAGE", False)
    assert delivery.deliver(farewell.pk) == OutboxMessage.State.FAILED
    farewell.refresh_from_db()
    assert not mentions(
        f"{farewell.to_email} {farewell.text_body} {farewell.html_body} {farewell.last_error}"
    )


@pytest.fixture(autouse=True)
def _empty_upload_folder() -> Iterator[None]:
    """Files outlive a test's transaction."""
    yield
    for path in Path(settings.UPLOAD_DIR).glob("*"):
        path.unlink()


def test_sessions_of_the_leaver_end_in_every_browser(leaver: User, sign_in: SignIn) -> None:
    elsewhere = sign_in(leaver)
    erase(sign_in(leaver))
    assert elsewhere.get(reverse("me")).status_code == 302
    assert not UserSession.objects.exists()


# ------------------------------------------------------------------------------------ what nobody ended


@pytest.mark.parametrize(("days", "left"), [(6, True), (8, False)])
def test_an_account_that_nobody_confirmed_is_forgotten_after_a_week(
    days: int, left: bool, client: Client
) -> None:
    client.post(reverse("account_signup"), {"email": EMAIL, "password1": PASSWORD})
    sweep_accounts()
    assert User.objects.exists()
    with time_machine.travel(timezone.now() + timedelta(days=days)):
        sweep_accounts()
    assert User.objects.exists() is left
    assert OutboxMessage.objects.exists() is left, (
        "and no farewell is sent to an address that may be a stranger's"
    )


def test_members_staff_and_people_known_by_other_means_are_never_swept_away(owner: User) -> None:
    User.objects.update(date_joined=timezone.now() - timedelta(days=999))
    never_seen = User.objects.create_user("organizer@example.org")
    EmailAddress.objects.create(user=owner, email="second@example.org", verified=False)
    staff = User.objects.create_user("staff@example.org", is_staff=True)
    EmailAddress.objects.create(user=staff, email=staff.email, verified=False)
    User.objects.update(date_joined=timezone.now() - timedelta(days=999))
    sweep_accounts()
    assert set(User.objects.all()) == {owner, never_seen, staff}


def test_sessions_that_are_over_are_forgotten_with_their_addresses(owner: User, sign_in: SignIn) -> None:
    sign_in(owner)
    sweep_accounts()
    assert (Session.objects.count(), UserSession.objects.count()) == (1, 1)
    with time_machine.travel(timezone.now() + timedelta(days=90)):
        sweep_accounts()
    assert (Session.objects.count(), UserSession.objects.count()) == (0, 0)


def test_staff_who_delete_a_member_erase_everything_too(
    leaver: User, sign_in: SignIn, django_capture_on_commit_callbacks: Any
) -> None:
    root = User.objects.create_superuser("root@example.org", PASSWORD)
    client = sign_in(root)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("admin:accounts_user_delete", args=[leaver.pk]), {"post": "yes"})
    assert not User.objects.filter(pk=PK).exists()
    assert last_mail(EMAIL).subject == "Your account is erased"
    delivery.deliver(last_mail(EMAIL).pk)
    assert list(traces()) == [], "the administration's own log included"
    assert (
        client.post(reverse("admin:accounts_user_delete", args=[root.pk]), {"post": "yes"}).status_code == 403
    )
    assert client.get(reverse("admin:accounts_user_add")).status_code == 403
