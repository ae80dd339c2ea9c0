"""A folder beside an upload for the files that its examination makes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def scratch_of(image: Path) -> Path:
    """Where the examination of an upload may put files of its own."""
    return image.with_name(f"{image.name}.scratch")


@contextmanager
def scratch(image: Path) -> Iterator[Path]:
    """An empty folder beside the image for as long as it is needed. What an attempt cut off left there goes first."""
    folder = scratch_of(image)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
