"""Mails about checks: one when a check is due for a decision, one when it fails, not again while it goes on failing."""

from collections.abc import Iterable

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from kb.models import Article, CheckRun
from kb.roles import APPROVE_CHECKS
from kb.services.mail_kinds import CHECKS
from kb.services.review_news import subject_line
from portal.accounts.models import User
from portal.mail.services import Letter, queue_letters


def lab_maintainers() -> list[User]:
    """Everybody for whom ``kb.roles.is_lab_maintainer`` is true."""
    app, codename = APPROVE_CHECKS.split(".")
    permission = {"content_type__app_label": app, "codename": codename}
    by_group = Q(**{f"groups__permissions__{name}": value for name, value in permission.items()})
    by_name = Q(**{f"user_permissions__{name}": value for name, value in permission.items()})
    may = Q(is_superuser=True) | by_group | by_name
    return list(User.objects.filter(may, is_active=True).distinct().order_by("pk"))


def tell_failed(article: Article, runs: Iterable[CheckRun]) -> None:
    """Tell the owner and the lab's maintainers that blocks of ``article`` do not do any more what it says."""
    failed = list(runs)
    readers = {user.pk: user for user in lab_maintainers()}
    if article.owner is not None and article.owner.is_active:
        readers[article.owner.pk] = article.owner
    context = {
        "article": article,
        "runs": failed,
        "url": settings.SITE_URL + reverse("kb:article_checks", args=[article.slug]),
    }
    key = "-".join(str(run.pk) for run in failed[:3])
    letters = [
        Letter(
            to=user.email,
            user=user,
            subject=subject_line(f"A check fails: {article.title}"),
            context=context,
            dedupe_key=f"kb:check-failed:{key}:{user.pk}",
        )
        for user in readers.values()
    ]
    queue_letters(kind=CHECKS.key, template="kb/mail/check_failed", letters=letters)
