"""Private SSH keys of the workers, known by their names; nothing here reads one."""

import stat
from pathlib import Path

from django.conf import settings

from labtools.labhost.ssh_fields import FieldError, PublicKey, check_key_name, parse_public_key

MAX_PUBLIC_KEY_BYTES = 10_000


def key_names() -> tuple[str, ...]:
    """Names of the files that can be a key: regular ones of the folder itself that nobody but their owner reads."""
    try:
        found = sorted(Path(settings.LAB_KEYS_DIR).iterdir())
    except OSError:
        return ()
    return tuple(path.name for path in found if _is_key(path))


def _is_key(path: Path) -> bool:
    try:
        check_key_name(path.name)
        mode = path.lstat().st_mode
    except (FieldError, OSError):
        return False
    return stat.S_ISREG(mode) and not mode & 0o077


def public_key(name: str) -> PublicKey | None:
    """The public half, from the file ``<name>.pub`` beside the private key; None where there is none in form."""
    try:
        path = Path(settings.LAB_KEYS_DIR) / f"{check_key_name(name)}.pub"
        with path.open("rb") as file:
            return parse_public_key(file.read(MAX_PUBLIC_KEY_BYTES).decode("ascii"))
    except (FieldError, OSError, UnicodeDecodeError):
        return None
