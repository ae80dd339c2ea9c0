"""A report as versioned, JSON-able data, to be stored: pages are rendered from it long after the file is
gone.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Any, Final

from .layout import FeatureSet
from .readings import HeaderReport

FORMAT: Final = 1
"""Version of the shape of :func:`to_json_dict`; raised when a name goes or changes its meaning."""


def to_json_dict(report: HeaderReport) -> dict[str, Any]:
    """The whole report. Bytes are hexadecimal without spaces, enums their words, tuples lists.

    The keys are those of :class:`HeaderReport` and the records in it, plus ``format``, ``opens`` and
    ``rules_kept``. Numbers may pass 2**53, where JavaScript loses digits: each has its ``human`` text beside
    it.
    """
    body = _plain(report)
    assert isinstance(body, dict)
    body["dump"]["cut"] = report.dump.cut
    return {"format": FORMAT, "opens": report.opens, "rules_kept": report.rules_kept, **body}


def _plain(value: object) -> Any:
    if isinstance(value, FeatureSet):
        return value.name.lower()
    if isinstance(value, enum.StrEnum):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    assert value is None or isinstance(value, int | str)
    return value
