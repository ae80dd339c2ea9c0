"""Every kind of finding of the check: how grave it is, what it means, and which advice belongs to it.

Codes are stable. So are the advice codes:

- ``none``: nothing need be done
- ``repair-leaks``: harmless; ``qemu-img check -r leaks`` gives the space back
- ``repair-on-copy``: ``qemu-img check -r all``, on a copy, never on the only file
- ``rebuild-on-copy``: the refcounts must be rebuilt before anything writes to the image; on a copy
- ``salvage``: save what can be read with ``qemu-img convert --salvage`` into a new file
- ``second-writer``: something else wrote to the image while it was in use; find out what
- ``fetch-again``: the file was cut short; compare its length with the original's and copy it again
- ``convert-fresh``: convert into a new image and check that
- ``restore-header``: restore the first cluster from a backup of the same image
- ``open-writable``: the image repairs itself when QEMU next opens it for writing
- ``new-bitmaps``: drop the bitmaps and start a full backup
- ``wrong-format``: the file is something else
- ``restore-luks-header``: restore the LUKS header from a backup of the same image; nothing else opens the data
- ``do-not-repair``: the leaked clusters may be the guest's only copy; no ``-r``, not even ``-r leaks``, before somebody
  has put the L2 table back or saved them
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from labtools.qcow2.readings import Severity


@dataclass(frozen=True, slots=True)
class Entry:
    """A kind of finding: severity, the noun that is counted (empty for none), the sentence, the advice."""

    severity: Severity
    one: str
    sentence: str
    advice: str
    plural: str = ""

    @property
    def many(self) -> str:
        """The noun for several."""
        return self.plural or f"{self.one}s"


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE
_L1: Final = ("L1 entry", "L1 entries")
_L2: Final = ("L2 entry", "L2 entries")
_IMAGE: Final = ("", "")
"""What concerns the image as a whole is not counted."""
_CLUSTER: Final = ("host cluster", "host clusters")
_REGION: Final = ("region", "regions")
_BLOCK: Final = ("refcount table entry", "refcount table entries")


def _kind(severity: Severity, noun: tuple[str, str], sentence: str, advice: str) -> Entry:
    return Entry(severity, noun[0], sentence, advice, noun[1])


CATALOGUE: Final[Mapping[str, Entry]] = {
    "refcount-too-low": _kind(
        _E,
        _CLUSTER,
        "the stored refcount is lower than the number of references. The next write may hand such a cluster out again "
        "and overwrite what it holds.",
        "rebuild-on-copy",
    ),
    "leaked-clusters": _kind(
        _W,
        _CLUSTER,
        "the stored refcount is higher than the number of references. Space is wasted; nothing is lost.",
        "repair-leaks",
    ),
    "lost-l2-table": _kind(
        _E,
        ("leaked L2 table", "leaked L2 tables"),
        "an L2 table to which nothing leads any more, and with it the clusters that it maps. The guest reads zeros or "
        "the backing file there, while its data still lies in the file; a repair of the leaks would give it away.",
        "do-not-repair",
    ),
    "leaked-tables": _kind(
        _W,
        ("leaked table", "leaked tables"),
        "an L1 table to which nothing leads, with the L2 tables below it. A snapshot whose deletion was interrupted "
        "leaves this; so does a damaged header, and then a repair of the leaks would give the guest's data away.",
        "do-not-repair",
    ),
    "leaks-like-lost-table": _kind(
        _W,
        _IMAGE,
        "So many leaks within as many clusters as one L2 table maps are rarely left by a crash. An L2 table may have "
        "been lost or emptied, and the leaks be the guest's data.",
        "do-not-repair",
    ),
    "refcount-unreadable": _kind(
        _E, _CLUSTER, "the refcount block that counts them cannot be read.", "rebuild-on-copy"
    ),
    "refcount-overflow": _kind(
        _E, _CLUSTER, "there are more references than a refcount of this width can count.", "convert-fresh"
    ),
    "refcount-table-reserved": _kind(_E, _BLOCK, "reserved bits are set.", "rebuild-on-copy"),
    "refcount-table-outside": _kind(_E, _REGION, "the refcount table leads out of the file.", "fetch-again"),
    "refcount-block-unaligned": _kind(
        _E, _BLOCK, "the refcount block is not on a cluster boundary.", "rebuild-on-copy"
    ),
    "refcount-block-outside": _kind(_E, _BLOCK, "the refcount block is outside the file.", "fetch-again"),
    "refcount-block-shared": _kind(
        _E,
        ("refcount block", "refcount blocks"),
        "something else refers to its cluster too.",
        "rebuild-on-copy",
    ),
    "l1-table-outside": _kind(_E, ("L1 table", "L1 tables"), "it leads out of the file.", "fetch-again"),
    "l1-entry-reserved": _kind(_E, _L1, "reserved bits are set.", "salvage"),
    "l2-table-outside": _kind(_E, ("L2 table", "L2 tables"), "it lies outside the file.", "fetch-again"),
    "l2-table-unaligned": _kind(_E, ("L2 table", "L2 tables"), "it is not on a cluster boundary.", "salvage"),
    "l2-table-shared": _kind(
        _E,
        ("L2 table", "L2 tables"),
        "it stands at two places of the guest's disk, so that a write at one changes the other.",
        "salvage",
    ),
    "l2-copied-flag": _kind(
        _E, _L1, "the flag COPIED and the refcount of the L2 table contradict each other.", "repair-on-copy"
    ),
    "l2-entry-reserved": _kind(_E, _L2, "reserved bits are set.", "salvage"),
    "l2-zero-flag-version-2": _kind(
        _E,
        _L2,
        "the zero flag is set, which version 2 does not have. QEMU fails to read these clusters.",
        "salvage",
    ),
    "l2-zero-flag-extended": _kind(
        _E, _L2, "the zero flag is set, which extended L2 entries do not have.", "salvage"
    ),
    "data-copied-flag": _kind(
        _E,
        _L2,
        "the flag COPIED and the refcount of the data cluster contradict each other.",
        "repair-on-copy",
    ),
    "data-unaligned": _kind(_E, _L2, "the data cluster is not on a cluster boundary.", "salvage"),
    "data-outside": _kind(
        _E, _L2, "the data cluster lies outside the file; the guest reads zeros.", "fetch-again"
    ),
    "data-shared": _kind(
        _E,
        _CLUSTER,
        "they hold two different places of the guest's disk. Where both were written, one has overwritten the other; "
        "qemu-img check passes over this when the refcount agrees.",
        "salvage",
    ),
    "compressed-shared": _kind(
        _E,
        _CLUSTER,
        "compressed data in them stands at two places of the guest's disk, of which one lost its own.",
        "salvage",
    ),
    "compressed-overlap": _kind(
        _W,
        _CLUSTER,
        "pieces of compressed data in them overlap by what their entries say. Entries may name more sectors than they "
        "need; a test of the payloads tells whether data was overwritten.",
        "convert-fresh",
    ),
    "data-shared-external": _kind(
        _E,
        ("cluster of the data file", "clusters of the data file"),
        "they hold two different places of the guest's disk. Where both were written, one has overwritten the other.",
        "salvage",
    ),
    "raw-data-misplaced": _kind(
        _E,
        _L2,
        "the external data file is marked as raw, but the cluster lies elsewhere in it than on the guest's disk: "
        "whoever reads the file as a raw image sees something else than the guest.",
        "salvage",
    ),
    "l2-copied-alone": _kind(
        _W,
        _L2,
        "the flag COPIED is set, but there is no cluster. An offset may have been lost here.",
        "convert-fresh",
    ),
    "bitmap-in-use": _kind(
        _N,
        ("bitmap", "bitmaps"),
        "marked as in use: the last writer did not save it, so it does not tell what has changed since.",
        "new-bitmaps",
    ),
    "data-cluster-cut": _kind(
        _E, _CLUSTER, "the file ends inside it. What is missing reads as zeros.", "fetch-again"
    ),
    "compressed-copied": _kind(_E, _L2, "the flag COPIED is set on a compressed cluster.", "repair-on-copy"),
    "compressed-with-data-file": _kind(
        _E, _L2, "compressed, which an image with an external data file cannot be.", "salvage"
    ),
    "compressed-with-subclusters": _kind(_E, _L2, "compressed, but with a subcluster bitmap.", "salvage"),
    "compressed-outside": _kind(_E, _L2, "the compressed data leads out of the file.", "fetch-again"),
    "compressed-payload": _kind(
        _E,
        ("compressed cluster", "compressed clusters"),
        "the data cannot be decompressed to a whole cluster. The guest gets an input/output error there, which "
        "qemu-img check does not see.",
        "salvage",
    ),
    "subclusters-data-and-zero": _kind(
        _E, _L2, "a subcluster is marked both as data and as zeros.", "salvage"
    ),
    "subclusters-unallocated": _kind(
        _E, _L2, "subclusters are marked as data, but there is no host cluster.", "salvage"
    ),
    "mapped-beyond-end": _kind(
        _W,
        _L2,
        "it maps a cluster behind the end of the guest's disk, which the guest never sees.",
        "convert-fresh",
    ),
    "roles-conflict": _kind(
        _E,
        _CLUSTER,
        "used for two different things at once, so that a write to one destroys the other.",
        "second-writer",
    ),
    "metadata-shared": _kind(_E, _CLUSTER, "two tables lie on top of each other.", "second-writer"),
    "metadata-cut": _kind(
        _E,
        ("table", "tables"),
        "the file ends inside it. What is missing reads as zeros, and with it goes what it led to.",
        "fetch-again",
    ),
    "header-outside": _kind(_E, _REGION, "the file is shorter than the header's cluster.", "fetch-again"),
    "luks-header-outside": _kind(_E, _REGION, "the LUKS header leads out of the file.", "fetch-again"),
    "luks-header-broken": _kind(
        _E,
        _IMAGE,
        "What stands where the LUKS header should be is not one. Without its key slots nobody can read the data.",
        "restore-luks-header",
    ),
    "luks-no-key-slot": _kind(
        _E,
        _IMAGE,
        "No key slot of the LUKS header is in use, so no passphrase opens the image.",
        "restore-luks-header",
    ),
    "luks-key-slot-outside": _kind(
        _E,
        ("key slot", "key slots"),
        "its key material leads out of the LUKS header or of the file, so that its passphrase opens nothing.",
        "restore-luks-header",
    ),
    "snapshot-table-outside": _kind(_E, _REGION, "the snapshot table leads out of the file.", "fetch-again"),
    "snapshot-table-broken": _kind(
        _E, _REGION, "the snapshot table cannot be read on from here; qemu-img check gives up.", "salvage"
    ),
    "snapshot-entry-incomplete": _kind(
        _E,
        ("snapshot", "snapshots"),
        "the extra data is shorter than version 3 asks for.",
        "repair-on-copy",
    ),
    "snapshot-l1-unaligned": _kind(
        _E, ("snapshot", "snapshots"), "its L1 table is not on a cluster boundary.", "repair-on-copy"
    ),
    "snapshot-l1-unreadable": _kind(
        _E,
        ("snapshot", "snapshots"),
        "its L1 table is where no file reaches, so qemu-img check gives up.",
        "salvage",
    ),
    "snapshot-l1-too-large": _kind(
        _E, ("snapshot", "snapshots"), "its L1 table is larger than QEMU reads.", "repair-on-copy"
    ),
    "snapshot-l1-too-small": _kind(
        _E,
        ("snapshot", "snapshots"),
        "its L1 table does not reach to the end of its disk, which reads as zeros from there on.",
        "salvage",
    ),
    "snapshot-vm-state-lost": _kind(
        _E,
        ("snapshot", "snapshots"),
        "it says that it has the state of a running machine, but its L1 table does not lead to it. The disk can be "
        "used, the machine not be resumed.",
        "salvage",
    ),
    "snapshots-with-data-file": _kind(
        _E,
        _IMAGE,
        "The image has snapshots and an external data file, which exclude each other.",
        "salvage",
    ),
    "bitmaps-not-loadable": _kind(
        _E,
        ("bitmap directory", "bitmap directories"),
        "QEMU cannot load the bitmaps and so does not open the image.",
        "new-bitmaps",
    ),
    "bitmap-directory-outside": _kind(
        _E, _REGION, "the bitmap directory leads out of the file.", "new-bitmaps"
    ),
    "bitmap-directory-broken": _kind(_E, _REGION, "the bitmap directory breaks the format.", "new-bitmaps"),
    "bitmap-table-outside": _kind(_E, _REGION, "a bitmap table leads out of the file.", "new-bitmaps"),
    "bitmap-table-broken": _kind(
        _E, _REGION, "a bitmap table has entries that break the format.", "new-bitmaps"
    ),
    "bitmap-data-outside": _kind(_E, _REGION, "a bitmap's data lies outside the file.", "new-bitmaps"),
    "corrupt-bit": _kind(
        _E,
        _IMAGE,
        "QEMU met damage while this image was in use and marked it as corrupt. It opens it for reading only.",
        "repair-on-copy",
    ),
    "dirty-bit": _kind(
        _W,
        _IMAGE,
        "The image was not closed cleanly. With lazy refcounts the stored refcounts are then out of date, which is "
        "expected and mended when QEMU next opens the image for writing.",
        "open-writable",
    ),
    "refcount-behind-the-end": _kind(
        _W,
        _IMAGE,
        "Refcounts are stored for clusters behind the end of the file. It was longer once, or a crash came before "
        "anything was written there.",
        "fetch-again",
    ),
    "behind-the-end": _kind(
        _N,
        _IMAGE,
        "The file goes on behind the last cluster in use. Freed clusters may lie there, or something was appended.",
        "none",
    ),
}

HEADER_ADVICE: Final[Mapping[str, str]] = {
    "l1-offset-outside": "fetch-again",
    "refcount-table-offset-outside": "fetch-again",
    "refcount-table-missing": "rebuild-on-copy",
    "snapshots-offset-outside": "fetch-again",
    "snapshot-table-cut": "fetch-again",
    "luks-header-outside": "fetch-again",
    "extension-cut": "fetch-again",
}
"""Advice for the problems that the header's own rules find; the rest is ``restore-header`` or ``none``."""
