"""System checks of our own, run by ``manage.py check`` and at every start."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def var_is_writable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The folder that holds database, uploads and sockets must be there and writable."""
    probe = settings.VAR_DIR / ".writable"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        return [Error(f"{settings.VAR_DIR} cannot be written: {error.strerror}", id="portal.E001")]
    return []
