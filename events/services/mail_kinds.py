"""The kinds of mail of this room, as readers know them on their notifications page.

What somebody needs in order to use what they asked for cannot be switched off, but ends with it: leave the meetup, and
its mails end. Everything that comes by itself can be.
"""

from portal.mail import kinds
from portal.mail.kinds import Kind

SEATS = Kind(
    key="meetup_seats",
    name="Your sign-ups and votes",
    description=(
        "What becomes of a meetup that you signed up to or voted on: your seat, the waitlist, its date, changes, "
        "and whether it is cancelled."
    ),
    can_switch_off=False,
)
CHAPTERS = Kind(
    key="chapters",
    name="Your part in chapters",
    description=(
        "Confirming that you follow one, news of your offer to help, of your talks and your roles, and reports made "
        "to you."
    ),
    can_switch_off=False,
)
REMINDERS = Kind(
    key="meetup_reminders",
    name="Reminders",
    description="The day before a meetup that you are going to.",
    can_switch_off=True,
)
MESSAGES = Kind(
    key="meetup_messages",
    name="Messages from organizers of your meetups",
    description="What an organizer writes to those who come: how to get in, what to bring.",
    can_switch_off=True,
)
NEW_MEETUPS = Kind(
    key="new_meetups",
    name="New meetups and their dates",
    description="When a chapter that you follow announces a meetup, and when its date is set.",
    can_switch_off=True,
)
CHAPTER_MESSAGES = Kind(
    key="chapter_messages",
    name="Messages from chapters",
    description="What organizers write to everybody who follows their chapter.",
    can_switch_off=True,
)
DIGEST = Kind(
    key="meetup_digest",
    name="Weekly summary",
    description="On Mondays, what is new and next in the chapters that you follow week by week.",
    can_switch_off=True,
)
ALL = (SEATS, CHAPTERS, REMINDERS, MESSAGES, NEW_MEETUPS, CHAPTER_MESSAGES, DIGEST)


def register_all() -> None:
    """Make them known to the outbox and the notifications page."""
    for kind in ALL:
        kinds.register(kind)
