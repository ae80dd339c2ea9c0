"""Articles as files: ``articles/<slug>.md`` and ``pictures/<sha256>.<ending>``, in a zip or in a folder under git.

The same articles give the same bytes: names are in order, a zip's times are all one, a folder's file that says the
same is not touched. What comes in is bounded before it is read; names that are not of this form are told and left.
"""

import hashlib
import io
import lzma
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

#: Most files in a bundle, bytes of one file, and bytes of all together.
MAX_FILES, MAX_FILE, MAX_ALL = 5_000, 8 * 2**20, 256 * 2**20
_NAME = re.compile(
    r"(?:[A-Za-z0-9_][A-Za-z0-9_. -]{0,79}/)?(?:(?P<article>articles/(?P<slug>[a-z0-9_-]{1,80})\.md)"
    r"|(?P<picture>pictures/(?P<sha>[0-9a-f]{64})\.(?:png|jpg)))",
    re.ASCII,
)
_PICTURE_HERE = re.compile(r"/kb/pictures/([0-9a-f]{64})")
_PICTURE_THERE = re.compile(r"\.\./pictures/([0-9a-f]{64})\.(?:png|jpg)")
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)


#: What Python raises for a damaged zip: also what its decompressors do.
_DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    EOFError,
    OSError,
    zlib.error,
    ValueError,
    lzma.LZMAError,
)


class NotABundleError(ValueError):
    """What came is no bundle; ``str()`` says why, in words for whoever sent it."""


@dataclass
class Bundle:
    """``articles``: text of each file by slug. ``pictures``: bytes by ``<sha256>.<ending>``. ``left``: names not of
    this form, which were not read."""

    articles: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    def files(self) -> dict[str, bytes]:
        """Every file by its name in the bundle, in order."""
        found = {f"articles/{slug}.md": text.encode() for slug, text in self.articles.items()}
        found |= {f"pictures/{name}": data for name, data in self.pictures.items()}
        return dict(sorted(found.items()))


def to_relative(content: str, endings: Mapping[str, str]) -> str:
    """Markdown with its pictures as they lie beside the article in a bundle; ``endings`` by SHA-256."""

    def there(match: re.Match[str]) -> str:
        ending = endings.get(match[1])
        return f"../pictures/{match[1]}.{ending}" if ending else match[0]

    return _PICTURE_HERE.sub(there, content)


def from_relative(content: str) -> str:
    """The way back of :func:`to_relative`."""
    return _PICTURE_THERE.sub(r"/kb/pictures/\1", content)


def pictures_in(content: str) -> list[str]:
    """SHA-256 of each picture of this portal that the Markdown names, each once."""
    return list(dict.fromkeys(_PICTURE_HERE.findall(content)))


def write_zip(bundle: Bundle) -> bytes:
    """The bundle as a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in bundle.files().items():
            entry = zipfile.ZipInfo(name, _FIRST_DAY)
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return buffer.getvalue()


def read_zip(data: bytes) -> Bundle:
    """Read a zip that anybody sent. Raises :class:`NotABundleError`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _gather(_zip_files(archive))
    except NotABundleError:
        raise
    except _DAMAGE as error:
        raise NotABundleError("The file is no zip, or it is damaged.") from error
    except RuntimeError as error:
        raise NotABundleError("The zip is encrypted.") from error


def _zip_files(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes | None]]:
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise NotABundleError(f"The zip has more than {MAX_FILES:,} files.")
    for entry in entries:
        is_file = not entry.is_dir() and stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG)
        if not entry.is_dir() and not (is_file and _NAME.fullmatch(entry.filename)):
            yield entry.filename, None
        elif is_file:
            with archive.open(entry) as opened:  # the size that the zip names is not believed
                yield entry.filename, opened.read(MAX_FILE + 1)


def read_folder(folder: Path) -> Bundle:
    """Read ``articles/`` and ``pictures/`` of a folder, without symbolic links. Raises :class:`NotABundleError`."""
    return _gather(_folder_files(folder))


def _folder_files(folder: Path) -> Iterator[tuple[str, bytes | None]]:
    for part in ("articles", "pictures"):
        place = folder / part
        if place.is_symlink() or not place.is_dir():
            continue
        for path in sorted(place.iterdir()):
            name = f"{part}/{path.name}"
            if _NAME.fullmatch(name) is None or not stat.S_ISREG(path.lstat().st_mode):
                yield name, None
                continue
            with path.open("rb") as opened:
                yield name, opened.read(MAX_FILE + 1)


def _gather(files: Iterator[tuple[str, bytes | None]]) -> Bundle:
    bundle, total = Bundle(), 0
    for number, (name, data) in enumerate(files):
        if number >= MAX_FILES:
            raise NotABundleError(f"There are more than {MAX_FILES:,} files.")
        match = _NAME.fullmatch(name)
        if data is None or match is None:
            bundle.left.append(name[:200])
            continue
        total += len(data)
        if len(data) > MAX_FILE:
            raise NotABundleError(f"{name[:200]} is larger than {MAX_FILE // 2**20} MiB.")
        if total > MAX_ALL:
            raise NotABundleError(f"All files together are larger than {MAX_ALL // 2**20} MiB.")
        if match["picture"]:
            if hashlib.sha256(data).hexdigest() != match["sha"]:
                raise NotABundleError(f"{name[:200]} is not the picture that its name says.")
            bundle.pictures[match["picture"].removeprefix("pictures/")] = data
        else:
            try:
                bundle.articles[match["slug"]] = data.decode("utf-8")
            except UnicodeDecodeError as error:
                raise NotABundleError(f"{name[:200]} is not text in UTF-8.") from error
    return bundle


def write_folder(bundle: Bundle, folder: Path) -> tuple[list[str], list[str]]:
    """Bring a folder in step with the bundle: files that say the same are not touched, stale ones of this form go.

    Returns the names that were written and those that were removed. Nothing else in the folder is looked at.
    """
    wanted = bundle.files()
    written = []
    for name, data in wanted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or not path.exists() or path.read_bytes() != data:
            beside = path.with_name(f".{path.name}.new")
            beside.write_bytes(data)
            os.replace(beside, path)
            written.append(name)
    removed = [
        name
        for part in ("articles", "pictures")
        if (folder / part).is_dir()
        for path in sorted((folder / part).iterdir())
        if _NAME.fullmatch(name := f"{part}/{path.name}") and name not in wanted
    ]
    for name in removed:
        (folder / name).unlink()
    return written, removed
