"""What staff do with hosts: add, change, ask, disable, delete."""

from copy import copy

from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from labtools.host_forms import LabHostForm
from labtools.models import LabHost
from labtools.services import hosts, lab_keys, probing
from labtools.views.access import staff_only
from labtools.views.hosts import host_address, visible_host
from portal.missing import Missing

forms_methods = require_http_methods(["GET", "HEAD", "POST"])


def _own_host(request: HttpRequest, slug: str) -> LabHost:
    """A host that staff may change; references come with the project."""
    found = visible_host(request, slug)
    if found.is_reference:
        raise Http404
    return found


@forms_methods
@staff_only
@never_cache
def host_add(request: HttpRequest) -> HttpResponse:
    """Add a host; its page then says how the first probe goes."""
    form = LabHostForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added = hosts.add_host(person=request.user, host=form.instance, at=timezone.now())
        except ValidationError as error:
            form.add_error(None, error)
        else:
            probing.ask_now(person=request.user, host=added, at=timezone.now())
            messages.success(request, f"{added.name} is added, and a worker asks it now.")
            return redirect(host_address(added))
    return _form(request, form, None)


@forms_methods
@staff_only
@never_cache
def host_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a host."""
    found = _own_host(request, slug)
    form = LabHostForm(request.POST or None, instance=copy(found))
    if request.method == "POST" and form.is_valid():
        try:
            changed = hosts.change_host(
                person=request.user,
                host=form.instance,
                at=timezone.now(),
                seen=form.cleaned_data["seen"],
            )
        except LabHost.DoesNotExist:
            raise Missing("Somebody deleted this lab host just now.") from None
        except ValidationError as error:
            form.add_error(None, error)
            # Whoever was told only of another fault has not seen what is stored now.
            if getattr(error, "code", "") == hosts.CHANGED_MEANWHILE:
                form.show_again(_own_host(request, slug))
        else:
            messages.success(request, "Saved.")
            return redirect(host_address(changed))
    return _form(request, form, found)


def _form(request: HttpRequest, form: LabHostForm, host: LabHost | None) -> HttpResponse:
    keys = [(name, lab_keys.public_key(name)) for name in lab_keys.key_names()]
    context = {"form": form, "host": host, "keys": keys, "tab": "hosts"}
    return render(request, "labtools/host_form.html", context, status=422 if form.errors else 200)


@require_POST
@staff_only
def host_ask(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask a host now; its page says how it went."""
    found = _own_host(request, slug)
    if not probing.ask_now(person=request.user, host=found, at=timezone.now()):
        messages.info(request, f"{found.name} is being asked already.")
    return redirect(host_address(found))


@require_POST
@staff_only
def host_enabled(request: HttpRequest, slug: str) -> HttpResponse:
    """Whether the workers ask it."""
    found = _own_host(request, slug)
    wanted = request.POST.get("enabled")
    if wanted not in ("yes", "no"):
        raise BadRequest("enabled is yes or no")
    hosts.set_enabled(person=request.user, host=found, is_enabled=wanted == "yes", at=timezone.now())
    said = (
        "is asked again from now on"
        if wanted == "yes"
        else "is not asked any more; what is known of it stays"
    )
    messages.success(request, f"{found.name} {said}.")
    return redirect(host_address(found))


@forms_methods
@staff_only
@never_cache
def host_delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask once, then forget the host."""
    found = _own_host(request, slug)
    if request.method != "POST":
        return render(request, "labtools/host_delete.html", {"host": found, "tab": "hosts"})
    hosts.remove_host(person=request.user, host=found)
    messages.success(request, f"{found.name} is deleted.")
    return redirect("labtools:host_list")
