"""The vHBA wizard: a plan by its address, a paste of one's own HBA, and trials on libvirt's test driver."""

import uuid
from typing import cast

from allauth.core import ratelimit
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from labtools import npiv_page
from labtools.exports import csv_answer, json_answer
from labtools.labhost import npiv as fibre
from labtools.models import VhbaTrial
from labtools.npiv_forms import PasteForm
from labtools.npiv_page import WizardPage
from labtools.services import vhba_trials
from portal.accounts.models import User


@require_safe
@never_cache
def wizard(request: HttpRequest) -> HttpResponse:
    """Every step on one page, and the plan below once all is chosen; "generate" answers with an address with names."""
    if npiv_page.GENERATE in request.GET:
        return redirect(f"{reverse('labtools:npiv')}?{npiv_page.with_new_names(request.GET)}#plan")
    return _render(request, npiv_page.wizard_page(request.user, request.GET), PasteForm())


def _render(request: HttpRequest, page: WizardPage, paste: PasteForm, status: int = 200) -> HttpResponse:
    context = {
        "tab": "npiv",
        "page": page,
        "form": page.form,
        "plan": page.plan,
        "paste": paste,
        "terms": fibre.TERMS,
        "query": request.GET.urlencode(),
    }
    return render(request, "labtools/npiv.html", context, status=status)


@require_safe
@never_cache
def wizard_json(request: HttpRequest) -> HttpResponse:
    """The same as data."""
    page = npiv_page.wizard_page(request.user, request.GET)
    return json_answer(request, npiv_page.page_json(page))


@require_safe
@never_cache
def ports_csv(request: HttpRequest) -> HttpResponse:
    """The ports of the host as a table."""
    page = npiv_page.wizard_page(request.user, request.GET)
    return csv_answer("fibre-channel-ports", npiv_page.PORT_COLUMNS, npiv_page.port_rows(page))


@require_POST
def paste(request: HttpRequest) -> HttpResponse:
    """Read the XML of somebody's own HBA, and go on with it in the wizard. Nothing is stored."""
    if not ratelimit.consume(request, action="vhba_paste"):
        return cast(HttpResponse, ratelimit.respond_429(request))
    form = PasteForm(request.POST)
    if not form.is_valid():
        return _render(request, npiv_page.wizard_page(request.user, request.GET), form, status=422)
    return redirect(f"{reverse('labtools:npiv')}?{npiv_page.own_query(form.cleaned_data['xml'])}#hba")


@require_POST
@login_required
def try_it(request: HttpRequest) -> HttpResponse:
    """Ask for a trial of the plan in the fields; only the demonstration host is ever tried."""
    page = npiv_page.wizard_page(request.user, request.POST)
    if page.plan is None or not page.may_try:
        return redirect(f"{reverse('labtools:npiv')}?{_without_token(request)}")
    if not ratelimit.consume(request, action="vhba_trial"):
        return cast(HttpResponse, ratelimit.respond_429(request))
    return redirect(vhba_trials.request_trial(user=cast(User, request.user), choice=page.plan.choice))


def _without_token(request: HttpRequest) -> str:
    fields = request.POST.copy()
    fields.pop("csrfmiddlewaretoken", None)
    return fields.urlencode()


def _trial(request: HttpRequest, trial_id: uuid.UUID) -> VhbaTrial:
    return get_object_or_404(VhbaTrial.objects.visible_to(request.user), pk=trial_id)


@require_safe
@login_required
@vary_on_headers("HX-Request")
@never_cache
def trial(request: HttpRequest, trial_id: uuid.UUID) -> HttpResponse:
    """What libvirt's test driver answered, or that it is at work. htmx asks for the part that changes."""
    found = _trial(request, trial_id)
    part = "#status" if "HX-Request" in request.headers else ""
    return render(request, f"labtools/npiv_trial.html{part}", {"tab": "npiv", **_trial_context(found)})


def _trial_context(found: VhbaTrial) -> dict[str, object]:
    result = fibre.trial_from_json(found.result) if found.result else None
    parent = fibre.unpack_hba(found.parent)
    query = npiv_page.trial_query(found)
    keep_until = found.created_at + vhba_trials.KEEP
    return {"trial": found, "result": result, "parent": parent, "query": query, "keep_until": keep_until}


@require_safe
@login_required
@never_cache
def trial_json(request: HttpRequest, trial_id: uuid.UUID) -> HttpResponse:
    """The same as data."""
    found = _trial(request, trial_id)
    data = {"state": found.state, "failure": found.failure, "fields": found.fields, "result": found.result}
    return json_answer(request, data)
