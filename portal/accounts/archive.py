"""A member's data as a zip file, made while it is sent."""

import json
import zipfile
from collections.abc import Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from portal.accounts import personal_data
from portal.accounts.models import User

README = """Your data at {site}
Made on {when:%Y-%m-%d at %H:%M} UTC.

Each .json file holds what one part of the portal keeps about you:

{parts}

Files that you brought are listed with their names, lengths and SHA-256 where it is known; their bytes are not in
this archive, because an image may be as large as 50 GB. Download them from their own pages while they are kept.
Passwords, codes, keys and tokens are left out: they are secrets, not descriptions of you.
"""


class _Tap:
    """A file to write to; what was written since the last look is taken out, so that memory stays small."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing is open here."""

    def take(self) -> bytes:
        """What came since the last call."""
        taken, self._written = b"".join(self._written), []
        return taken


def stream_archive(user: User, *, site_name: str) -> Iterator[bytes]:
    """The bytes of the zip: a README, then one JSON file for each keeper of personal data."""
    keepers = personal_data.keepers()
    parts = "\n".join(f"  {keeper.name}.json" for keeper in keepers)
    tap = _Tap()
    # The tap cannot seek; zipfile then writes sizes behind each entry (APPNOTE, section 4.4.4, bit 3).
    with zipfile.ZipFile(tap, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README.format(site=site_name, when=timezone.now(), parts=parts))
        yield tap.take()
        for keeper in keepers:
            archive.writestr(f"{keeper.name}.json", _as_json(keeper.export(user)))
            yield tap.take()
    yield tap.take()


def _as_json(data: Any) -> str:
    return json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2) + "\n"
