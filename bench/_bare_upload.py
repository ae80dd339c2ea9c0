"""The least that a WSGI view can do with an upload: read, write, flush to the disk. The measure of bench/upload.py."""

import os
from collections.abc import Callable, Iterable
from typing import Any

PIECE = 1024**2
TARGET = os.path.join(os.environ["VAR_DIR"], "bare-upload")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Write the request's body to one file."""
    rest = int(environ.get("CONTENT_LENGTH") or 0)
    with open(TARGET, "wb", buffering=0) as file:
        while rest and (piece := environ["wsgi.input"].read(min(PIECE, rest))):
            file.write(piece)
            rest -= len(piece)
        os.fdatasync(file.fileno())
    start_response("204 No Content", [])
    return []
