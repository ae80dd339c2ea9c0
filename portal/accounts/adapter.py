"""Where allauth meets the portal."""

import hashlib
import uuid
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context as allauth_context
from django.conf import settings
from django.contrib.sites.shortcuts import get_current_site
from django.template.loader import render_to_string

from portal.accounts.models import User
from portal.mail import kinds
from portal.mail.services import queue_mail


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """The portal's rules for allauth."""

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """The ways to confirm who one is, in the words of our pages."""
        words = {
            "reauthenticate": "Use your password",
            "mfa_reauthenticate": "Use your authenticator app or a recovery code",
            "mfa_reauthenticate:webauthn": "Use a passkey",
        }
        methods = super().get_reauthentication_methods(user)
        return [{**method, "description": words[method["id"]]} for method in methods]

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Put one of allauth's mails into the outbox, in the transaction that causes it.

        ``<template_prefix>_subject.txt``, ``_message.txt`` and, where there is one, ``_message.html`` are
        rendered with ``context``, ``email``, ``request``, ``current_site`` and what ``queue_mail`` adds.
        """
        request = allauth_context.request
        links = _to_the_site(context, request.build_absolute_uri("/"))
        page = {"request": request, "email": email, "current_site": get_current_site(request), **links}
        subject = " ".join(render_to_string(f"{template_prefix}_subject.txt", page).split())
        queue_mail(
            kind=kinds.ACCOUNT.key,
            to=email,
            subject=self.format_email_subject(subject),
            template=f"{template_prefix}_message",
            context=page,
            dedupe_key=_event(template_prefix, email, context),
            user=_owner(email, context),
        )

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Names the member to the templates and to the outbox, which allauth itself does not."""
        super().send_notification_mail(template_prefix, user, {**(context or {}), "user": user}, email)


def _to_the_site(context: dict[str, Any], here: str) -> dict[str, Any]:
    """``context`` with its links to ``here`` led to ``SITE_URL``.

    allauth makes them from the request's Host, and ALLOWED_HOSTS knows no ports: whoever asked for another
    member's reset link could send it to a server of their own on the same machine.
    """
    return {
        name: f"{settings.SITE_URL}/{value.removeprefix(here)}"
        if isinstance(value, str) and value.startswith(here)
        else value
        for name, value in context.items()
    }


def _event(template_prefix: str, email: str, context: dict[str, Any]) -> str:
    """The dedupe key. A link's key (it carries the second it was made in) makes a double click one mail.

    Only its digest is kept: whoever reads a list of the outbox must not be able to use the link.
    Everything else, short codes that may repeat included, is an event of its own.
    """
    if key := context.get("key"):
        digest = hashlib.sha256(f"{email} {key}".encode()).hexdigest()
        return f"{template_prefix}:{digest}"
    return f"{template_prefix}:{uuid.uuid4()}"


def _owner(email: str, context: dict[str, Any]) -> User | None:
    """Whose mail it is, so that erasing the member erases it too; None if nobody has proved to own the address."""
    user = context.get("user")
    if isinstance(user, User):
        return user
    address = EmailAddress.objects.filter(email__iexact=email, verified=True).select_related("user").first()
    return address.user if address else None
