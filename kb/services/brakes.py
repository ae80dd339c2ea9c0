"""Brakes on members of whom readers have seen nothing yet. Everything is reviewed; these keep the queue usable."""

from django.conf import settings

from kb import rendering
from kb.documents import Document
from kb.links import outside_links
from kb.models import Revision
from portal.accounts.models import User

#: What a new member may have waiting at once, and how many places outside the portal a text of theirs may name.
NEW_WAITING, NEW_LINKS = 2, 10


def is_new(user: User) -> bool:
    """Whether readers have seen no text of theirs."""
    seen = [Revision.State.APPROVED, Revision.State.MERGED]
    return not Revision.objects.filter(author=user, state__in=seen).exists()


def refusal_for_new(document: Document, *, waiting: int) -> str:
    """Why a new member who has ``waiting`` other texts in the queue cannot send this one yet; empty where they can."""
    if waiting >= NEW_WAITING:
        return f"{waiting} texts of yours wait for review. Your draft is kept; send it once one of them is approved."
    links = len(outside_links(rendering.render(document.content).html, settings.SITE_URL))
    if links > NEW_LINKS:
        return (
            f"Your text links to {links} places outside the portal. In first texts at most {NEW_LINKS} are taken: "
            "keep those that readers need."
        )
    return ""
