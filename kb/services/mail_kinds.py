"""The kinds of mail of this room, as readers know them on their notifications page. Each can be switched off."""

from portal.mail import kinds
from portal.mail.kinds import Kind

OWN_TEXTS = Kind(
    key="kb_own_texts",
    name="What you write for the knowledge base",
    description="Whether a text of yours is approved or sent back, what is said to it, and articles handed to you.",
    can_switch_off=True,
)
WATCHED = Kind(
    key="kb_watched",
    name="Articles that you watch",
    description="When an article that you watch changes by more than typos.",
    can_switch_off=True,
)
TO_REVIEW = Kind(
    key="kb_to_review",
    name="Texts that wait for review",
    description="For reviewers: when a text is sent for review, and when its author answers you.",
    can_switch_off=True,
)
WAITING = Kind(
    key="kb_waiting",
    name="What waits for you in the knowledge base",
    description="For reviewers and lab maintainers: what has waited for more than a day; at most once a day.",
    can_switch_off=True,
)
QUESTIONS = Kind(
    key="kb_questions",
    name="Questions on articles",
    description="Questions on articles that you keep or watch, and answers to yours.",
    can_switch_off=True,
)
FAILED = Kind(
    key="kb_failed",
    name="Articles that did not work for a reader",
    description="When a reader says what went wrong with an article of yours; at most once a day and article.",
    can_switch_off=True,
)
OUT_OF_DATE = Kind(
    key="kb_out_of_date",
    name="Articles that no longer hold",
    description="When something that an article of yours, or one that you watch, names is gone on a lab host.",
    can_switch_off=True,
)
CHECKS = Kind(
    key="kb_checks",
    name="Checked commands",
    description="When a command in an article that you keep, or that you let run, no longer does as it says.",
    can_switch_off=True,
)


def register_all() -> None:
    """Make them known to the outbox and the notifications page."""
    for kind in (OWN_TEXTS, WATCHED, TO_REVIEW, WAITING, QUESTIONS, FAILED, OUT_OF_DATE, CHECKS):
        kinds.register(kind)
