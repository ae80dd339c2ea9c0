"""Who may do what in the knowledge base. Pages ask before they offer; services ask again."""

from typing import TYPE_CHECKING

from kb.typos import mends_words_only
from portal.accounts.models import User

if TYPE_CHECKING:
    from kb.models import Article, Revision

REVIEW = "kb.review_article"
APPROVE_CHECKS = "kb.approve_check"


def is_reviewer(user: object) -> bool:
    """Staff, and members of a group with the permission "Can review articles"."""
    return isinstance(user, User) and user.is_active and (user.is_staff or user.has_perm(REVIEW))


def is_lab_maintainer(user: object) -> bool:
    """Who may let a command of an article run on the lab's hosts: superusers, and who has the permission for it."""
    return isinstance(user, User) and user.is_active and user.has_perm(APPROVE_CHECKS)


def can_approve(user: object, revision: "Revision") -> bool:
    """Reviewers, but not what they wrote themselves, unless it mends words of what readers see; and superusers."""
    if not isinstance(user, User) or not is_reviewer(user):
        return False
    if revision.author_id != user.pk or user.is_superuser:
        return True
    base = revision.based_on  # others' changes since then are merged, and are not the author's
    is_typo = revision.significance == revision.Significance.TYPO and revision.article.current_id is not None
    return is_typo and base is not None and mends_words_only(base.document, revision.document)


def can_keep(user: object, article: "Article") -> bool:
    """Who looks after an article's address, owner, review date and place in the archive: its owner, and reviewers."""
    return isinstance(user, User) and (article.owner_id == user.pk or is_reviewer(user))
