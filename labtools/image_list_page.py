"""What the page /lab/images/ shows."""

from dataclasses import dataclass

from django.conf import settings
from django.core.paginator import Page, Paginator

from labtools.models import ImageCheck, Upload
from labtools.services.uploads import quota_used
from portal.accounts.models import User

PER_PAGE = 20
PUBLIC_SHOWN = 10


@dataclass(frozen=True)
class Quota:
    """The member's share of the disk, in bytes."""

    used: int
    allowed: int

    @property
    def free(self) -> int:
        """What may still be declared."""
        return max(0, self.allowed - self.used)


@dataclass(frozen=True)
class ImageList:
    """The page as one person sees it; a visitor has no checks, uploads or quota of their own."""

    checks: "Page[ImageCheck] | None"
    uploads: list[Upload]
    quota: Quota | None
    public: list[ImageCheck]


def image_list_page(user: object, *, number: str) -> ImageList:
    """Page ``number`` of the member's checks, their unfinished uploads and quota, and the newest public reports."""
    public = list(
        ImageCheck.objects.listed()
        .filter(sample="", state=ImageCheck.State.FINISHED)
        .select_related("owner")
        .defer("result")
        .order_by("-created_at")[:PUBLIC_SHOWN]
    )
    if not isinstance(user, User):
        return ImageList(checks=None, uploads=[], quota=None, public=public)
    own = ImageCheck.objects.filter(owner=user).defer("result").order_by("-created_at")
    return ImageList(
        checks=Paginator(own, PER_PAGE).get_page(number),
        uploads=list(Upload.objects.visible_to(user).receiving().order_by("-created_at")),
        quota=Quota(quota_used(user), settings.UPLOAD_QUOTA_BYTES),
        public=public,
    )
