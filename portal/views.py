"""Pages that belong to no room: home, about, errors, and what machines ask for. Nothing imports this module.

It composes the rooms: only here and in the other parts of the composition root do they meet.
"""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from events.models import Chapter, Meetup
from events.queries import next_meetups
from events.queries.talks import public_addresses
from kb.models import Article
from kb.queries import newest_articles
from labtools.models import ImageCheck
from labtools.queries.devices import public_names
from labtools.sandbox import SAMPLES, SampleKind
from portal import logs
from portal.missing import Missing, address_without
from portal.styleguide import example_context


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Next meetups, newest articles, the lab at a glance."""
    context = {
        "meetups": next_meetups(request.user, at=timezone.now()),
        "articles": newest_articles(),
        "samples": _sample_reports(),
    }
    return render(request, "home.html", context)


@dataclass(frozen=True)
class SampleReport:
    """A finished report of one of the lab's samples, as the home page shows it."""

    title: str
    verdict: str
    url: str


def _sample_reports() -> list[SampleReport]:
    finished = ImageCheck.objects.listed().filter(
        sample__in=list(SampleKind), state=ImageCheck.State.FINISHED
    )
    by_kind = {check.sample: check for check in finished}
    return [
        SampleReport(
            title=sample.title,
            verdict=(by_kind[kind].result or {}).get("verdict", {}).get("sentence", ""),
            url=by_kind[kind].get_absolute_url(),
        )
        for kind, sample in SAMPLES.items()
        if kind in by_kind
    ]


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """Who runs this and why."""
    return render(request, "about.html")


@require_safe
def code_of_conduct(request: HttpRequest) -> HttpResponse:
    """What people may expect of one another here."""
    return render(request, "code_of_conduct.html")


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component of the design with its states."""
    return render(request, "styleguide.html", example_context())


#: what the sitemap protocol allows in one file
SITEMAP_LIMIT = 50_000


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """Every page that a stranger may read, for search engines (sitemaps.org, protocol 0.9)."""
    names = ("home", "about", "events:meetup_list", "events:chapter_list", "kb:article_list")
    entries: list[tuple[str, dt.datetime | None]] = [(reverse(name), None) for name in names]
    entries += [
        (reverse(f"labtools:{name}"), None) for name in ("index", "image_list", "device_list", "host_list")
    ]
    entries += [(reverse(name), None) for name in ("events:talk_list", "events:conference_list")]
    entries += [(chapter.get_absolute_url(), None) for chapter in Chapter.objects.listed().only("slug")]
    entries += [
        (article.get_absolute_url(), article.updated_at)
        for article in Article.objects.published().newest().only("slug", "updated_at")
    ]
    parts = Article.objects.published().exclude(series=None)
    entries += [
        (reverse("kb:series", args=[slug]), None)
        for slug in parts.order_by("series__slug").values_list("series__slug", flat=True).distinct()
    ]
    newest_meetups = Meetup.objects.visible_to(None).order_by("-pk").only("slug")[:SITEMAP_LIMIT]
    entries += [(meetup.get_absolute_url(), None) for meetup in newest_meetups]
    entries += [(address, None) for address in public_addresses(limit=SITEMAP_LIMIT)]
    entries += [(reverse("labtools:device", args=[name]), None) for name in public_names()]
    context = {"site_url": settings.SITE_URL, "entries": entries[:SITEMAP_LIMIT]}
    return render(request, "sitemap.xml", context, content_type="application/xml")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What crawlers are asked to leave alone: pages about a person, and forms (RFC 9309)."""
    lines = ["User-agent: *", *(f"Disallow: /{path}/" for path in ("admin", "accounts", "me", "api"))]
    text = "\n".join([*lines, "", f"Sitemap: {settings.SITE_URL}{reverse('sitemap')}", ""])
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Whom to tell about a hole (RFC 9116). ``Expires`` moves on while somebody keeps the portal running."""
    expires = (timezone.now() + dt.timedelta(days=180)).astimezone(dt.UTC)
    fields = {
        "Contact": settings.SECURITY_CONTACT,
        "Expires": expires.strftime("%Y-%m-%dT00:00:00Z"),
        "Preferred-Languages": "en",
        "Canonical": f"{settings.SITE_URL}{reverse('security_txt')}",
    }
    text = "".join(f"{name}: {value}\n" for name, value in fields.items())
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say what is missing where the address says it; programs that ask for JSON are told in JSON."""
    if not isinstance(exception, Missing):
        return render(request, "404.html", status=404)
    if request.path.endswith(".json"):
        return JsonResponse({"error": str(exception)}, status=404)
    context = {"missing": str(exception), "instead": address_without(request, exception)}
    return render(request, "404.html", context, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without context processors: whatever broke must not break this page too."""
    context = {"request_id": logs.request_id.get()}
    return HttpResponse(loader.render_to_string("500.html", context), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form sent too late or from elsewhere; what was typed is still in the browser one step back."""
    return render(request, "403_csrf.html", status=403)
