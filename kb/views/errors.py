"""Paste your error: which article tells what to do."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from kb.forms.errors import ErrorForm
from kb.queries.errors import find_errors
from kb.views.access import too_often


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("text")
@sensitive_variables()
def errors(request: HttpRequest) -> HttpResponse:
    """The form, and above it what was found. Nothing of the text is stored."""
    form = ErrorForm(request.POST if request.method == "POST" else None)
    if form.is_bound and (refused := too_often(request, "kb_errors")):
        return refused
    found = find_errors(form.cleaned_data["text"]) if form.is_valid() else None
    context = {"form": form, "found": found}
    return render(request, "kb/errors.html", context, status=422 if form.errors else 200)
