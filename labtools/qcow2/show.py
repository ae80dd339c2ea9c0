"""A header report as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .dump import hex_rows
from .readings import ExtensionReading, FieldReading, HeaderReport, SnapshotReading
from .text import binary_size, byte_count, counted


def render(report: HeaderReport) -> Iterator[str]:
    """The report in lines: verdict, fields, features, extensions, snapshots, bytes, problems."""
    yield _verdict(report)
    facts = report.facts
    cluster = binary_size(facts.cluster_size) if facts.cluster_size else "unknown"
    yield (
        f"qcow2 version {report.version}, virtual size {binary_size(facts.virtual_size)}, "
        f"clusters of {cluster}, file length {byte_count(report.file_length)}"
    )
    yield ""
    yield "Header"
    yield from _table(
        ("offset", "bytes", "field", "value", "rule"), [_field_row(field) for field in report.fields]
    )
    if report.features:
        yield ""
        yield "Features"
        rows = [
            (
                str(feature.set.name).lower(),
                str(feature.bit),
                feature.name,
                "set" if feature.is_set else "not set",
            )
            for feature in report.features
        ]
        yield from _table(("field", "bit", "name", "state"), rows)
    yield from _extensions(report)
    yield from _snapshots(report)
    yield ""
    yield f"Bytes 0 to {max(len(report.dump.data) - 1, 0):,}"
    yield from _hex(report)
    if report.dump.cut:
        yield f"… {report.dump.end - len(report.dump.data):,} bytes more"
    yield from _problems(report)


def _verdict(report: HeaderReport) -> str:
    broken = [problem for problem in report.problems if problem.severity != "note"]
    if not broken:
        return "Every rule of the header is kept."
    verdict = f"{counted(len(broken), 'rule')} of the header {'is' if len(broken) == 1 else 'are'} broken."
    return verdict if report.opens else f"{verdict} See the errors at the end."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    rule = tuple("-" * width for width in widths)
    for row in (head, rule, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  " + "  ".join(cells).rstrip()


def _field_row(field: FieldReading) -> tuple[str, str, str, str, str]:
    return (
        f"{field.offset}-{field.offset + field.length - 1}" if field.length > 1 else str(field.offset),
        field.raw.hex(" ", 4) if field.raw else "absent",
        field.name,
        field.human,
        str(field.state),
    )


def _extensions(report: HeaderReport) -> Iterator[str]:
    area = report.extensions
    if not area.extensions:
        return
    yield ""
    yield "Header extensions"
    yield from _table(
        ("offset", "type", "length", "name", "value", "rule"),
        [_extension_row(extension) for extension in area.extensions],
    )
    if area.more:
        yield f"  … {area.more:,} more"
    if report.backing_file:
        yield ""
        yield f"Backing file name at {report.backing_file.offset:,}: {report.backing_file.text}"


def _extension_row(extension: ExtensionReading) -> tuple[str, str, str, str, str, str]:
    return (
        str(extension.offset),
        f"{extension.type:08x}",
        str(extension.length),
        extension.name,
        extension.human,
        str(extension.state),
    )


def _snapshots(report: HeaderReport) -> Iterator[str]:
    table = report.snapshots
    if not table.declared:
        return
    yield ""
    yield "Snapshots"
    yield from _table(
        ("id", "name", "taken", "guest ran", "VM state", "disk size", "L1 table"),
        [_snapshot_row(entry) for entry in table.entries],
    )
    if table.more:
        yield f"  … {table.more:,} more declared"


def _snapshot_row(entry: SnapshotReading) -> tuple[str, str, str, str, str, str, str]:
    return (
        entry.id,
        entry.name,
        entry.taken,
        entry.vm_clock,
        binary_size(entry.vm_state_size),
        "not stored" if entry.disk_size is None else binary_size(entry.disk_size),
        f"{counted(entry.l1_size, 'entry', 'entries')} at {entry.l1_table_offset}",
    )


def _hex(report: HeaderReport) -> Iterator[str]:
    for row in hex_rows(report.dump.data, report.dump.spans):
        digits = " ".join(cell.hex for cell in row.cells)
        yield f"  {row.offset:08x}  {digits:<47}  {''.join(cell.char for cell in row.cells)}"


def _problems(report: HeaderReport) -> Iterator[str]:
    if not report.problems:
        return
    yield ""
    yield "Broken rules and notes"
    for problem in report.problems:
        yield f"  {problem.severity}: {problem.sentence} [{problem.code}]"
