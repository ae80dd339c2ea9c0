"""``python -m labtools.qcow2 header IMAGE [--json]``: the decoded header of a qcow2 image.

Exit codes as those of ``qemu-img check``: 0 if every rule is kept, 1 if the file cannot be read as qcow2, 2
if a rule of the header is broken.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn

from .errors import ImageError, NotQcow2Error
from .header import read_header
from .serialize import to_json_dict
from .show import render
from .source import open_image

EXIT_KEPT = 0
EXIT_UNREADABLE = 1
EXIT_BROKEN = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        with open_image(options.image) as source:
            report = read_header(source)
    except NotQcow2Error as error:
        way_on = f" Go on with: {error.format.command}" if error.format.command else ""
        print(f"{error.sentence}{way_on}", file=sys.stderr)
        return EXIT_UNREADABLE
    except ImageError as error:
        print(error.sentence, file=sys.stderr)
        return EXIT_UNREADABLE
    lines = (
        [json.dumps(to_json_dict(report), indent=2, ensure_ascii=False)] if options.json else render(report)
    )
    return _print(lines) or (EXIT_KEPT if report.rules_kept else EXIT_BROKEN)


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
    parser = _Parser(prog="python -m labtools.qcow2", description="Read qcow2 images. Nothing is written.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    header = commands.add_parser("header", help="decode the header, field by field")
    header.add_argument("image", metavar="IMAGE", help="path of the image file")
    header.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser


class _Parser(argparse.ArgumentParser):
    """argparse exits with 2 on wrong usage, which here would say that a rule is broken."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        super().exit(EXIT_UNREADABLE if status else 0, message)


if __name__ == "__main__":
    sys.exit(main())
