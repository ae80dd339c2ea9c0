"""Reading within bounds, and refusing what is no file."""

from __future__ import annotations

import gzip
import io
import os
import socket
from pathlib import Path

import pytest

from labtools.qcow2 import FileUnreadableError, open_image
from labtools.qcow2.source import MAX_READ


def test_reads_never_pass_the_end_nor_the_request() -> None:
    with open_image(io.BytesIO(b"0123456789")) as source:
        assert source.length == 10
        assert source.pread(2, 3) == b"234"
        assert source.pread(8, 100) == b"89"
        assert source.pread(10, 1) == b""
        assert source.pread(1 << 63, 8) == b""
        assert source.pread(0, 0) == b""
        assert source.bytes_read == 5


@pytest.mark.parametrize(("offset", "size"), [(0, MAX_READ + 1), (-1, 1), (0, -1)])
def test_reads_out_of_bounds_are_a_bug_of_the_caller(offset: int, size: int) -> None:
    with open_image(io.BytesIO(bytes(10))) as source, pytest.raises(ValueError, match="out of bounds"):
        source.pread(offset, size)


def test_long_regions_come_in_chunks(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(os.urandom(MAX_READ * 2 + 5))
    with open_image(image) as source:
        chunks = list(source.chunks(3, 1 << 62))
    assert [offset for offset, _ in chunks] == [3, MAX_READ + 3, 2 * MAX_READ + 3]
    assert b"".join(data for _, data in chunks) == image.read_bytes()[3:]


def test_callers_file_stays_open_and_our_own_is_closed(tmp_path: Path) -> None:
    file = io.BytesIO(b"abc")
    with open_image(file) as source:
        source.pread(0, 3)
    assert file.read() == b""

    path = tmp_path / "image"
    path.write_bytes(b"abc")
    with open_image(path) as source:
        pass
    with pytest.raises(ValueError, match="closed"):
        source.pread(0, 1)


def test_file_object_that_decompresses_is_read_through_itself(tmp_path: Path) -> None:
    path = tmp_path / "image.gz"
    path.write_bytes(gzip.compress(b"x" * 1000))
    with gzip.open(path) as file, open_image(io.BufferedReader(file)) as source:
        assert (source.length, source.pread(990, 100)) == (1000, b"x" * 10)


@pytest.mark.parametrize("kind", ["missing", "directory", "fifo", "socket", "nul", "loop"])
def test_what_is_no_file_is_refused_in_a_sentence_without_its_path(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "image"
    match kind:
        case "directory":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(path))
        case "nul":
            path = Path("a\0b")
        case "loop":
            path.symlink_to(path)
    with pytest.raises(FileUnreadableError) as caught:
        open_image(path)

    assert caught.value.code == "file-unreadable"
    assert caught.value.sentence.endswith(".")
    assert str(tmp_path) not in caught.value.sentence


def test_failing_read_is_a_sentence() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with (
        open_image(Failing(b"abc")) as source,
        pytest.raises(FileUnreadableError, match="Input/output error"),
    ):
        source.pread(0, 3)
