"""What needs somebody, in lists."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kb.queries.dashboards import dashboards, has_dashboards
from kb.roles import is_reviewer
from kb.views.access import member_of, signed_in


@require_safe
@signed_in
def boards(request: HttpRequest) -> HttpResponse:
    """Every list: of all articles for reviewers, of their own for owners; nobody else has such a page."""
    member = member_of(request)
    if not has_dashboards(member):
        raise Http404
    context = {"boards": dashboards(member), "reviews": is_reviewer(member)}
    return render(request, "kb/dashboards.html", context)
