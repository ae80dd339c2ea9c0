"""The rules of the header fields, each as a check that names what is broken.

A check yields one :class:`Problem` for each thing wrong with its field and nothing for a sound one. It is
only asked where :func:`applies`. The limits are those of :mod:`.layout`; a table ``CHECKS`` joins them to its
fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from . import layout
from .layout import Autoclear, Compatible, Incompatible
from .readings import Problem, Severity
from .text import byte_count, counted


@dataclass(frozen=True, slots=True)
class HeaderValues:
    """The numbers of a header with what is implied by them, as the checks need them.

    Fields that the header does not have stand at the value that the specification implies for them.
    ``cluster_size`` is None where cluster_bits is out of bounds: then nothing that depends on it is judged.
    """

    file_length: int
    version: int
    numbers: Mapping[str, int]
    raw: Mapping[str, bytes]

    def __getitem__(self, name: str) -> int:
        return self.numbers[name]

    @property
    def cluster_size(self) -> int | None:
        """Bytes of a cluster, or None if cluster_bits is invalid."""
        bits = self["cluster_bits"]
        return 1 << bits if layout.MIN_CLUSTER_BITS <= bits <= layout.MAX_CLUSTER_BITS else None

    @property
    def incompatible(self) -> Incompatible:
        """The incompatible features, unknown bits included."""
        return Incompatible(self["incompatible_features"])

    @property
    def autoclear(self) -> Autoclear:
        """The autoclear features, unknown bits included."""
        return Autoclear(self["autoclear_features"])

    @property
    def l2_entry_size(self) -> int:
        """Bytes of an L2 entry: 16 with extended L2 entries, otherwise 8."""
        return 16 if Incompatible.EXTENDED_L2 in self.incompatible else 8

    @property
    def header_length(self) -> int:
        """Where the header ends and the extensions begin."""
        return self["header_length"]

    @property
    def header_length_valid(self) -> bool:
        """Whether the extensions can be found behind the header."""
        least = layout.V2_HEADER_LENGTH if self.version == 2 else layout.V3_HEADER_LENGTH
        return least <= self.header_length <= (self.cluster_size or 0)


Check = Callable[[HeaderValues], Iterator[Problem]]


def judge(name: str, values: HeaderValues) -> tuple[Problem, ...]:
    """The broken rules of field ``name``, each placed at the field's span."""
    if name == "magic":
        # Without the mark the file is no qcow2 image, and there is nothing to judge.
        return ()
    return tuple(
        Problem(problem.code, problem.severity, problem.sentence, f"field-{name}")
        for problem in CHECKS[name](values)
    )


def applies(name: str, values: HeaderValues) -> bool:
    """Whether the rule of a field that is present says anything about this image."""
    if name == "backing_file_size":
        return values["backing_file_offset"] != 0
    if name in {"l1_table_offset", "refcount_table_offset", "snapshots_offset", "refcount_table_clusters"}:
        return values.cluster_size is not None
    return True


def _error(code: str, sentence: str) -> Problem:
    return Problem(code, Severity.ERROR, sentence)


def _warning(code: str, sentence: str) -> Problem:
    return Problem(code, Severity.WARNING, sentence)


def _version(values: HeaderValues) -> Iterator[Problem]:
    if values.version not in (2, 3):
        yield _error(
            "version-unsupported",
            f"Version {values.version:,} does not exist; QEMU opens 2 and 3. "
            "If the rest of the header looks right, these four bytes were overwritten.",
        )


def _backing_file_offset(values: HeaderValues) -> Iterator[Problem]:
    offset = values["backing_file_offset"]
    if values.cluster_size is None or offset == 0:
        return
    if offset > values.cluster_size:
        yield _error(
            "backing-offset-outside",
            f"The backing file's name should stand at {offset:,}, "
            f"outside the first cluster of {values.cluster_size:,} bytes.",
        )
    elif offset < values.header_length:
        yield _warning(
            "backing-offset-in-header",
            f"The backing file's name should stand at {offset:,}, inside the header itself, "
            f"which is {values.header_length:,} bytes long.",
        )


def _backing_file_size(values: HeaderValues) -> Iterator[Problem]:
    size, offset = values["backing_file_size"], values["backing_file_offset"]
    if size > layout.MAX_BACKING_NAME:
        yield _error(
            "backing-name-too-long", f"The backing file's name is {size:,} bytes long; 1023 is the most."
        )
    elif values.cluster_size is not None and offset <= values.cluster_size < offset + size:
        yield _error(
            "backing-name-outside", "The backing file's name goes on beyond the end of the first cluster."
        )
    elif size == 0:
        yield Problem(
            "backing-name-empty", Severity.WARNING, "A place for a backing file's name is given, but no name."
        )


def _cluster_bits(values: HeaderValues) -> Iterator[Problem]:
    bits = values["cluster_bits"]
    if values.cluster_size is None:
        yield _error("cluster-bits-range", f"{bits:,} is outside 9 to 21, so no cluster can be found.")
    elif Incompatible.EXTENDED_L2 in values.incompatible and bits < layout.MIN_EXTENDED_L2_CLUSTER_BITS:
        yield _error(
            "cluster-bits-extended-l2",
            f"Extended L2 entries need clusters of 16 KiB or more; these have {1 << bits:,} bytes.",
        )


def _size(values: HeaderValues) -> Iterator[Problem]:
    if rest := values["size"] % 512:
        yield Problem(
            "size-not-sectors",
            Severity.NOTE,
            f"The size is no multiple of 512. QEMU drops the last {counted(rest, 'byte')}: the guest does "
            "not see them.",
        )


def _crypt_method(values: HeaderValues) -> Iterator[Problem]:
    if values["crypt_method"] not in layout.CRYPT_METHODS:
        yield _error("crypt-method-unknown", f"Encryption method {values['crypt_method']:,} does not exist.")


def _l1_size(values: HeaderValues) -> Iterator[Problem]:
    entries = values["l1_size"]
    if entries * 8 > layout.MAX_L1_BYTES:
        yield _error(
            "l1-too-large", f"An L1 table of {byte_count(entries * 8)} is above the 32 MiB that QEMU reads."
        )
    if values.cluster_size is None:
        return
    covered = values.cluster_size * (values.cluster_size // values.l2_entry_size)
    needed = -(-values["size"] // covered)
    if entries < needed:
        yield _error(
            "l1-too-small",
            f"The virtual size needs {counted(needed, 'L1 entry', 'L1 entries')}, each covering "
            f"{byte_count(covered)}; the table has {entries:,}.",
        )


def _placed(values: HeaderValues, table: str, code: str, offset: int, size: int) -> Iterator[Problem]:
    """A table must begin on a cluster boundary and lie inside the file.

    The file may end inside the table's last cluster: QEMU writes only what it needs of it.
    """
    cluster = values.cluster_size
    assert cluster is not None
    if offset % cluster:
        yield _error(
            f"{code}-unaligned",
            f"{offset:,} is not on a cluster boundary: clusters are {cluster:,} bytes, "
            f"{offset % cluster:,} are left over.",
        )
    if size == 0:
        return
    if offset == 0:
        yield _error(f"{code}-zero", f"The {table} cannot be at 0, where the header is.")
    elif offset >= values.file_length or offset + size - values.file_length >= cluster:
        yield _error(
            f"{code}-outside",
            f"The {table} should take bytes {offset:,} to {offset + size - 1:,}, "
            f"but the file has {values.file_length:,} bytes. It was cut short, or the header is wrong.",
        )


def _l1_table_offset(values: HeaderValues) -> Iterator[Problem]:
    size = min(values["l1_size"] * 8, layout.MAX_L1_BYTES)
    yield from _placed(values, "L1 table", "l1-offset", values["l1_table_offset"], size)


def _refcount_table_bytes(values: HeaderValues) -> int:
    return values["refcount_table_clusters"] * (values.cluster_size or 0)


def _refcount_table_offset(values: HeaderValues) -> Iterator[Problem]:
    size = min(_refcount_table_bytes(values), layout.MAX_REFCOUNT_TABLE_BYTES)
    yield from _placed(
        values, "refcount table", "refcount-table-offset", values["refcount_table_offset"], size
    )


def _refcount_table_clusters(values: HeaderValues) -> Iterator[Problem]:
    if values["refcount_table_clusters"] == 0:
        yield _error(
            "refcount-table-missing",
            "There is no refcount table. QEMU opens such an image only to check and repair it.",
        )
    elif (size := _refcount_table_bytes(values)) > layout.MAX_REFCOUNT_TABLE_BYTES:
        yield _error(
            "refcount-table-too-large",
            f"A refcount table of {byte_count(size)} is above the 8 MiB that QEMU reads.",
        )


def _nb_snapshots(values: HeaderValues) -> Iterator[Problem]:
    count = values["nb_snapshots"]
    if count > layout.MAX_SNAPSHOTS:
        yield _error("snapshots-too-many", f"{count:,} snapshots are more than the 65,536 that QEMU reads.")
    if count and Incompatible.DATA_FILE in values.incompatible:
        yield _warning(
            "snapshots-data-file", "An image with an external data file cannot have internal snapshots."
        )


def _snapshots_offset(values: HeaderValues) -> Iterator[Problem]:
    # Entries are at least 40 bytes; the table's true end is known only once it has been read.
    size = min(values["nb_snapshots"], layout.MAX_SNAPSHOTS) * layout.SNAPSHOT_ENTRY.size
    yield from _placed(values, "snapshot table", "snapshots-offset", values["snapshots_offset"], size)


def _bits(flags: int) -> str:
    numbers = [str(bit) for bit in range(64) if flags >> bit & 1]
    return f"bit {numbers[0]}" if len(numbers) == 1 else f"bits {', '.join(numbers[:-1])} and {numbers[-1]}"


def _mask(kind: type[Incompatible] | type[Compatible] | type[Autoclear]) -> int:
    return sum(flag.value for flag in kind)


def _incompatible_features(values: HeaderValues) -> Iterator[Problem]:
    if unknown := values["incompatible_features"] & ~_mask(Incompatible):
        yield _error(
            "incompatible-unknown",
            f"Unknown {_bits(unknown)} set, so QEMU does not open the image. "
            "Either a newer program wrote it, or the field was overwritten.",
        )
    if Incompatible.COMPRESSION_TYPE in values.incompatible and not values.raw["compression_type"]:
        yield _error(
            "compression-bit-without-field",
            "The feature “compression type” is set, but the header ends before the field that names the "
            "type.",
        )
    if Incompatible.DATA_FILE in values.incompatible and values["crypt_method"] == 1:
        yield _warning("data-file-aes", "AES encryption and an external data file do not go together.")


def _compatible_features(values: HeaderValues) -> Iterator[Problem]:
    if unknown := values["compatible_features"] & ~_mask(Compatible):
        yield _warning("compatible-unknown", f"Reserved {_bits(unknown)} set. QEMU passes over it.")


def _autoclear_features(values: HeaderValues) -> Iterator[Problem]:
    flags = values.autoclear
    if unknown := values["autoclear_features"] & ~_mask(Autoclear):
        yield _warning(
            "autoclear-unknown", f"Reserved {_bits(unknown)} set. QEMU clears it when it next writes."
        )
    if Autoclear.RAW_EXTERNAL_DATA in flags:
        if Incompatible.DATA_FILE not in values.incompatible:
            yield _warning(
                "raw-data-without-data-file", "Raw external data is set, but there is no external data file."
            )
        if values["backing_file_offset"]:
            yield _warning(
                "raw-data-with-backing", "Raw external data and a backing file exclude each other."
            )


def _refcount_order(values: HeaderValues) -> Iterator[Problem]:
    if values["refcount_order"] > layout.MAX_REFCOUNT_ORDER:
        yield _error(
            "refcount-order-range",
            f"{values['refcount_order']:,} is above 6: refcounts have at most 64 bits.",
        )


def _header_length(values: HeaderValues) -> Iterator[Problem]:
    length = values.header_length
    if length < layout.V3_HEADER_LENGTH:
        yield _error(
            "header-too-short", f"A version 3 header has at least 104 bytes; this one says {length:,}."
        )
    elif values.cluster_size is not None and length > values.cluster_size:
        yield _error(
            "header-too-long",
            f"{length:,} bytes do not fit into the first cluster of {values.cluster_size:,}.",
        )
    if length % 8:
        yield _warning("header-length-multiple", f"{length:,} is not a multiple of 8.")


def _compression_type(values: HeaderValues) -> Iterator[Problem]:
    kind, flagged = values["compression_type"], Incompatible.COMPRESSION_TYPE in values.incompatible
    if kind not in layout.COMPRESSION_TYPES:
        yield _error("compression-unknown", f"Compression type {kind} does not exist.")
    if flagged and kind == 0:
        yield _error(
            "compression-bit-without-type",
            "The feature “compression type” is set, but the type is 0, deflate.",
        )
    elif kind and not flagged:
        yield _error(
            "compression-type-without-bit",
            f"The type is {kind}, but the feature “compression type” is not set.",
        )


def _padding(values: HeaderValues) -> Iterator[Problem]:
    if any(values.raw["padding"]):
        yield _warning("padding-not-zero", "The padding holds other bytes than zero.")


CHECKS: Mapping[str, Check] = {
    "version": _version,
    "backing_file_offset": _backing_file_offset,
    "backing_file_size": _backing_file_size,
    "cluster_bits": _cluster_bits,
    "size": _size,
    "crypt_method": _crypt_method,
    "l1_size": _l1_size,
    "l1_table_offset": _l1_table_offset,
    "refcount_table_offset": _refcount_table_offset,
    "refcount_table_clusters": _refcount_table_clusters,
    "nb_snapshots": _nb_snapshots,
    "snapshots_offset": _snapshots_offset,
    "incompatible_features": _incompatible_features,
    "compatible_features": _compatible_features,
    "autoclear_features": _autoclear_features,
    "refcount_order": _refcount_order,
    "header_length": _header_length,
    "compression_type": _compression_type,
    "padding": _padding,
}
