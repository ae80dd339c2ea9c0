"""The secret key of the embedded default: made once, kept beside the data, readable by its owner only."""

import os
import secrets
from pathlib import Path


def load_or_make(path: Path) -> str:
    """The key kept in ``path``; made there first when missing, once even if several processes start together."""
    try:
        # Written whole under another name and linked into place: nobody ever reads half a key.
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        if not path.exists():
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(64))
            os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    return path.read_text().strip()
