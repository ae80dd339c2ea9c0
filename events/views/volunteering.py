"""Start or help a chapter: the offer, its conversation, and the decision."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from events.forms.volunteering import DecisionForm, MessageForm, OfferForm, ProposeForm
from events.models import Chapter, OrganizerApplication
from events.permissions import can_decide_application
from events.queries import volunteering as queries
from events.services import chapters
from events.services import volunteering as service
from events.views.access import actor_of
from events.views.limits import too_often

PER_PAGE = 30


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """What it takes to start or help a chapter; members offer it here."""
    if request.method == "POST":
        if not request.user.is_authenticated:
            return redirect_to_login(request.path)
        return _offer(request)
    known = Chapter.objects.filter(slug=request.GET.get("chapter", "")[:50]).first()
    initial = {
        "chapter": known.slug if known else "",
        "city": "" if known else request.GET.get("city", "")[:80],
    }
    return _start_page(request, OfferForm(initial=initial), ProposeForm(auto_id="propose_%s"))


def _start_page(
    request: HttpRequest, offer: OfferForm, propose: ProposeForm, status: int = 200
) -> HttpResponse:
    context = {
        "form": offer,
        "propose_form": propose,
        "proposed": Chapter.objects.filter(status=Chapter.Status.PROPOSED)[:50],
    }
    return render(request, "events/chapter_start.html", context, status=status)


def _offer(request: HttpRequest) -> HttpResponse:
    form = OfferForm(request.POST)
    if form.is_valid():
        if refusal := too_often(request, "offer_to_help"):
            return refusal
        try:
            application = service.offer_to_help(applicant=actor_of(request), **form.cleaned_data)
        except service.ApplicationRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(
                request, "Thank you. Your offer has arrived, and this page shows where it stands."
            )
            return redirect(application)
    return _start_page(request, form, ProposeForm(auto_id="propose_%s"), status=422)


@require_POST
@login_required
def propose(request: HttpRequest) -> HttpResponse:
    """Put a city on the list without offering to lead there."""
    form = ProposeForm(request.POST, auto_id="propose_%s")
    if not form.is_valid():
        return _start_page(request, OfferForm(), form, status=422)
    if refusal := too_often(request, "propose_chapter"):
        return refusal
    chapter = chapters.propose_chapter(user=actor_of(request), at=timezone.now(), **form.cleaned_data)
    messages.success(request, f"{chapter.city} is on the list, and you follow it.")
    return redirect(chapter)


@login_required
@never_cache
@require_safe
def application_list(request: HttpRequest) -> HttpResponse:
    """The offers that the reader may decide; nobody else has such a page."""
    found = queries.applications_for(actor_of(request))
    if not found.exists() and not queries.decides_somewhere(actor_of(request)):
        raise Http404
    state = request.GET.get("state", "")
    labels = dict(OrganizerApplication.Status.choices)
    shown = found.filter(status=state) if state in labels else found.filter(status__in=list(service.STEPS))
    context = {
        "page": Paginator(shown.order_by("created_at", "pk"), PER_PAGE).get_page(request.GET.get("page")),
        "state": state if state in labels else "",
        "states": OrganizerApplication.Status.choices,
    }
    return render(request, "events/application_list.html", context)


@login_required
@never_cache
@require_safe
def application(request: HttpRequest, pk: int) -> HttpResponse:
    """One offer: for whoever made it, and for those who decide it."""
    return _application_page(request, _readable(request, pk))


def _readable(request: HttpRequest, pk: int) -> OrganizerApplication:
    found = queries.readable_application(actor_of(request), pk)
    if found is None:
        raise Http404
    return found


def _application_page(
    request: HttpRequest,
    shown: OrganizerApplication,
    *,
    message: MessageForm | None = None,
    decision: DecisionForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user = actor_of(request)
    decides = can_decide_application(user, shown)
    steps = service.STEPS.get(shown.status, ())
    context: dict[str, Any] = {
        "application": shown,
        "is_applicant": shown.applicant_id == user.pk,
        "decides": decides,
        "is_open": bool(steps),
        "conversation": queries.conversation(shown, user),
        "message_form": message or MessageForm(auto_id="message_%s"),
    }
    if decides and steps:
        named = queries.named_without_account(shown)
        context["decision_form"] = decision or DecisionForm(steps=steps, named=named)
    return render(request, "events/application.html", context, status=status)


@require_POST
@login_required
def say(request: HttpRequest, pk: int) -> HttpResponse:
    """Add to the conversation."""
    shown = _readable(request, pk)
    form = MessageForm(request.POST, auto_id="message_%s")
    if not form.is_valid():
        return _application_page(request, shown, message=form, status=422)
    try:
        service.say(application=shown, author=actor_of(request), **form.cleaned_data)
    except service.ApplicationRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "Your message is sent.")
    return redirect(shown)


@require_POST
@login_required
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Move the offer on."""
    shown = _readable(request, pk)
    if not can_decide_application(request.user, shown):
        raise Http404
    steps = service.STEPS.get(shown.status, ())
    form = DecisionForm(request.POST, steps=steps, named=queries.named_without_account(shown))
    if not steps or not form.is_valid():
        if not steps:
            messages.error(request, "Somebody has decided this in the meantime.")
            return redirect(shown)
        return _application_page(request, shown, decision=form, status=422)
    try:
        service.decide_application(
            application=shown, actor=actor_of(request), at=timezone.now(), **form.cleaned_data
        )
    except service.ApplicationRefused as refused:
        form.add_error(None, str(refused))
        return _application_page(request, shown, decision=form, status=422)
    messages.success(request, "Decided. The applicant is told by mail.")
    return redirect(shown)


@require_POST
@login_required
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """The applicant takes it back."""
    shown = _readable(request, pk)
    if shown.applicant_id != actor_of(request).pk:
        raise Http404
    try:
        service.withdraw_application(application=shown, actor=actor_of(request), at=timezone.now())
    except service.ApplicationRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "You have taken your offer back.")
    return redirect(shown)
