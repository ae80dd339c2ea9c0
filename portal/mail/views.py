"""Pages about mail: stop a kind of it, and read what the embedded default would have sent."""

from collections.abc import Callable
from functools import wraps
from ipaddress import ip_address

from django.conf import settings
from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from portal.mail.kinds import UnknownKind
from portal.mail.models import OutboxMessage
from portal.mail.preferences import read_token

_SIGNS_OF_A_PROXY = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
)
_NEWEST = 50  # mails listed; older ones are in the admin
# A mail's own HTML may have inline style and nothing else: no script, no image, no form, no origin.
_MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@csrf_exempt  # mail programs post without having seen the page (RFC 8058); the signed token is the authority
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask on GET, because scanners follow every link in a mail; stop the kind of mail on POST.

    A mail program's one-click POST (RFC 8058, section 3.1) gets a page at once: it need not follow a redirect.
    """
    try:
        reader, kind = read_token(token)
    except (BadSignature, UnknownKind) as error:
        raise Http404 from error
    if request.method == "POST":
        reader.set_wanted(kind, request.POST.get("wanted") == "yes")
        if request.POST.get("List-Unsubscribe") != "One-Click":
            return redirect(request.path)
    return render(request, "mail/unsubscribe.html", {"kind": kind, "wanted": reader.wants(kind)})


def _on_this_machine(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """404 unless the mailbox stands in for SMTP and the request comes from this machine, through no proxy."""

    @wraps(view)
    def guarded(request: HttpRequest, **kwargs: int) -> HttpResponse:
        forwarded = any(name in request.headers for name in _SIGNS_OF_A_PROXY)
        if not settings.MAILBOX_PAGE or forwarded or not _is_loopback(request.META.get("REMOTE_ADDR", "")):
            raise Http404
        return view(request, **kwargs)

    return guarded


def _is_loopback(address: str) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:  # behind a socket there is no address, and no telling who asks
        return False
    return bool((getattr(ip, "ipv4_mapped", None) or ip).is_loopback)


@never_cache
@require_safe
@_on_this_machine
def mailbox(request: HttpRequest) -> HttpResponse:
    """The newest mails to anybody, waiting ones too: no worker is needed to read them."""
    mails = OutboxMessage.objects.order_by("-pk").defer("text_body", "html_body")[:_NEWEST]
    return render(request, "mail/mailbox.html", {"mails": mails})


@never_cache
@require_safe
@_on_this_machine
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """One mail: its header and its text, links to the portal clickable."""
    mail = get_object_or_404(OutboxMessage.objects.prefetch_related("attachments"), pk=pk)
    return render(request, "mail/message.html", {"mail": mail, "sender": settings.DEFAULT_FROM_EMAIL})


@never_cache
@require_safe
@_on_this_machine
def message_html(request: HttpRequest, pk: int) -> HttpResponse:
    """The HTML part as mail programs get it, shut in a sandbox without scripts or an origin."""
    mail = get_object_or_404(OutboxMessage, pk=pk)
    return HttpResponse(mail.html_body, headers={"Content-Security-Policy": _MAIL_POLICY})
