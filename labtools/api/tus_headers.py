"""Request headers of tus 1.0.0, each bounded before it is parsed."""

import base64
import binascii
import re

from django.http import HttpRequest

from labtools.models import ImageCheck
from labtools.services.uploads import CHECKSUM_ALGORITHMS, Checksum

MAX_METADATA_CHARACTERS = 4096
_NATURAL = re.compile(r"[0-9]{1,18}")  # below 2**63, the largest that the database keeps
_DIGEST_BYTES = {"sha1": 20, "sha256": 32}


class BadHeader(Exception):
    """A header that is missing or means nothing; ``str()`` of it says which."""


def natural(request: HttpRequest, name: str) -> int:
    """The header ``name`` as a non-negative integer."""
    value = request.headers.get(name, "")
    if not _NATURAL.fullmatch(value):
        raise BadHeader(f"The header {name} must be a non-negative integer.")
    return int(value)


def metadata(request: HttpRequest) -> dict[str, str]:
    """Upload-Metadata: pairs of key and base64, by commas; a key may stand alone. Undecodable text is replaced."""
    raw = request.headers.get("Upload-Metadata", "")
    if len(raw) > MAX_METADATA_CHARACTERS:
        raise BadHeader(f"Upload-Metadata is longer than {MAX_METADATA_CHARACTERS} characters.")
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in raw.split(","))):
        key, _, encoded = pair.partition(" ")
        if key in found:
            raise BadHeader(f"Upload-Metadata names {key} twice.")
        found[key] = _base64(encoded, "Upload-Metadata").decode("utf-8", "replace")
    return found


def visibility(found: dict[str, str]) -> str:
    """Who may see the report to come; unlisted when nothing is said."""
    wanted = found.get("visibility", ImageCheck.Visibility.UNLISTED)
    if wanted not in ImageCheck.Visibility.values:
        raise BadHeader("The visibility in Upload-Metadata must be private, unlisted or public.")
    return wanted


def checksum(request: HttpRequest) -> Checksum | None:
    """Upload-Checksum: the algorithm and the base64 of the digest."""
    value = request.headers.get("Upload-Checksum")
    if value is None:
        return None
    algorithm, _, encoded = value.strip().partition(" ")
    if algorithm not in CHECKSUM_ALGORITHMS:
        raise BadHeader(f"Upload-Checksum must use one of: {', '.join(CHECKSUM_ALGORITHMS)}.")
    digest = _base64(encoded, "Upload-Checksum")
    if len(digest) != _DIGEST_BYTES[algorithm]:
        raise BadHeader(f"Upload-Checksum is not the length of a {algorithm} digest.")
    return Checksum(algorithm, digest)


def _base64(encoded: str, name: str) -> bytes:
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadHeader(f"{name} holds something that is not base64.") from error
