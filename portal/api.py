"""The API under ``/api/v1/``, composed from the rooms, and the page that describes it.

The page is drawn from the same OpenAPI document that programs read, so that the two cannot differ.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.errors import ValidationError

from kb.api import router as articles
from labtools.api.images import router as images
from portal.accounts.api_auth import NotAllowed, identify
from portal.accounts.models import User


def member(request: HttpRequest) -> User:
    """Who is asking: an API token as ``Authorization: Bearer``, or the session of a browser with its CSRF token."""
    return identify(request)


api = NinjaAPI(
    title="Open Source Virtualization India",
    version="1",
    description="What the portal does for people, for programs.",
    docs_url=None,
    openapi_url="openapi.json",
    urls_namespace="api",
    auth=member,
)
api.add_router("/articles", articles)
api.add_router("/images", images)


@api.exception_handler(NotAllowed)
def _not_allowed(request: HttpRequest, error: NotAllowed) -> HttpResponse:
    response = api.create_response(request, {"detail": str(error)}, status=error.status)
    if error.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return api.create_response(
        request, {"detail": "There is nothing here, or it is not yours to see."}, status=404
    )


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Names what is wrong and where; never repeats what was sent."""
    first = error.errors[0] if error.errors else {}
    where = ".".join(str(part) for part in first.get("loc", ())[1:])
    sentence = f"{where}: {first.get('msg', 'is not valid')}." if where else "The request is not valid."
    return api.create_response(request, {"detail": sentence}, status=422)


# ------------------------------------------------------------------------------------- the page about it


@dataclass(frozen=True)
class Parameter:
    """What a request takes, or a field of a body: its type in words, and what it means."""

    name: str
    place: str
    type: str
    required: bool
    description: SafeString


@dataclass(frozen=True)
class Answer:
    """A status with the schema of its body, empty where there is none."""

    status: str
    description: str
    schema: str


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    id: str
    method: str
    path: str
    summary: str
    description: SafeString
    parameters: tuple[Parameter, ...]
    body: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class SchemaTable:
    """A named schema with its fields."""

    name: str
    description: SafeString
    fields: tuple[Parameter, ...]


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """What programs may ask, in the portal's own look: no script from elsewhere, none inline."""
    operations, schemas = _described()
    return render(request, "api_docs.html", {"operations": operations, "schemas": schemas})


@cache
def _described() -> tuple[list[Operation], list[SchemaTable]]:
    document: dict[str, Any] = api.get_openapi_schema()
    operations = [
        _operation(method, path, spec)
        for path, methods in document["paths"].items()
        for method, spec in methods.items()
    ]
    schemas = [
        SchemaTable(name, marked(spec.get("description", "")), tuple(_fields(spec)))
        for name, spec in document["components"]["schemas"].items()
    ]
    return operations, [table for table in schemas if table.fields]


def _operation(method: str, path: str, spec: dict[str, Any]) -> Operation:
    body = spec.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    parameters = [
        Parameter(
            each["name"],
            each["in"],
            _type(each["schema"]),
            each.get("required", False),
            marked(each.get("description", each["schema"].get("description", ""))),
        )
        for each in spec.get("parameters", ())
    ]
    answers = [
        Answer(str(status), _STATUS_WORDS.get(int(status), each["description"]), _answer_schema(each))
        for status, each in spec["responses"].items()
    ]
    return Operation(
        id=f"{method}-{spec['operationId']}",
        method=method.upper(),
        path=path,
        summary=spec["summary"],
        description=marked(spec.get("description", "")),
        parameters=tuple(parameters),
        body=_type(body) if body else "",
        answers=tuple(answers),
    )


_STATUS_WORDS = {
    200: "Done",
    204: "Done; no body",
    401: "Not signed in, or the token is not valid",
    403: "Not yours to change",
    404: "Not there, or not yours to see",
}


def _answer_schema(answer: dict[str, Any]) -> str:
    content = answer.get("content", {}).get("application/json", {}).get("schema")
    return _type(content) if content else ""


def _fields(spec: dict[str, Any]) -> list[Parameter]:
    required = spec.get("required", ())
    return [
        Parameter(name, "body", _type(each), name in required, marked(each.get("description", "")))
        for name, each in spec.get("properties", {}).items()
    ]


def marked(text: str) -> SafeString:
    """A description as HTML, its `code` between backticks as such and everything escaped."""
    pieces = text.split("`")
    return format_html_join(
        "",
        "{}",
        ((format_html("<code>{}</code>", each) if at % 2 else each,) for at, each in enumerate(pieces)),
    )


def _type(schema: dict[str, Any]) -> str:
    """A JSON schema's type in a few words: ``list of Check``, ``string (uuid)``, ``object or null``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(_type(each) for each in schema[key])
    if "enum" in schema:
        return ", ".join(str(each) for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    form = f" ({schema['format']})" if "format" in schema else ""
    return f"{schema.get('type', 'anything')}{form}"
