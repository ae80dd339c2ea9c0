"""``python -m labtools.qcow2 header|check IMAGE [--json]``: the decoded header of a qcow2 image, or its check.

Exit codes of ``header``: 0 if every rule is kept, 1 if the file cannot be read as qcow2, 2 if a rule is
broken. Of ``check``, by verdict: 0 clean, 2 leaks, 3 corrupt, 1 unreadable. These are not those of
``qemu-img check``, where 2 says corrupt and 3 leaks; ``qemu_exit`` in the JSON gives that.

``skeleton IMAGE -o FILE`` packs the metadata alone, ``preview-repair IMAGE [-o PATCH] [--undo UNDO]`` says what
``qemu-img check -r all`` would write, ``apply-patch PATCH IMAGE --undo UNDO`` writes it. Exit codes: 0 done, 1 failed,
2 if a choice must be made first.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from .checking import check_image, check_to_json_dict, error_to_json_dict
from .errors import ImageError, NotQcow2Error
from .header import read_header
from .serialize import to_json_dict
from .show import render
from .show_check import render_check
from .skeleton import arguments as skeleton
from .source import ImageSource, open_image

EXIT_KEPT = 0
EXIT_UNREADABLE = 1
EXIT_BROKEN = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    if options.command in skeleton.COMMANDS:
        # NumPy and the sandbox take a while to import: whoever only reads headers need not wait for them.
        from .skeleton.command import run_command

        return run_command(options)
    try:
        with open_image(options.image) as source:
            lines, exit_code = (_check if options.command == "check" else _header)(source, options)
    except ImageError as error:
        way_on = ""
        if isinstance(error, NotQcow2Error) and error.format.command:
            way_on = f" Go on with: {error.format.command}"
        print(f"{error.sentence}{way_on}", file=sys.stderr)
        if options.command == "check" and options.json:
            _print([_json(error_to_json_dict(error))])
        return EXIT_UNREADABLE
    return _print(lines) or exit_code


def _header(source: ImageSource, options: argparse.Namespace) -> tuple[Iterable[str], int]:
    report = read_header(source)
    lines = [_json(to_json_dict(report))] if options.json else render(report)
    return lines, EXIT_KEPT if report.rules_kept else EXIT_BROKEN


def _check(source: ImageSource, options: argparse.Namespace) -> tuple[Iterable[str], int]:
    report = check_image(source, whole=not options.metadata_only, payload=options.payload)
    lines = [_json(check_to_json_dict(report))] if options.json else render_check(report)
    return lines, report.verdict.exit_code


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _print(lines: Iterable[str]) -> int:
    """Print and return 0, or :data:`EXIT_UNREADABLE` if the output takes no more."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal in another encoding gets a substitute instead of a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        for line in lines:
            print(line)
        print(end="", flush=True)
    except OSError as error:
        # Python would try, and complain, once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # A reader that has gone (head, less) is no news to anybody.
        if not isinstance(error, BrokenPipeError):
            print(f"The output could not be written: {error.strerror}.", file=sys.stderr)
        return EXIT_UNREADABLE
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m labtools.qcow2", description="Read qcow2 images. Only apply-patch writes to one."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, purpose in (
        ("header", "decode the header, field by field"),
        ("check", "check the whole image: refcounts, tables, and who uses each cluster"),
    ):
        command = commands.add_parser(name, help=purpose)
        command.add_argument("image", metavar="IMAGE", help="path of the image file")
        command.add_argument("--json", action="store_true", help="print everything as JSON")
    command.add_argument("--payload", action="store_true", help="decompress every compressed cluster as well")
    command.add_argument(
        "--metadata-only",
        action="store_true",
        help="IMAGE is a copy of the metadata alone: do not look for the guest's partition table",
    )
    skeleton.add_commands(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """argparse exits with 2 on wrong usage, which here would say that a rule is broken."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        super().exit(EXIT_UNREADABLE if status else 0, message)


if __name__ == "__main__":
    sys.exit(main())
