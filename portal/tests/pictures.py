"""Pictures for tests, made by Pillow."""

import io
from typing import Any

from PIL import Image


def picture(size: tuple[int, int] = (64, 48), *, form: str = "JPEG", mode: str = "RGB", **save: Any) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new(mode, size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.save(out, form, **save)
    return out.getvalue()


def jpeg(size: tuple[int, int] = (64, 48), **save: Any) -> bytes:
    """The same as a JPEG."""
    return picture(size, **save)
