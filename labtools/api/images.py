"""Image checks for programs: list, read, change who may see, delete. Uploading is tus, beside this."""

import uuid
from datetime import datetime
from typing import Any, Literal, cast

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema, Status
from ninja.errors import HttpError

from labtools import queries
from labtools.models import ImageCheck
from labtools.services import checks
from portal.accounts.models import User

router = Router(tags=["Images"])

Visibility = Literal["private", "unlisted", "public"]


class Problem(Schema):
    """Why a request was refused."""

    detail: str = Field(description="One sentence.")


class Check(Schema):
    """An image check without its report."""

    id: uuid.UUID = Field(description="Also the id of the upload that it came from.")
    filename: str = Field(description="As the sender called it.")
    state: str = Field(description="`queued`, `running`, `finished`, `failed` or `errored`.")
    stage: str = Field(description="`waiting`, `hashing`, `header`, `info`, `check` or `done`.")
    progress: int = Field(description="Of the stage, in percent.")
    visibility: Visibility
    created_at: datetime
    finished_at: datetime | None = None
    delete_after: datetime | None = Field(None, description="When the report is deleted by itself.")
    length: int = Field(description="Of the file, in bytes.")
    sha256: str = Field(description="Hexadecimal; empty until the check is finished.")
    verdict: str = Field(
        description="`clean`, `leaks`, `corrupt`, `unreadable`, `unchecked` or `not_qcow2`; empty until finished."
    )
    failure: str = Field(description="A sentence, where the state is `failed` or `errored`.")
    url: str = Field(description="The page of the report.")

    @staticmethod
    def resolve_url(check: ImageCheck) -> str:
        """Relative to the portal's own address."""
        return check.get_absolute_url()


class CheckWithReport(Check):
    """An image check with its whole report."""

    report: dict[str, Any] | None = Field(
        None, description="Has its own version number, `format`; null until the check is finished."
    )

    @staticmethod
    def resolve_report(check: ImageCheck) -> Any:
        """The stored result."""
        return check.result


class CheckList(Schema):
    """A page of one's own checks, newest first."""

    count: int = Field(description="Of all, not only of this page.")
    items: list[Check]


class VisibilityChange(Schema):
    """Who may see the report from now on."""

    visibility: Visibility


class Page(Schema):
    """Which part of a list."""

    limit: int = Field(50, ge=1, le=100, description="How many at most.")
    offset: int = Field(0, ge=0, le=1_000_000, description="How many to leave out.")


def _member(request: HttpRequest) -> User:
    return cast(User, request.auth)  # type: ignore[attr-defined]  # set by ninja


def _visible(request: HttpRequest, check_id: uuid.UUID) -> ImageCheck:
    check = ImageCheck.objects.visible_to(_member(request)).filter(pk=check_id).first()
    if check is None:
        raise Http404
    return check


def _own(request: HttpRequest, check_id: uuid.UUID) -> ImageCheck:
    check = _visible(request, check_id)
    if not check.is_owned_by(_member(request)):
        raise HttpError(403, "This report is not yours to change.")
    return check


@router.get("/", response={200: CheckList, 401: Problem}, summary="List your checks", url_name="images")
def list_checks(request: HttpRequest, page: Query[Page]) -> dict[str, Any]:
    """Your own checks, newest first, without their reports."""
    found = queries.checks_of(_member(request))
    return {"count": found.count(), "items": list(found[page.offset : page.offset + page.limit])}


@router.get(
    "/{uuid:check_id}",
    response={200: CheckWithReport, 401: Problem, 404: Problem},
    summary="Read a check and its report",
    url_name="image",
)
def read_check(request: HttpRequest, check_id: uuid.UUID) -> ImageCheck:
    """Your own, and those of others that are public or whose id you know and which are not private."""
    return _visible(request, check_id)


@router.patch(
    "/{uuid:check_id}",
    response={200: Check, 401: Problem, 403: Problem, 404: Problem},
    summary="Change who may see a report",
)
def change_check(request: HttpRequest, check_id: uuid.UUID, change: VisibilityChange) -> ImageCheck:
    """`private`: only you. `unlisted`: anyone with the link. `public`: listed for everyone."""
    check = _own(request, check_id)
    checks.change_visibility(check=check, visibility=change.visibility)
    check.refresh_from_db()
    return check


@router.delete(
    "/{uuid:check_id}",
    response={204: None, 401: Problem, 403: Problem, 404: Problem},
    summary="Delete a check",
)
def delete_check(request: HttpRequest, check_id: uuid.UUID) -> Status[None]:
    """The report goes at once, and the uploaded file if it is still here. A check at work is stopped."""
    checks.delete_image_check(check=_own(request, check_id))
    return Status(204, None)
