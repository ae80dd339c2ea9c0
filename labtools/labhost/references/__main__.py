"""``bin/measure-qemu [SUITE...]``: measure Debian's QEMU packages again and write the reference versions.

Downloads about 200 MB a suite from Debian's mirror, unpacks it below ``var/`` (1 GB, removed at the end) and asks
each emulator. Nothing is installed. Takes about half a minute a suite.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from labtools.labhost.document import DocumentError

from .debian import MIRROR, DebianError
from .measure import SUITES, measure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 written, 1 a suite could not be measured."""
    parser = argparse.ArgumentParser(
        prog="bin/measure-qemu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)}; none: all")
    parser.add_argument("--mirror", default=MIRROR, help="Debian's archive (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=Path("var/measure-qemu"), help="default: %(default)s")
    parser.add_argument("--keep", action="store_true", help="keep the unpacked packages in the folder")
    chosen = parser.parse_args(arguments)
    unknown = sorted(set(chosen.suites) - set(SUITES))
    if unknown:
        parser.error(f"no reference is kept of {', '.join(unknown)}; there are {', '.join(SUITES)}")
    failed = 0
    for name in chosen.suites or SUITES:
        folder = chosen.folder / name
        try:
            done = measure(SUITES[name], folder, chosen.mirror.rstrip("/"))
        except (DebianError, DocumentError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = 1
        else:
            news = "written" if done.is_new else "says what it said before"
            print(f"{done.slug}: QEMU {done.qemu}, {done.size} bytes, {news}")
        finally:
            if not chosen.keep:
                shutil.rmtree(folder, ignore_errors=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
