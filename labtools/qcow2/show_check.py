"""A check as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from .checking import CheckReport, Finding
from .text import binary_size, counted


def render_check(report: CheckReport) -> Iterator[str]:
    """The report in lines: verdict, QEMU's numbers, clusters by role, findings with where they are."""
    yield f"Verdict: {report.verdict}"
    if report.reference:
        numbers = report.reference.to_json_dict()
        yield f"As qemu-img check counts (exit code {report.qemu_exit}):"
        yield from (f"  {name}: {number:,}" for name, number in numbers.items())
    else:
        yield "qemu-img check gives no numbers for this image (exit code 1)."
    if report.roles:
        yield "Host clusters by role:"
        yield from (f"  {role.words}: {count:,}" for role, count in report.roles)
    yield from _facts(report)
    for finding in report.findings:
        yield from _finding(finding)


def _facts(report: CheckReport) -> Iterator[str]:
    if report.encryption:
        facts = report.encryption
        used = ", ".join(str(slot.number) for slot in facts.key_slots if slot.used) or "none"
        yield f"LUKS {facts.version}: {facts.cipher}, key of {facts.key_bits} bits, {facts.hash}"
        yield f"  key slots used: {used}"
    if report.payload:
        test = report.payload
        tested = counted(test.tested, "compressed cluster")
        yield f"Payload test ({test.method}): {tested} decompressed, {test.broken:,} broken"
        if not test.complete:
            yield f"  not all were tested: {test.reason}"
    if report.bitmaps:
        yield "Bitmaps:"
        for bitmap in report.bitmaps:
            marks = ", ".join(
                word for word, is_so in (("in use", bitmap.in_use), ("auto", bitmap.auto)) if is_so
            )
            yield f"  {bitmap.name}: {binary_size(bitmap.granularity)} a bit{', ' + marks if marks else ''}"
        if report.bitmaps_more:
            yield f"  and {report.bitmaps_more:,} more"
    if report.partitions_note:
        yield report.partitions_note
    for table in report.partition_tables:
        whose = "the guest's disk" if table.snapshot is None else f"snapshot {table.snapshot}"
        yield f"Partitions of {whose} ({table.scheme.upper()}):"
        yield from (f"  {note}" for note in table.notes)
        for part in table.partitions:
            words = " ".join(
                word for word in (part.kind, part.type_name or part.type_code, part.name) if word
            )
            yield f"  {part.number}: byte {part.offset:,}, {binary_size(part.length)}, {words}"


def _finding(finding: Finding) -> Iterator[str]:
    yield ""
    yield f"{str(finding.severity).upper()} {finding.code}: {finding.sentence}"
    if finding.advice != "none":
        yield f"  advice: {finding.advice}"
    for host in finding.host_ranges:
        yield f"  file: byte {host.offset:,}, {binary_size(host.length)}"
    if finding.host_ranges_more:
        yield f"  file: {counted(finding.host_ranges_more, 'more range')}"
    for guest in finding.guest_ranges:
        where = "guest" if guest.snapshot is None else f"guest in snapshot {guest.snapshot}"
        inside = f", in partition {', '.join(map(str, guest.partitions))}" if guest.partitions else ""
        yield f"  {where}: sectors {guest.first_lba:,} to {guest.last_lba:,}, {binary_size(guest.length)}{inside}"
    if finding.guest_ranges_more:
        yield f"  guest: {counted(finding.guest_ranges_more, 'more range')}"
    if not finding.guest_complete:
        yield "  guest: and more that were not gathered"
