"""What an address names and the portal does not have: a 404 whose page says in words what is wrong."""

from typing import ClassVar

from django.http import Http404, HttpRequest
from django.utils.encoding import escape_uri_path


class Missing(Http404):
    """A 404 with a sentence for the reader, who may be anybody: it must be the same for "not there" and "not for you".

    Django's own texts in ``Http404`` name models, so that only this class's are shown.
    """

    parameters: ClassVar[tuple[str, ...]] = ()
    """Parameters of the query that may name what is missing; without them the address has an answer."""


def address_without(request: HttpRequest, missing: Missing) -> str:
    """The page of ``request`` without the parameters that name what is missing; empty where they named nothing.

    The address of a table or of data leads to the page beside it.
    """
    if not any(request.GET.get(name) for name in missing.parameters):
        return ""
    path = request.path
    for ending in (".json", ".csv"):
        if path.endswith(ending):
            path = f"{path.removesuffix(ending)}/"
    query = request.GET.copy()
    for name in missing.parameters:
        query.pop(name, None)
    return f"{escape_uri_path(path)}?{query.urlencode()}" if query else escape_uri_path(path)
