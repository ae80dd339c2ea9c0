"""``python -m labtools.qcow2 skeleton|preview-repair|apply-patch``: what a person types."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from labtools.qcow2.errors import ImageError, NotQcow2Error, SkeletonError
from labtools.qcow2.source import open_image
from labtools.qcow2.text import binary_size, counted

from .container import is_container, unpack
from .packing import fingerprint, write_skeleton
from .patch import apply_patch, make_undo, read_patch, write_patch
from .plan import Plan, plan_skeleton
from .preview import preview_repair

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_NOT_CONFIRMED: Final = 2
_SUSPECTS_SHOWN: Final = 20
FIRST_ADVICE: Final = "Stop the guest, copy the file (cp --reflink=auto), and work on the copy."


def run_command(options: argparse.Namespace) -> int:
    """Run one of the three; returns the exit code."""
    action = {"skeleton": _skeleton, "preview-repair": _preview, "apply-patch": _apply}[options.command]
    try:
        return action(options)
    except ImageError as error:
        way_on = ""
        if isinstance(error, NotQcow2Error) and error.format.command:
            way_on = f" Go on with: {error.format.command}"
        print(f"{error.sentence}{way_on}", file=sys.stderr)
    except OSError as error:
        print(f"A file could not be written: {error.strerror}.", file=sys.stderr)
    return EXIT_FAILED


def _skeleton(options: argparse.Namespace) -> int:
    target = Path(options.output)
    with open_image(options.image) as source:
        before = fingerprint(source)
        plan = plan_skeleton(source)
        _say(_describe(plan))
        send = options.send_suspects
        if plan.suspects and not send and not options.leave_out_suspects:
            answer = _ask()
            if answer is None:
                return EXIT_NOT_CONFIRMED
            send = answer
        with target.open("xb") as file:
            try:
                write_skeleton(source, plan, file, suspects=send, before=before)
            except BaseException:
                target.unlink()
                raise
    print(f"{options.output}: {binary_size(target.stat().st_size)} to send.")
    print(f"Look at it with: tar xzf {options.output} && qemu-img check metadata.qcow2")
    return EXIT_DONE


def _describe(plan: Plan) -> Iterable[str]:
    taken = sum(place.length for place in plan.ranges(suspects=True))
    yield (
        f"The metadata takes {binary_size(taken)} of {binary_size(plan.length)}. "
        "The guest's data stays where it is."
    )
    if plan.private_names:
        yield (
            f"Among it {counted(plan.private_names, 'name')} of snapshots, bitmaps or files: "
            "they may be private."
        )
    if plan.luks:
        yield (
            "The LUKS header with its key slots is left out. A check of the metadata counts its "
            f"{counted(-(-plan.luks.length // (plan.cluster_size or 512)), 'cluster')} as leaked, rightly so."
        )
    if not plan.suspects:
        return
    yield (
        f"{counted(len(plan.suspects), 'range')} of it, {binary_size(plan.suspect_bytes)}, may be the guest's "
        "data, because a damaged pointer may lead there:"
    )
    for suspect in plan.suspects[:_SUSPECTS_SHOWN]:
        place = suspect.place
        yield f"  {place.offset}-{place.end - 1}: {suspect.role.words}; {suspect.reason}"
    if len(plan.suspects) > _SUSPECTS_SHOWN:
        yield f"  and {len(plan.suspects) - _SUSPECTS_SHOWN:,} more"


def _ask() -> bool | None:
    """Whether the suspects are to be sent; None where nobody is there to say so."""
    if not sys.stdin.isatty():
        print(
            "Nothing was written. Say --send-suspects to take these ranges too, or --leave-out-suspects to go "
            "without: the check then differs from that of the image itself.",
            file=sys.stderr,
        )
        return None
    answer = input("Take these ranges too? Without them the check differs from that of the image. [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def _preview(options: argparse.Namespace) -> int:
    image = Path(options.image)
    with tempfile.TemporaryDirectory(prefix="qcow2-preview-") as name:
        folder = Path(name)
        packed = is_container(image) if image.is_file() else False
        if packed:
            if options.undo:
                raise SkeletonError(
                    "What takes a patch back can only be made from the image itself, when the patch is applied."
                )
            manifest = unpack(image, folder / "unpacked")
            if manifest.count("suspect_bytes_left_out"):
                raise SkeletonError(
                    "This file leaves out ranges of metadata, so a repair cannot be foretold from it."
                )
            image = folder / "unpacked"
        work = folder / "work"
        work.mkdir()
        preview = preview_repair(image, work)
        numbers = preview.numbers
        print(
            f"qemu-img check -r all would mend {counted(numbers.get('corruptions-fixed', 0), 'corruption')} and "
            f"{counted(numbers.get('leaks-fixed', 0), 'leak')}; {counted(numbers.get('corruptions', 0), 'corruption')} "
            f"and {counted(numbers.get('leaks', 0), 'leak')} would stay."
        )
        patch = preview.patch
        print(
            f"It would write {counted(len(patch.ranges), 'place')}, {binary_size(patch.changed_bytes)} in all."
        )
        if patch.length_after != patch.length_before:
            print(
                f"The file's length would change from {patch.length_before:,} to {patch.length_after:,} bytes."
            )
        if numbers.get("leaks-fixed"):
            print(
                "It would discard the leaked clusters, and what they hold. A lost L2 table may be among them: run "
                "the check of this program on the whole image first."
            )
        if options.undo:
            with open_image(image) as source, Path(options.undo).open("xb") as file:
                write_patch(make_undo(source, patch), file)
        if options.output:
            with Path(options.output).open("xb") as file:
                write_patch(patch, file)
            print(f"{FIRST_ADVICE} To apply the changes there:")
            print(f"  python -m labtools.qcow2 apply-patch {options.output} COPY --undo UNDO")
    return EXIT_DONE


def _apply(options: argparse.Namespace) -> int:
    patch = read_patch(Path(options.patch))
    if patch.kind == "patch" and not options.undo:
        print("Say --undo FILE: what the patch overwrites is kept there.", file=sys.stderr)
        return EXIT_NOT_CONFIRMED
    apply_patch(patch, Path(options.image), Path(options.undo) if options.undo else None)
    print(f"{counted(len(patch.ranges), 'place')} written.")
    if options.undo:
        print(f"To take it back: python -m labtools.qcow2 apply-patch {options.undo} {options.image}")
    return EXIT_DONE


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)
