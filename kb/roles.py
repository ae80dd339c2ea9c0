"""Who may do what in the knowledge base. Pages ask before they offer; services ask again."""

from portal.accounts.models import User

REVIEW = "kb.review_article"
APPROVE_CHECKS = "kb.approve_check"


def is_reviewer(user: object) -> bool:
    """Staff, and members of a group with the permission "Can review articles"."""
    return isinstance(user, User) and user.is_active and (user.is_staff or user.has_perm(REVIEW))


def is_lab_maintainer(user: object) -> bool:
    """Who may let a command of an article run on the lab's hosts: superusers, and who has the permission for it."""
    return isinstance(user, User) and user.is_active and user.has_perm(APPROVE_CHECKS)
