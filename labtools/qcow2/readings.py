"""What a reading of a header says: frozen records, made by :mod:`.header`, stored by :mod:`.serialize`."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from .layout import FeatureSet


class Severity(enum.StrEnum):
    """How grave a broken rule is."""

    ERROR = "error"
    """QEMU refuses to open the image, or what the header leads to is not there."""
    WARNING = "warning"
    """Against the specification; QEMU opens the image all the same."""
    NOTE = "note"
    """Unusual, and harmless by itself."""


class RuleState(enum.StrEnum):
    """Whether a rule holds."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Problem:
    """A broken rule. ``code`` is stable; ``where`` is the id of the span of the dump that it concerns, if
    any.
    """

    code: str
    severity: Severity
    sentence: str
    where: str | None = None


@dataclass(frozen=True, slots=True)
class FieldReading:
    """One header field as found. ``raw`` is empty where the header ends before the field or has no such
    field.

    ``value`` is the number, or the bytes in hexadecimal for magic and padding, or None where absent.
    ``span`` is the id of the field's bytes in the dump.
    """

    name: str
    span: str
    offset: int
    length: int
    raw: bytes
    value: int | str | None
    human: str
    meaning: str
    rule: str
    state: RuleState
    problems: tuple[Problem, ...]
    section: str

    @property
    def present(self) -> bool:
        """Whether the image has this field."""
        return bool(self.raw)


@dataclass(frozen=True, slots=True)
class FeatureReading:
    """A feature bit that is set or known. ``named_by_image`` is its name in the image's own table."""

    set: FeatureSet
    bit: int
    name: str
    is_set: bool
    known: bool
    meaning: str
    named_by_image: str | None


@dataclass(frozen=True, slots=True)
class Detail:
    """A part of a decoded extension: a label and its value, with the bytes' place in the file."""

    label: str
    value: int | str
    human: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ExtensionReading:
    """One header extension. ``offset`` is that of its 8-byte head; ``length`` is its declared data length.

    ``raw`` is the beginning of its data, up to a bound; ``known`` says whether the type is in the
    specification.
    """

    span: str
    type: int
    name: str
    known: bool
    offset: int
    length: int
    raw: bytes
    human: str
    details: tuple[Detail, ...]
    details_more: int
    meaning: str
    rule: str
    state: RuleState
    problems: tuple[Problem, ...]
    section: str

    @property
    def data_offset(self) -> int:
        """Offset of the extension's data in the file."""
        return self.offset + 8


@dataclass(frozen=True, slots=True)
class ExtensionArea:
    """The header extensions: those decoded, how many more there are, and where the area ends.

    ``end`` is the offset behind the last extension, end mark included. ``problems`` concern the area as a
    whole.
    """

    extensions: tuple[ExtensionReading, ...]
    more: int
    start: int
    end: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class NameReading:
    """A name stored in the image: where, its bytes, and its text with invisible characters escaped."""

    span: str
    offset: int
    length: int
    raw: bytes
    text: str


@dataclass(frozen=True, slots=True)
class SnapshotReading:
    """One entry of the snapshot table.

    ``taken`` is ISO 8601 in UTC. ``vm_clock`` is hours, minutes, seconds and thousandths. Sizes are bytes;
    ``disk_size`` and ``icount`` are None where the entry does not say.
    """

    offset: int
    entry_length: int
    id: str
    name: str
    taken: str
    date_sec: int
    date_nsec: int
    vm_clock: str
    vm_clock_nsec: int
    vm_state_size: int
    disk_size: int | None
    icount: int | None
    l1_table_offset: int
    l1_size: int
    extra_data_size: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class SnapshotTable:
    """The snapshot table: as many entries as the bounds allow, and how many ``more`` the header declares."""

    declared: int
    entries: tuple[SnapshotReading, ...]
    more: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of bytes in the dump with one owner: ``start`` to ``stop`` (not included), as offsets in the
    file.

    ``kind`` is ``field``, ``extension``, ``backing-name``, ``unknown-fields``, or ``unused``.
    """

    id: str
    kind: str
    start: int
    stop: int
    label: str


@dataclass(frozen=True, slots=True)
class Dump:
    """The first bytes of the file, whole spans in order, without gap or overlap.

    ``end`` is where header, extensions and backing file name end; beyond ``len(data)`` the dump was cut.
    """

    data: bytes
    end: int
    spans: tuple[Span, ...]

    @property
    def cut(self) -> bool:
        """Whether the dump ends before what it should show."""
        return self.end > len(self.data)


@dataclass(frozen=True, slots=True)
class Facts:
    """The header's answers in the words of ``qemu-img info``. None where a value is invalid or absent."""

    compat: str
    virtual_size: int
    cluster_size: int | None
    refcount_bits: int | None
    l2_entry_size: int
    compression_type: str
    encryption: str | None
    lazy_refcounts: bool
    dirty: bool
    corrupt: bool
    extended_l2: bool
    external_data: bool
    data_file: str | None
    data_file_raw: bool
    backing_file: str | None
    backing_format: str | None
    snapshots: int
    bitmaps: int | None


@dataclass(frozen=True, slots=True)
class HeaderReport:
    """Everything that the header of a qcow2 image says, with each rule judged. Made by ``read_header``."""

    file_length: int
    version: int
    facts: Facts
    fields: tuple[FieldReading, ...]
    features: tuple[FeatureReading, ...]
    extensions: ExtensionArea
    backing_file: NameReading | None
    snapshots: SnapshotTable
    dump: Dump
    problems: tuple[Problem, ...]

    def __getitem__(self, name: str) -> FieldReading:
        """The field of that name; ``KeyError`` if the format has none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    @property
    def opens(self) -> bool:
        """Whether no error was found: as far as the header goes, QEMU opens the image."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)

    @property
    def rules_kept(self) -> bool:
        """Whether no rule is broken; notes do not count."""
        return all(problem.severity is Severity.NOTE for problem in self.problems)
