"""``python -m labtools.labhost probe``: print what this machine's QEMU can do, as one JSON document."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import labprobe


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 printed, 1 stopped before the end."""
    parser = argparse.ArgumentParser(prog="python -m labtools.labhost", description=__doc__)
    parser.add_argument("command", choices=["probe"])
    parser.parse_args(arguments)
    return labprobe.main()


if __name__ == "__main__":
    sys.exit(main())
