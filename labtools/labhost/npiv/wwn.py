"""World Wide Names of Fibre Channel: the 64-bit names of nodes (WWNN) and ports (WWPN).

The first digit is the Network Address Authority: who made the name, and so how the rest is laid out (FC-FS,
"Name_Identifier formats"). libvirt compares names as text with what the kernel prints in ``/sys/class/fc_host``,
16 lower-case digits, and takes any text on the way in; so every name goes through :func:`parse_wwn` here.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Container
from dataclasses import dataclass

#: What libvirt itself puts first on QEMU hosts: NAA 5 and the OUI of Qumranet (Red Hat), then 36 random bits.
GENERATED_PREFIX, RANDOM_BITS = "5001a4a", 36
MAX_TEXT = 64

_HEX = re.compile(r"[0-9a-fA-F]{16}")
_PAIRS = re.compile(r"[0-9a-fA-F]{2}(?:([:.\- ])[0-9a-fA-F]{2})(?:\1[0-9a-fA-F]{2}){6}")
_PREFIXES = ("0x", "naa.")

#: The authorities, by the first digit, in the words of FC-FS.
AUTHORITIES = {
    0x1: "IEEE 48-bit",
    0x2: "IEEE extended",
    0x3: "locally assigned",
    0x4: "32-bit IP address",
    0x5: "IEEE registered",
    0x6: "IEEE registered extended",
    0xC: "IEEE EUI-64 mapped",
    0xD: "IEEE EUI-64 mapped",
    0xE: "IEEE EUI-64 mapped",
    0xF: "IEEE EUI-64 mapped",
}


class WwnError(ValueError):
    """The text is no WWN; the message is a sentence for the person who typed it."""


@dataclass(frozen=True, slots=True, order=True)
class Wwn:
    """A 64-bit name: ``digits`` are 16 lower-case hex digits without a prefix, as the kernel and libvirt print it."""

    digits: str

    def __str__(self) -> str:
        return self.digits

    @property
    def naa(self) -> int:
        """The Network Address Authority, the first four bits."""
        return int(self.digits[0], 16)

    @property
    def authority(self) -> str:
        """Who made the name, in words; empty where the standard reserves the number."""
        return AUTHORITIES.get(self.naa, "")

    @property
    def oui(self) -> str:
        """The maker's IEEE company number, six digits; empty where the layout has none."""
        if self.naa in (0x1, 0x2):
            return self.digits[4:10]
        return self.digits[1:7] if self.naa == 0x5 else ""

    @property
    def pretty(self) -> str:
        """In pairs with colons, as switches and storage arrays show it."""
        return ":".join(self.digits[at : at + 2] for at in range(0, 16, 2))

    @property
    def fault(self) -> str:
        """Why no port or node may bear this name, as a sentence; empty if it may."""
        if self.naa == 0x6:
            return "NAA 6 names are 128 bits long; a WWNN or WWPN has 64, so it cannot begin with 6."
        if self.naa == 0x4:
            return "NAA 4 holds an IP address; it is not a name for a Fibre Channel port or node."
        if not self.authority:
            return f"No authority makes names that begin with {self.digits[0]}; use one of NAA 1, 2 or 5."
        if self.naa == 0x1 and self.digits[1:4] != "000":
            return "In a name of NAA 1 the three digits after the 1 are zero."
        if self.oui and int(self.oui[:2], 16) & 1:
            return f"The company number {self.oui} is that of a group address; no single port bears it."
        if self.oui == "000000":
            return "The company number is zero; nobody has been given it."
        return ""

    @property
    def doubt(self) -> str:
        """What to look at before this name is used, as a sentence; empty for the usual kinds."""
        if self.naa == 0x3:
            return "NAA 3 is assigned locally, so nothing keeps it unique beyond your own list; some fabrics refuse it."
        if self.naa >= 0xC:
            return "Names mapped from EUI-64 are rare on Fibre Channel; ask whether your switch and array take them."
        return ""


def parse_wwn(text: str) -> Wwn:
    """Return the name in ``text``: 16 hex digits, or eight pairs parted alike; ``0x`` or ``naa.`` may stand first.

    Raises :class:`WwnError`. Whether a port may bear the name is a further question: :attr:`Wwn.fault`.
    """
    digits = text[: MAX_TEXT + 1].strip()
    if len(digits) > MAX_TEXT or not digits.isascii():
        raise WwnError("A WWN is 16 hex digits, for example 5001a4a1b2c3d4e5.")
    for prefix in _PREFIXES:
        if digits.lower().startswith(prefix):
            digits = digits[len(prefix) :]
            break
    if _PAIRS.fullmatch(digits):
        digits = "".join(sign for sign in digits if sign.isalnum())
    if not _HEX.fullmatch(digits):
        count = sum(sign in "0123456789abcdefABCDEF" for sign in digits)
        if count == len(digits):
            raise WwnError(f"A WWN has 16 hex digits; this one has {count}.")
        raise WwnError("A WWN is 16 hex digits (0 to 9, a to f), all together or in eight pairs with colons.")
    return Wwn(digits.lower())


def generate_wwn(used: Container[str], draw: Callable[[int], int] = secrets.randbits) -> Wwn:
    """Return a new name of the kind that libvirt generates, from the system's random source and not in ``used``.

    ``used`` holds canonical digits. Uniqueness is a matter of chance beyond that: 36 bits, so among 1,000 such
    names made anywhere the chance that two are equal is about 1 in 137,000. ``draw`` gives that many random bits.
    """
    for _ in range(1_000):
        wwn = Wwn(f"{GENERATED_PREFIX}{draw(RANDOM_BITS):09x}")
        if wwn.digits not in used:
            return wwn
    raise WwnError("No free name was found in 1,000 tries.")
