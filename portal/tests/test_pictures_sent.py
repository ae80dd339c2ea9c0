"""Pictures that people send: what becomes of good ones, and that bad ones are refused before they do harm."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from portal.pictures_sent import LONGEST_EDGE, MAX_BYTES, PictureRefused, clean_picture
from portal.tests.pictures import jpeg, picture

RED, BLUE = (254, 0, 0), (0, 0, 254)


def opened(data: bytes) -> Image.Image:
    """What ``clean_picture`` makes of ``data``."""
    made = clean_picture(io.BytesIO(data))
    image = Image.open(io.BytesIO(made.data))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (made.width, made.height))
    return image


def pixel(image: Image.Image, place: tuple[int, int]) -> Any:
    """A pixel's colour, roughly."""
    return tuple(round(part / 50) * 50 for part in image.getpixel(place))  # type: ignore[union-attr]


def with_exif(orientation: int = 1) -> bytes:
    """A JPEG with a place, a camera, a comment and a profile."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera-of-Asha"
    exif.get_ifd(0x8825)[2] = (18.0, 31.0, 45.0)  # GPSLatitude
    return jpeg((64, 48), exif=exif, comment=b"secret-comment", icc_profile=b"secret-profile" * 20)


def test_nothing_but_the_pixels_is_kept() -> None:
    data = with_exif() + b"<?php echo 'after the end'; ?>"
    assert b"Camera-of-Asha" in data
    made = clean_picture(io.BytesIO(data)).data
    for trace in (b"Camera", b"secret-comment", b"secret-profile", b"Exif", b"php", b"ICC_PROFILE"):
        assert trace not in made
    image = Image.open(io.BytesIO(made))
    assert dict(image.getexif()) == {}
    assert set(image.info) <= {
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
        "progressive",
        "progression",
    }


@pytest.mark.parametrize(
    ("orientation", "size", "red"),
    [(1, (64, 48), (4, 24)), (3, (64, 48), (60, 24)), (6, (48, 64), (24, 4)), (8, (48, 64), (24, 60))],
)
def test_a_picture_stands_upright(orientation: int, size: tuple[int, int], red: tuple[int, int]) -> None:
    image = opened(with_exif(orientation))
    assert image.size == size
    assert pixel(image, red)[0] >= 250
    assert pixel(image, red)[2] <= 50


@pytest.mark.parametrize(
    ("form", "mode"), [("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "L"), ("PNG", "P"), ("WEBP", "RGB")]
)
def test_other_kinds_become_a_jpeg(form: str, mode: str) -> None:
    image = Image.new("RGB", (30, 20), "blue").convert(mode)
    out = io.BytesIO()
    image.save(out, form)
    assert opened(out.getvalue()).size == (30, 20)


def test_what_is_transparent_is_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(out, "PNG")
    assert pixel(opened(out.getvalue()), (10, 10)) == (250, 250, 250)


@pytest.mark.parametrize(
    ("size", "kept"), [((4000, 2000), (2048, 1024)), ((100, 4096), (50, 2048)), ((64, 48), (64, 48))]
)
def test_the_longest_edge_is_bounded(size: tuple[int, int], kept: tuple[int, int]) -> None:
    image = opened(picture(size, quality=30))
    assert image.size == kept
    assert max(image.size) <= LONGEST_EDGE


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header says how large it is."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(5001, 5000), (20_000, 20_000), (2**31 - 1, 2**31 - 1), (100_000, 1000)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(PictureRefused):
        clean_picture(io.BytesIO(png_that_claims(*size)))


def test_too_many_bytes_are_refused_before_they_are_looked_at() -> None:
    class Endless(io.RawIOBase):
        asked = 0

        def read(self, size: int = -1) -> bytes:
            self.asked += size
            return b"\xff" * size

    endless = Endless()
    with pytest.raises(PictureRefused, match="at most 12 MiB"):
        clean_picture(endless)  # type: ignore[arg-type]  # reading is all that is asked of it
    assert endless.asked == MAX_BYTES + 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a" + b"\0" * 100,
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) run",
        b"BM" + b"\0" * 100,
        jpeg()[:300],
        jpeg((600, 400))[:-900],
        b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
        png_that_claims(10, 10)[:40],
        png_that_claims(0, 0),
        b"RIFF\xff\xff\xff\x7fWEBPVP8 " + b"\0" * 40,
    ],
    ids=range(11),
)
def test_what_is_no_whole_picture_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(PictureRefused, match=r"^This .*\.$"):
        clean_picture(io.BytesIO(data))
