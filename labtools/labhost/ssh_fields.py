"""Check the fields by which a host is reached over SSH, so that none of them can be anything but itself.

They end up in the arguments of ``ssh`` and in a ``known_hosts`` file: no option, no command, no URI may hide in them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import re
import struct
from dataclasses import dataclass

#: Octets of a host name (RFC 1123 section 2.1, RFC 1035 section 2.3.4), and of the name of a key file.
MAX_HOST_NAME, MAX_KEY_NAME = 253, 60
#: Bits of an RSA modulus that still count as a key (NIST SP 800-131A).
MIN_RSA_BITS = 2048

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
_KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_CURVES = {"nistp256": 65, "nistp384": 97, "nistp521": 133}
"""Elliptic curves and the bytes of an uncompressed point (RFC 5656 section 3.1)."""
KEY_TYPES = ("ssh-ed25519", *(f"ecdsa-sha2-{curve}" for curve in _CURVES), "ssh-rsa")


class FieldError(ValueError):
    """A field is not what it has to be; the message is a sentence for the person who typed it."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key of SSH without its comment."""

    type: str
    base64: str

    @property
    def line(self) -> str:
        """As ``known_hosts`` has it behind the host's name."""
        return f"{self.type} {self.base64}"

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` prints it: SHA-256 in base64 without padding."""
        hashed = hashlib.sha256(base64.b64decode(self.base64)).digest()
        return "SHA256:" + base64.b64encode(hashed).decode("ascii").rstrip("=")


def check_host_name(text: str) -> str:
    """Return ``text`` if it is a host name (RFC 1123) or an IP address without a zone; else :class:`FieldError`."""
    try:
        if "%" not in text:
            ipaddress.ip_address(text)
            return text
    except ValueError:
        pass
    labels = text.removesuffix(".").split(".")
    if len(text) > MAX_HOST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise FieldError("Give a host name of letters, digits, dots and inner hyphens, or an IP address.")
    if labels[-1].isdigit():
        raise FieldError("That is neither an IP address nor a name: the last part of a name is no number.")
    return text


def check_user(text: str) -> str:
    """Return ``text`` if it is a user name as ``useradd`` takes it by default; else :class:`FieldError`."""
    if not _USER.fullmatch(text):
        raise FieldError(
            "Give a user name of at most 32 small letters, digits, hyphens and underscores that begins with "
            "a letter or an underscore."
        )
    return text


def check_key_name(text: str) -> str:
    """Return ``text`` if it can name a file in one folder and nowhere else; else :class:`FieldError`."""
    if not _KEY_NAME.fullmatch(text) or len(text) > MAX_KEY_NAME or text.endswith(".pub"):
        raise FieldError("That is no name of a private key file.")
    return text


def parse_public_key(text: str) -> PublicKey:
    """Return the key of a line of ``known_hosts``, ``ssh-keyscan`` or a ``.pub`` file; else :class:`FieldError`.

    The bytes have to be a key of the type that the line names (RFC 4253 section 6.6, RFC 5656, RFC 8709).
    """
    words = text.split()
    if len(words) >= 3 and words[0] not in KEY_TYPES and words[1] in KEY_TYPES:
        words = words[1:]  # the host's name or a marker comes first in known_hosts
    if len(words) < 2 or "\n" in text.strip():
        raise FieldError("Give one line with the type of the key and its base64, as ssh-keyscan prints it.")
    if words[0] not in KEY_TYPES:
        raise FieldError(f"The type of the key has to be one of {', '.join(KEY_TYPES)}.")
    try:
        blob = base64.b64decode(words[1], validate=True)
        _check_blob(words[0], _strings(blob))
    except (binascii.Error, struct.error, ValueError) as error:
        if isinstance(error, FieldError):
            raise
        raise FieldError("The base64 is not a whole key; copy the line again.") from None
    return PublicKey(words[0], base64.b64encode(blob).decode("ascii"))


def _strings(blob: bytes) -> list[bytes]:
    """The strings of RFC 4251 section 5 that ``blob`` is made of, to its last byte."""
    found: list[bytes] = []
    at = 0
    while at < len(blob):
        (length,) = struct.unpack_from(">I", blob, at)
        at += 4 + length
        if at > len(blob) or len(found) > 4:
            raise ValueError("a string goes beyond the end")
        found.append(blob[at - length : at])
    return found


def _check_blob(kind: str, parts: list[bytes]) -> None:
    if not parts or parts[0] != kind.encode("ascii"):
        raise FieldError("The base64 is a key of another type than the line says.")
    if kind == "ssh-ed25519":
        is_whole = len(parts) == 2 and len(parts[1]) == 32
    elif kind == "ssh-rsa":
        is_whole = len(parts) == 3
        if is_whole and int.from_bytes(parts[2], "big").bit_length() < MIN_RSA_BITS:
            raise FieldError(f"An RSA key needs at least {MIN_RSA_BITS} bits.")
    else:
        curve = kind.removeprefix("ecdsa-sha2-")
        is_whole = len(parts) == 3 and parts[1] == curve.encode() and len(parts[2]) == _CURVES[curve]
    if not is_whole:
        raise FieldError("The base64 is not a whole key; copy the line again.")
