"""The words of Fibre Channel and NPIV, in a sentence or two each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """A word, what it stands for (may be empty), and what it means."""

    word: str
    long: str
    meaning: str


TERMS: tuple[Term, ...] = (
    Term(
        "HBA",
        "host bus adapter",
        "The card that connects a host to the Fibre Channel fabric; each of its ports is "
        "a scsi_hostN to Linux.",
    ),
    Term(
        "NPIV",
        "N_Port ID virtualization",
        "One N_Port logs in to the fabric several times, each time with another WWPN. "
        "Not to be taken for N_Port virtualization (NPV), which is a mode of switches.",
    ),
    Term(
        "vHBA",
        "virtual HBA",
        "What such a further login is to the host: a scsi_hostN of its own on the same cable, "
        "with names of its own, so that the array can give it LUNs of its own. The kernel calls it a vport.",
    ),
    Term(
        "WWN",
        "World Wide Name",
        "A 64-bit name, written as 16 hex digits. It is to Fibre Channel what the MAC "
        "address is to Ethernet.",
    ),
    Term("WWNN", "World Wide Node Name", "The name of the whole device; its ports may share it."),
    Term(
        "WWPN",
        "World Wide Port Name",
        "The name of one port. Zoning and LUN masking go by it, so no two ports in a "
        "fabric may have the same.",
    ),
    Term(
        "NAA",
        "Network Address Authority",
        "The first digit of a WWN: who made the name and how the rest is laid out.",
    ),
    Term("N_Port", "node port", "A port of a host or a storage array, connected to a switch."),
    Term(
        "NL_Port",
        "node loop port",
        "A node port on an arbitrated loop, where several share one ring. NPIV needs a switch, not a loop.",
    ),
    Term("F_Port", "fabric port", "The port of a switch that an N_Port is connected to."),
    Term("FL_Port", "fabric loop port", "The port of a switch that a loop is connected to."),
    Term(
        "E_Port",
        "expansion port",
        "The port of a switch towards another switch; the link is an inter-switch link.",
    ),
    Term(
        "FLOGI",
        "fabric login",
        "The first thing an N_Port sends, to the address FFFFFE: it gets its N_Port_ID by it.",
    ),
    Term(
        "FDISC",
        "fabric discovery",
        "The same to the same address for each further WWPN of a port: this is how NPIV "
        "gets another N_Port_ID. A switch with NPIV off refuses it.",
    ),
    Term(
        "PLOGI",
        "port login",
        "What one N_Port sends to another before they talk, as a host's to the array's.",
    ),
    Term("PRLI", "process login", "What follows a PLOGI: both agree to speak SCSI (FCP)."),
    Term("LUN", "logical unit", "One disk that an array shows to a port, and its number there."),
    Term("Zoning", "", "The fabric's list of which WWPNs may see one another."),
    Term("LUN masking", "", "The array's list of which WWPN sees which LUN."),
)


def term(word: str) -> Term:
    """The term called ``word``; :class:`KeyError` if there is none."""
    return _BY_WORD[word]


_BY_WORD = {term.word: term for term in TERMS}
