"""Paths and query strings."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    pass
from .omit import NotGiven, Omit, Query, _quoted, encoded


def path(template: str, /, **parts: str) -> str:
    """Fill a path template, quoting each part.

    Raises:
        ConfigError: A part is blank or has a segment `.` or `..`, which would name another resource.
    """
    return template.format_map({name: _quoted(name, value) for name, value in parts.items()})


def query_items(params: Query) -> list[tuple[str, str]]:
    """Flatten parameters for a query string or form, in the official SDK's style: `a[b]=1`, `list[]=1`."""
    items: list[tuple[str, str]] = []
    for key, value in params.items():
        _flatten(key, value, items)
    return items


def query_string(params: Query) -> str:
    """Encode parameters as a query string.

    Raises:
        ConfigError: A name or a text holds half a character.
    """
    return encoded(query_items(params))


def _flatten(key: str, value: object, into: list[tuple[str, str]]) -> None:
    if value is None or isinstance(value, NotGiven | Omit):
        return
    if isinstance(value, bool):
        into.append((key, "true" if value else "false"))
    elif isinstance(value, Mapping):
        for name, member in cast("Mapping[str, object]", value).items():
            _flatten(f"{key}[{name}]", member, into)
    elif isinstance(value, list | tuple):
        for item in cast("Iterable[object]", value):
            _flatten(f"{key}[]", item, into)
    else:
        into.append((key, str(value)))


def merge(base: Mapping[str, Any] | None, extra: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Lay *extra* over *base*; neither is changed."""
    if not extra:
        return base
    return {**base, **extra} if base else extra
