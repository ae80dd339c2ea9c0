"""Documents that an article gives to its commands: XML for libvirt, and nothing that leads elsewhere."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from . import kinds
from .steps import Refused

MAX_DOCUMENT = 32 * 1024
_DECLARATION = re.compile(r"""<\?xml version=["']1\.0["'](?: encoding=["'](?:utf|UTF)-8["'])?\s*\?>""")


def check_document(name: str, text: str) -> None:
    """Raise :class:`~labtools.recipes.steps.Refused` unless ``text`` is a plain XML document.

    No document type, thus no entity; no processing instruction; no other encoding, in which either could hide. libvirt
    would load neither, and the sandbox has nothing to load: this is the first of three walls.
    """
    if not kinds.DOCUMENT.takes(name):
        raise Refused(f"“{ascii(name[:40])[1:-1]}” must be {kinds.DOCUMENT.words}.")
    if len(text.encode("utf-8", "replace")) > MAX_DOCUMENT:
        raise Refused(f"{name} has more than {MAX_DOCUMENT // 1024} KiB.")
    body = _DECLARATION.sub("", text, count=1) if _DECLARATION.match(text) else text
    if re.search(r"<!(?!--)|<\?", body):
        raise Refused(f"{name} must be plain XML: no document type, entity, CDATA or processing instruction.")
    try:
        ElementTree.fromstring(body)  # noqa: S314 — without a document type there is nothing to expand
    except (ElementTree.ParseError, ValueError) as error:
        raise Refused(f"{name} is not well-formed XML: {error}.") from None
