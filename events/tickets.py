"""The code of a sign-up as a picture that a phone's ordinary camera reads: the address of a page at the door."""

import io

import segno
from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from events.models import Rsvp


def door_url(rsvp: Rsvp) -> str:
    """What the picture says: only helpers of the meetup find anything there."""
    return settings.SITE_URL + reverse("events:check_in_code", args=[rsvp.meetup.slug, rsvp.code])


def _picture(rsvp: Rsvp) -> segno.QRCode:
    # A quarter of it may be hidden by a scratch or a reflection.
    return segno.make_qr(door_url(rsvp), error="q")


def ticket_svg(rsvp: Rsvp) -> SafeString:
    """The picture for a page, black on white in either theme: cameras want it so."""
    text = _picture(rsvp).svg_inline(
        scale=4, border=4, dark="#000", light="#fff", omitsize=True, svgclass="ticket", lineclass=None
    )
    return mark_safe(text)  # noqa: S308  (segno's own drawing; the address in it is drawn, not written)


def ticket_png(rsvp: Rsvp) -> bytes:
    """The picture to keep, 1-bit PNG."""
    out = io.BytesIO()
    _picture(rsvp).save(out, kind="png", scale=8, border=4)
    return out.getvalue()
