"""A reader of qcow2 images that trusts nothing in them. Python and NumPy; knows nothing of Django.

    from labtools.qcow2 import read_header, sniff, open_image, estimate_check, HeaderReport, ImageError
    from labtools.qcow2 import check_image, check_to_json_dict, CheckReport

    with open_image(path) as image:              # a path, or a seekable binary file object
        report = read_header(image)              # HeaderReport, or an ImageError
        estimate = estimate_check(image)         # CheckEstimate: memory and time of qemu-img check
        checked = check_image(image)             # CheckReport; imports NumPy only now
    stored = to_json_dict(report)                # JSON-able, "format": 1
    stored_check = check_to_json_dict(checked)   # JSON-able, "format": 1

``sniff(image) -> Format`` names any file: ``code`` (stable), ``name``, ``sentence``, ``command`` (with IMAGE
for the file, or None), ``qemu_driver``. Errors are :class:`ImageError` with ``code`` and ``sentence`` (also
``str(error)``): :class:`FileUnreadableError`, :class:`EmptyFileError`, :class:`NotQcow2Error` (has
``format``), :class:`TruncatedHeaderError`. Damage is not an error: a header with broken rules still gives a
report.

:class:`HeaderReport` (and the same names as keys in ``to_json_dict``):

- ``file_length``, ``version``, ``facts`` (the words of ``qemu-img info``), ``opens`` (no error),
  ``rules_kept``
- ``fields``: every field of version 2 and 3, present or not: ``name span offset length raw value human
  meaning rule state problems section``; ``state`` is ``kept``, ``broken`` or ``not applicable``; ``raw`` is
  empty if absent
- ``features``: ``set bit name is_set known meaning named_by_image``; none for version 2
- ``extensions``: ``extensions more start end problems``; each extension ``span type name known offset length
  raw human details details_more meaning rule state problems section``; each detail ``label value human offset
  length``
- ``backing_file``: None or ``span offset length raw text``
- ``snapshots``: ``declared entries more problems``; each entry ``id name taken vm_clock vm_state_size
  disk_size l1_table_offset l1_size …``
- ``dump``: ``data end spans cut``; spans ``id kind start stop label`` cover ``data`` without gap or overlap,
  and ``id`` is the ``span`` of a field, an extension or the backing file's name: that joins bytes and rows.
  :func:`hex_rows` makes rows of sixteen bytes of it, each byte with its span.
- ``problems``: every broken rule: ``code severity sentence where``; severity ``error``, ``warning`` or
  ``note``

:class:`CheckReport` (see :mod:`.checking`): ``verdict`` (``clean leaks corrupt unreadable``), ``reference``
(QEMU's own numbers, or None where qemu-img gives none), ``qemu_exit``, ``findings`` (``code severity sentence
count host_offset host_ranges guest_ranges … advice``, worst first), ``roles`` (host clusters by role). With
``check_image(image, whole=True)`` also ``partition_tables`` (``snapshot scheme sector_size partitions notes``; each
partition ``number kind offset length type_code type_name name``) or ``partitions_note``, and guest ranges with their
``partitions``; with ``payload=True`` also ``payload`` (``method tested broken untested complete reason``); for LUKS
``encryption`` (``cipher hash key_bits uuid key_slots slots_used``; never key material).
With ``atlas=True``, ``atlas`` is a map of file and guest's disk for :func:`read_atlas` (see :mod:`.atlas`).
:class:`CheckBoundError` where the check would take more than :class:`CheckBounds` allow.

``gather_evidence(image, report)`` gives the bytes of the entries that the findings name (:class:`Gathered`: ``entries``
with ``code layout offset data parts subject role``, ``more``, ``withheld``, ``note``); :func:`evidence_json` the same
as ``evidence evidence_more evidence_withheld evidence_note``.

``is_skeleton(path)`` and ``unpack_skeleton(path, target, max_bytes=…)`` take metadata that was sent alone
(:class:`SuppliedMetadata`, :class:`SkeletonError`); ``preview_repair(image, folder)`` lets a repair loose on a
copy of it and gives a ``Preview`` (``qemu_exit numbers patch``) or :class:`NoPreview`.

In JSON, bytes are hexadecimal without spaces. :mod:`.layout` and :mod:`.entries` are the format as data;
``format_tables()`` makes tables of them, for the page that explains it.
"""

from typing import TYPE_CHECKING

from .atlas import (
    AtlasError,
    Cell,
    ClusterFacts,
    GuestFacts,
    GuestState,
    LayerFacts,
    Owner,
    OwnerKind,
    read_atlas,
)
from .checking import (
    CheckBoundError,
    CheckBounds,
    CheckReport,
    Finding,
    GuestRange,
    HostRange,
    Reference,
    Role,
    Verdict,
    check_image,
    check_to_json_dict,
)
from .dump import HexCell, HexRow, hex_rows
from .errors import (
    EmptyFileError,
    FileUnreadableError,
    ImageError,
    NoPreview,
    NotQcow2Error,
    SkeletonError,
    TruncatedHeaderError,
)
from .evidence import Evidence, Gathered, evidence_json, gather_evidence
from .explained import FormatRow, FormatTable, format_tables
from .facts import Encryption, KeySlot, Partition, PartitionTable, PayloadTest, PersistentBitmap
from .header import read_header
from .layout import HEADER_FIELDS, SPECIFICATION
from .metadata import SuppliedMetadata, is_skeleton, pack_patch, preview_repair, unpack_skeleton
from .readings import (
    Detail,
    Dump,
    ExtensionArea,
    ExtensionReading,
    Facts,
    FeatureReading,
    FieldReading,
    HeaderReport,
    NameReading,
    Problem,
    RuleState,
    Severity,
    SnapshotReading,
    SnapshotTable,
    Span,
)
from .serialize import to_json_dict
from .sniff import Format, sniff
from .source import ImageSource, open_image
from .text import binary_size, counted
from .workload import CheckEstimate, CheckLimits, estimate_check

if TYPE_CHECKING:
    # At run time it would bring NumPy along.
    from .integrity.atlas import Atlas as Atlas

__all__ = [
    "HEADER_FIELDS",
    "SPECIFICATION",
    "AtlasError",
    "Cell",
    "CheckBoundError",
    "CheckBounds",
    "CheckEstimate",
    "CheckLimits",
    "CheckReport",
    "ClusterFacts",
    "Detail",
    "Dump",
    "EmptyFileError",
    "Encryption",
    "Evidence",
    "ExtensionArea",
    "ExtensionReading",
    "Facts",
    "FeatureReading",
    "FieldReading",
    "FileUnreadableError",
    "Finding",
    "Format",
    "FormatRow",
    "FormatTable",
    "Gathered",
    "GuestFacts",
    "GuestRange",
    "GuestState",
    "HeaderReport",
    "HexCell",
    "HexRow",
    "HostRange",
    "ImageError",
    "ImageSource",
    "KeySlot",
    "LayerFacts",
    "NameReading",
    "NoPreview",
    "NotQcow2Error",
    "Owner",
    "OwnerKind",
    "Partition",
    "PartitionTable",
    "PayloadTest",
    "PersistentBitmap",
    "Problem",
    "Reference",
    "Role",
    "RuleState",
    "Severity",
    "SkeletonError",
    "SnapshotReading",
    "SnapshotTable",
    "Span",
    "SuppliedMetadata",
    "TruncatedHeaderError",
    "Verdict",
    "binary_size",
    "check_image",
    "check_to_json_dict",
    "counted",
    "estimate_check",
    "evidence_json",
    "format_tables",
    "gather_evidence",
    "hex_rows",
    "is_skeleton",
    "open_image",
    "pack_patch",
    "preview_repair",
    "read_atlas",
    "read_header",
    "sniff",
    "to_json_dict",
    "unpack_skeleton",
]
