"""Pictures that people send, made safe to show: bounded before they are decoded, and written anew.

Nothing of the file that was sent is kept but its pixels: no place, camera or time (EXIF), no thumbnail, no trailing
bytes that something else would read as a program. Knows nothing of Django.
"""

import io
import warnings
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_BYTES = 12 * 1024**2
#: What a decoder may be asked to unfold. A JPEG is read at a fraction of its size, others are whole in memory.
MAX_PIXELS = 50_000_000
MAX_PIXELS_WHOLE = 25_000_000
LONGEST_EDGE = 2048
_FORMATS = ("JPEG", "PNG", "WEBP")


class PictureRefused(ValueError):
    """A file that is no picture, or one that is too large. The message is a sentence for the person."""


@dataclass(frozen=True)
class Picture:
    """A JPEG or PNG of our own making."""

    data: bytes
    width: int
    height: int
    media_type: str = "image/jpeg"


def clean_picture(file: BinaryIO, *, keeps_sharp: bool = False) -> Picture:
    """The picture in ``file`` as a JPEG without metadata, upright, its longest edge at most 2048 pixels.

    With ``keeps_sharp`` a PNG stays one, for screenshots and drawings, and nothing that moves is taken.
    Raises :class:`PictureRefused`.
    """
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise PictureRefused(f"A picture may have at most {MAX_BYTES // 1024**2} MiB.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
                _refuse_large(opened)
                if keeps_sharp and opened.format != "JPEG" and getattr(opened, "n_frames", 1) > 1:
                    raise PictureRefused("This picture moves. Send a single one of it.")
                if keeps_sharp and opened.format == "PNG":
                    return _sharp(opened)
                return _written_anew(opened)
    except PictureRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise PictureRefused("This picture unfolds to more pixels than can be shown here.") from bomb
    except UnidentifiedImageError as error:
        if b"<svg" in data[:4096].lower():
            raise PictureRefused("This is an SVG, which can hold programs. Send it as a PNG.") from error
        raise PictureRefused("This is no JPEG, PNG or WebP picture.") from error
    except Exception as error:  # what decoders raise for broken files is no one class
        raise PictureRefused("This picture is broken: it cannot be read to its end.") from error


def _refuse_large(opened: Image.Image) -> None:
    """The header alone tells the size; nothing is decoded yet."""
    most = MAX_PIXELS if opened.format == "JPEG" else MAX_PIXELS_WHOLE
    if opened.width * opened.height > most:
        raise PictureRefused(
            f"This picture has {opened.width} × {opened.height} pixels; {most // 1_000_000} million are the most."
        )


def _written_anew(opened: Image.Image) -> Picture:
    opened.draft(
        "RGB", (LONGEST_EDGE, LONGEST_EDGE)
    )  # a JPEG is decoded at 1/2, 1/4 or 1/8 where that is enough
    upright = ImageOps.exif_transpose(opened)
    if upright.mode in ("RGBA", "LA", "P", "PA"):
        layered = upright.convert("RGBA")
        upright = Image.new("RGB", layered.size, "white")
        upright.paste(layered, mask=layered.getchannel("A"))
    picture = upright.convert("RGB")
    picture.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    bare = Image.frombytes("RGB", picture.size, picture.tobytes())  # leaves behind all that ``info`` carried
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=84, optimize=True, progressive=True)
    return Picture(out.getvalue(), *bare.size)


def _sharp(opened: Image.Image) -> Picture:
    """A PNG of the bare pixels, with what is transparent."""
    upright = ImageOps.exif_transpose(opened)
    has_alpha = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
    picture = upright.convert("RGBA" if has_alpha else "RGB")
    picture.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    bare = Image.frombytes(picture.mode, picture.size, picture.tobytes())
    out = io.BytesIO()
    bare.save(out, "PNG", optimize=True)
    return Picture(out.getvalue(), *bare.size, "image/png")
