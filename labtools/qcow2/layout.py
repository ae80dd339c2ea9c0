"""The qcow2 format as data: one table that decodes images and documents the format.

Every row cites its section of QEMU's specification, *Qcow2 Image File Format* (docs/interop/qcow2,
:data:`SPECIFICATION`). All numbers are big-endian. Names are the specification's own. Limits marked as QEMU's
are not in the format; they are those of QEMU's implementation, which refuses an image beyond them.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SPECIFICATION: Final = "https://www.qemu.org/docs/master/interop/qcow2.html"

MAGIC: Final = b"QFI\xfb"
V2_HEADER_LENGTH: Final = 72
V3_HEADER_LENGTH: Final = 104

MIN_CLUSTER_BITS: Final = 9
MAX_CLUSTER_BITS: Final = 21
"""QEMU's limit: 2 MiB clusters."""
MIN_EXTENDED_L2_CLUSTER_BITS: Final = 14
MAX_BACKING_NAME: Final = 1023
MAX_L1_BYTES: Final = 32 << 20
"""QEMU's limit on one L1 table."""
MAX_REFCOUNT_TABLE_BYTES: Final = 8 << 20
"""QEMU's limit on the refcount table."""
MAX_SNAPSHOTS: Final = 65536
MAX_SNAPSHOT_TABLE_BYTES: Final = 64 << 20
MAX_SNAPSHOT_EXTRA: Final = 1024
MIN_V3_SNAPSHOT_EXTRA: Final = 16
MAX_REFCOUNT_ORDER: Final = 6
V2_REFCOUNT_ORDER: Final = 4
"""Version 2 images have no refcount_order field: their refcounts are 16 bits wide."""
MAX_BITMAPS: Final = 65535
MAX_BITMAP_DIRECTORY_BYTES: Final = 1024 * MAX_BITMAPS
MAX_BACKING_FORMAT: Final = 15
MAX_CLUSTERS: Final = 2**31 - 1
"""QEMU's check counts host clusters in a C int."""


class Kind(enum.StrEnum):
    """How a field's number is to be read by a person."""

    MAGIC = "magic"
    NUMBER = "number"
    OFFSET = "offset"
    BYTES = "bytes"
    FLAGS = "flags"
    CHOICE = "choice"
    SECONDS = "seconds"
    NANOSECONDS = "nanoseconds"
    PADDING = "padding"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: where it stands in its structure, and what it says.

    ``rule`` states what must hold, or is empty where any value is valid. ``since`` is the first version that
    has the field. ``choices`` names the values of a :attr:`Kind.CHOICE`.
    """

    name: str
    offset: int
    size: int
    kind: Kind
    meaning: str
    rule: str = ""
    since: int = 2
    section: str = "Header"
    choices: Mapping[int, str] | None = None

    @property
    def end(self) -> int:
        """Offset of the first byte behind the field."""
        return self.offset + self.size

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions that have this field."""
        return (2, 3) if self.since == 2 else (3,)


_CODES: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Layout:
    """Neighbouring fields, with the ``struct.Struct`` that reads them."""

    def __init__(self, *fields: Field) -> None:
        self.fields = fields
        self.offset = fields[0].offset
        self.struct = struct.Struct(">" + "".join(self._code(field) for field in fields))

    @staticmethod
    def _code(field: Field) -> str:
        raw = field.kind in (Kind.MAGIC, Kind.PADDING)
        return f"{field.size}s" if raw else _CODES[field.size]

    @property
    def size(self) -> int:
        """Bytes that the fields take together."""
        return self.struct.size

    def decode(self, data: bytes, at: int = 0) -> dict[str, int | bytes]:
        """The fields of the structure that begins at ``at`` in ``data``, by name; bytes for magic and
        padding.
        """
        values = self.struct.unpack_from(data, at + self.offset)
        return {field.name: value for field, value in zip(self.fields, values, strict=True)}


class Incompatible(enum.IntFlag):
    """Feature bits of which a reader must know every one that is set."""

    DIRTY = 1 << 0
    CORRUPT = 1 << 1
    DATA_FILE = 1 << 2
    COMPRESSION_TYPE = 1 << 3
    EXTENDED_L2 = 1 << 4


class Compatible(enum.IntFlag):
    """Feature bits that a reader may pass over."""

    LAZY_REFCOUNTS = 1 << 0


class Autoclear(enum.IntFlag):
    """Feature bits that a writer who does not know them must clear first."""

    BITMAPS = 1 << 0
    RAW_EXTERNAL_DATA = 1 << 1


class FeatureSet(enum.IntEnum):
    """The three feature fields, numbered as in the feature name table."""

    INCOMPATIBLE = 0
    COMPATIBLE = 1
    AUTOCLEAR = 2

    @property
    def field(self) -> str:
        """The header field that holds the set."""
        return f"{self.name.lower()}_features"


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature bit that the specification defines."""

    set: FeatureSet
    bit: int
    name: str
    meaning: str
    section: str = "Header"


FEATURES: Final = (
    Feature(
        FeatureSet.INCOMPATIBLE,
        0,
        "dirty bit",
        "The image was not closed cleanly. Refcounts may be out of date and are rebuilt when it is next "
        "written.",
    ),
    Feature(
        FeatureSet.INCOMPATIBLE,
        1,
        "corrupt bit",
        "QEMU met damage while the image was in use. It may be read, but not written until it is repaired.",
    ),
    Feature(
        FeatureSet.INCOMPATIBLE,
        2,
        "external data file",
        "The guest's data is in another file; this one holds only the metadata.",
    ),
    Feature(
        FeatureSet.INCOMPATIBLE,
        3,
        "compression type",
        "Compressed clusters use the method in the compression_type field instead of deflate.",
    ),
    Feature(
        FeatureSet.INCOMPATIBLE,
        4,
        "extended L2 entries",
        "L2 entries are 16 bytes and describe 32 subclusters each.",
        "Extended L2 Entries",
    ),
    Feature(
        FeatureSet.COMPATIBLE,
        0,
        "lazy refcounts",
        "Refcounts may be written late: the image is marked dirty meanwhile.",
    ),
    Feature(
        FeatureSet.AUTOCLEAR,
        0,
        "bitmaps",
        "The bitmaps of the bitmaps extension are up to date.",
        "Bitmaps extension",
    ),
    Feature(
        FeatureSet.AUTOCLEAR,
        1,
        "raw external data",
        "The external data file can be read on its own as a raw image.",
    ),
)

CRYPT_METHODS: Final = {0: "no encryption", 1: "AES", 2: "LUKS"}
COMPRESSION_TYPES: Final = {0: "deflate (zlib)", 1: "zstd"}

HEADER_V2: Final = Layout(
    Field(
        "magic",
        0,
        4,
        Kind.MAGIC,
        "The mark by which programs know a qcow2 file.",
        r"The bytes 51 46 49 fb, that is “QFI\xfb”.",
    ),
    Field("version", 4, 4, Kind.NUMBER, "The version of the format.", "2 or 3."),
    Field(
        "backing_file_offset",
        8,
        8,
        Kind.OFFSET,
        "Where in this file the name of the backing file stands; 0 if there is none.",
        "Inside the first cluster, behind the header.",
    ),
    Field(
        "backing_file_size",
        16,
        4,
        Kind.BYTES,
        "Length of the backing file's name; without meaning if there is no backing file.",
        "At most 1023 bytes, and no further than the end of the first cluster.",
    ),
    Field(
        "cluster_bits",
        20,
        4,
        Kind.NUMBER,
        "The cluster size, as a power of two. A cluster is the unit in which space is given out.",
        "9 to 21 (512 bytes to 2 MiB); at least 14 with extended L2 entries.",
    ),
    Field(
        "size",
        24,
        8,
        Kind.BYTES,
        "The virtual size: how large the guest's disk is.",
        "A multiple of 512; QEMU drops the rest.",
    ),
    Field(
        "crypt_method",
        32,
        4,
        Kind.CHOICE,
        "How the guest's data is encrypted.",
        "0, 1 or 2.",
        choices=CRYPT_METHODS,
    ),
    Field(
        "l1_size",
        36,
        4,
        Kind.NUMBER,
        "How many entries the active L1 table has. Each leads to one L2 table.",
        "Enough to cover the virtual size, and at most 4,194,304 (32 MiB, QEMU's limit).",
        section="Cluster mapping",
    ),
    Field(
        "l1_table_offset",
        40,
        8,
        Kind.OFFSET,
        "Where the active L1 table begins.",
        "On a cluster boundary, inside the file.",
        section="Cluster mapping",
    ),
    Field(
        "refcount_table_offset",
        48,
        8,
        Kind.OFFSET,
        "Where the refcount table begins.",
        "On a cluster boundary, inside the file.",
        section="Host cluster management",
    ),
    Field(
        "refcount_table_clusters",
        56,
        4,
        Kind.NUMBER,
        "How many clusters the refcount table takes.",
        "At least 1, and at most 8 MiB in all (QEMU's limit).",
        section="Host cluster management",
    ),
    Field(
        "nb_snapshots",
        60,
        4,
        Kind.NUMBER,
        "How many internal snapshots the image holds.",
        "At most 65,536 (QEMU's limit).",
        section="Snapshots",
    ),
    Field(
        "snapshots_offset",
        64,
        8,
        Kind.OFFSET,
        "Where the snapshot table begins; without meaning if there are no snapshots.",
        "On a cluster boundary, and inside the file if there are snapshots.",
        section="Snapshots",
    ),
)

HEADER_V3: Final = Layout(
    Field(
        "incompatible_features",
        72,
        8,
        Kind.FLAGS,
        "Features that a program must know to open the image.",
        "No unknown bit.",
        since=3,
    ),
    Field(
        "compatible_features",
        80,
        8,
        Kind.FLAGS,
        "Features that a program may pass over.",
        "Bits 1 to 63 are reserved and 0.",
        since=3,
    ),
    Field(
        "autoclear_features",
        88,
        8,
        Kind.FLAGS,
        "Features that a program which does not know them clears before it writes.",
        "Bits 2 to 63 are reserved and 0; bitmaps needs the bitmaps extension, raw external data an "
        "external data file and no backing file.",
        since=3,
    ),
    Field(
        "refcount_order",
        96,
        4,
        Kind.NUMBER,
        "The width of one refcount in bits, as a power of two.",
        "At most 6 (64 bits).",
        since=3,
        section="Host cluster management",
    ),
    Field(
        "header_length",
        100,
        4,
        Kind.BYTES,
        "Length of the header; the header extensions follow directly.",
        "At least 104, a multiple of 8, and no more than a cluster.",
        since=3,
    ),
)

HEADER_ADDITIONAL: Final = Layout(
    Field(
        "compression_type",
        104,
        1,
        Kind.CHOICE,
        "How compressed clusters are compressed.",
        "0 or 1; other than 0 exactly if the incompatible feature “compression type” is set.",
        since=3,
        section="Additional fields (version 3 and higher)",
        choices=COMPRESSION_TYPES,
    ),
    Field(
        "padding",
        105,
        7,
        Kind.PADDING,
        "Fills the header up to a multiple of 8 bytes.",
        "All zero.",
        since=3,
        section="Header padding",
    ),
)

HEADER: Final = (HEADER_V2, HEADER_V3, HEADER_ADDITIONAL)
"""The header in its three growths: version 2, the fields added by version 3, and those added to that later.
"""

HEADER_FIELDS: Final = tuple(field for layout in HEADER for field in layout.fields)

KNOWN_HEADER_LENGTH: Final = HEADER_FIELDS[-1].end
"""Where the fields that this table knows end; a longer header has fields of a later specification."""


class ExtensionType(enum.IntEnum):
    """Types of header extension that the specification defines."""

    END = 0x00000000
    BACKING_FORMAT = 0xE2792ACA
    FEATURE_NAMES = 0x6803F857
    BITMAPS = 0x23852875
    FULL_DISK_ENCRYPTION = 0x0537BE77
    DATA_FILE_NAME = 0x44415441


@dataclass(frozen=True, slots=True)
class Extension:
    """A type of header extension. ``layout`` is that of its payload, or of each of its entries."""

    type: ExtensionType
    name: str
    meaning: str
    rule: str
    section: str
    layout: Layout | None = None


EXTENSION_HEADER: Final = Layout(
    Field("type", 0, 4, Kind.NUMBER, "The type of the extension.", section="Header extensions"),
    Field("length", 4, 4, Kind.BYTES, "Length of its data, without padding.", section="Header extensions"),
)

FEATURE_NAME_BYTES: Final = 46
FEATURE_NAME_ENTRY: Final = Layout(
    Field("type", 0, 1, Kind.NUMBER, "Feature field: 0, 1 or 2.", section="Feature name table"),
    Field("bit", 1, 1, Kind.NUMBER, "Bit in that field: 0 to 63.", section="Feature name table"),
    Field(
        "name",
        2,
        FEATURE_NAME_BYTES,
        Kind.PADDING,
        "Its name, filled with zeros.",
        section="Feature name table",
    ),
)

BITMAPS_EXTENSION: Final = Layout(
    Field("nb_bitmaps", 0, 4, Kind.NUMBER, "How many bitmaps there are.", section="Bitmaps extension"),
    Field("reserved", 4, 4, Kind.NUMBER, "Reserved.", section="Bitmaps extension"),
    Field("bitmap_directory_size", 8, 8, Kind.BYTES, "Length of the directory.", section="Bitmaps extension"),
    Field("bitmap_directory_offset", 16, 8, Kind.OFFSET, "Where it begins.", section="Bitmaps extension"),
)

ENCRYPTION_EXTENSION: Final = Layout(
    Field(
        "offset",
        0,
        8,
        Kind.OFFSET,
        "Where the LUKS header begins.",
        section="Full disk encryption header pointer",
    ),
    Field("length", 8, 8, Kind.BYTES, "How long it is.", section="Full disk encryption header pointer"),
)

EXTENSIONS: Final = (
    Extension(
        ExtensionType.END,
        "end of extensions",
        "Nothing but the backing file's name follows in the first cluster.",
        "",
        "Header extensions",
    ),
    Extension(
        ExtensionType.BACKING_FORMAT,
        "backing file format",
        "The format of the backing file, so that it need not be guessed.",
        "At most once, and at most 15 bytes (QEMU's limit).",
        "String header extensions",
    ),
    Extension(
        ExtensionType.FEATURE_NAMES,
        "feature name table",
        "Names of feature bits, for programs that do not know them.",
        "At most once; entries of 48 bytes, field 0 to 2, bit 0 to 63.",
        "Feature name table",
        FEATURE_NAME_ENTRY,
    ),
    Extension(
        ExtensionType.BITMAPS,
        "bitmaps",
        "Where the persistent dirty bitmaps are listed.",
        "At most once; 24 bytes; 1 to 65,535 bitmaps; reserved field 0; directory on a cluster boundary.",
        "Bitmaps extension",
        BITMAPS_EXTENSION,
    ),
    Extension(
        ExtensionType.FULL_DISK_ENCRYPTION,
        "full disk encryption header",
        "Where the LUKS header of an encrypted image is.",
        "At most once; 16 bytes; only with LUKS; on a cluster boundary.",
        "Full disk encryption header pointer",
        ENCRYPTION_EXTENSION,
    ),
    Extension(
        ExtensionType.DATA_FILE_NAME,
        "external data file name",
        "The name of the file that holds the guest's data.",
        "At most once; only with the incompatible feature “external data file”.",
        "String header extensions",
    ),
)

EXTENSION_BY_TYPE: Final = {int(extension.type): extension for extension in EXTENSIONS}

SNAPSHOT_ENTRY: Final = Layout(
    Field("l1_table_offset", 0, 8, Kind.OFFSET, "Where its L1 table begins.", section="Snapshots"),
    Field("l1_size", 8, 4, Kind.NUMBER, "Entries in its L1 table.", section="Snapshots"),
    Field("id_str_size", 12, 2, Kind.BYTES, "Length of its ID.", section="Snapshots"),
    Field("name_size", 14, 2, Kind.BYTES, "Length of its name.", section="Snapshots"),
    Field("date_sec", 16, 4, Kind.SECONDS, "When it was taken, since 1970.", section="Snapshots"),
    Field("date_nsec", 20, 4, Kind.NANOSECONDS, "The part below a second.", section="Snapshots"),
    Field("vm_clock_nsec", 24, 8, Kind.NANOSECONDS, "How long the guest had run.", section="Snapshots"),
    Field("vm_state_size", 32, 4, Kind.BYTES, "Size of the VM state.", section="Snapshots"),
    Field("extra_data_size", 36, 4, Kind.BYTES, "Length of the extra data.", section="Snapshots"),
)

SNAPSHOT_EXTRA: Final = (
    Field("vm_state_size_large", 0, 8, Kind.BYTES, "Size of the VM state, in 64 bits.", section="Snapshots"),
    Field("disk_size", 8, 8, Kind.BYTES, "Virtual size when it was taken.", section="Snapshots"),
    Field("icount", 16, 8, Kind.NUMBER, "Instruction count of record/replay.", section="Snapshots"),
)
"""Known extra data of a snapshot, each present if the extra data reaches that far."""

BITMAP_TYPES: Final = {1: "dirty tracking bitmap"}
BITMAP_ENTRY: Final = Layout(
    Field(
        "bitmap_table_offset",
        0,
        8,
        Kind.OFFSET,
        "Where its bitmap table begins.",
        "On a cluster boundary.",
        section="Bitmap directory",
    ),
    Field(
        "bitmap_table_size",
        8,
        4,
        Kind.NUMBER,
        "Entries in its bitmap table.",
        "1 to 134,217,728, and data of 512 MiB at most (QEMU's limits); as many as the disk needs.",
        section="Bitmap directory",
    ),
    Field(
        "flags",
        12,
        4,
        Kind.FLAGS,
        "Whether it is in use, and whether QEMU goes on recording in it.",
        "QEMU knows bits 0 and 1.",
        section="Bitmap directory",
    ),
    Field(
        "type",
        16,
        1,
        Kind.CHOICE,
        "What kind of bitmap it is.",
        "1.",
        section="Bitmap directory",
        choices=BITMAP_TYPES,
    ),
    Field(
        "granularity_bits",
        17,
        1,
        Kind.NUMBER,
        "How much of the disk a bit stands for, as a power of two.",
        "9 to 31 (QEMU's limits).",
        section="Bitmap directory",
    ),
    Field(
        "name_size",
        18,
        2,
        Kind.BYTES,
        "Length of its name.",
        "1 to 1023 (QEMU's limit).",
        section="Bitmap directory",
    ),
    Field(
        "extra_data_size",
        20,
        4,
        Kind.BYTES,
        "Length of the extra data, which comes before the name.",
        "0: QEMU knows none.",
        section="Bitmap directory",
    ),
)
"""An entry of the bitmap directory; extra data and name follow, then zeros up to a multiple of 8 bytes."""
