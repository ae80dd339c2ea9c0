"""Write an :class:`Inventory` as JSON values and read it again: how the portal keeps one, under its hash."""

from __future__ import annotations

import dataclasses
import types
from functools import cache
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from .inventory_types import Inventory, InventoryError


def inventory_to_json(inventory: Inventory) -> dict[str, Any]:
    """Return ``inventory`` as JSON values; what is as by default is left out. Equal inventories, equal values."""
    return cast(dict[str, Any], _write(inventory))


def inventory_from_json(value: object) -> Inventory:
    """Return what :func:`inventory_to_json` wrote, also in an older release; else :class:`InventoryError`."""
    try:
        return cast(Inventory, _read(Inventory, value))
    except (TypeError, ValueError):
        raise InventoryError("The stored inventory is not in the form of this release.") from None


def _write(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_write(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value
    return {
        field.name: _write(getattr(value, field.name))
        for field in dataclasses.fields(value)
        if field.default is dataclasses.MISSING or getattr(value, field.name) != field.default
    }


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, value: Any) -> Any:
    """Return ``value`` as ``kind``: a frozen type, a tuple, one of a union, or a plain value of exactly that type."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return None if value is None else _read(next(k for k in get_args(kind) if k is not type(None)), value)
    if origin is tuple:
        return _read_tuple(get_args(kind), value)
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict) or not value.keys() <= _hints(cast(type, kind)).keys():
            raise ValueError("not an object of that type")
        hints = _hints(cast(type, kind))
        return cast(type, kind)(**{name: _read(hints[name], item) for name, item in value.items()})
    if type(value) is not kind:
        raise ValueError("a value of another type")
    return value


def _read_tuple(kinds: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    if kinds[-1] is Ellipsis:
        return tuple(_read(kinds[0], item) for item in value)
    return tuple(_read(kind, item) for kind, item in zip(kinds, value, strict=True))
