"""Paths and query strings."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import quote, unquote, urlencode

from ..errors import ConfigError
from .omit import NotGiven, Omit, Query

_DECODINGS = 8
_SEGMENTS = re.compile(r"[/\\]")


def path(template: str, /, **parts: str) -> str:
    """Fill a path template, quoting each part.

    Raises:
        ConfigError: A part is blank or has a segment `.` or `..`, which would name another resource.
    """
    return template.format_map({name: _quoted(name, value) for name, value in parts.items()})


def _quoted(name: str, value: object) -> str:
    if not value:
        raise ConfigError(f"Expected a non-empty value for `{name}` but received {value!r}")
    if not isinstance(value, str):
        raise TypeError(f"Expected a string for `{name}` but received {type(value).__name__}")
    if value.isspace() or (("." in value or "%" in value) and _climbs(value)):
        raise ConfigError(f"Expected a value for `{name}` that names one resource but received {value!r}")
    try:
        return quote(value, safe="!$&'()*+,;=:@")
    except UnicodeEncodeError:
        raise ConfigError(f"Expected text for `{name}` but received half a character") from None


def _climbs(part: str) -> bool:
    """Return whether a part holds `.` or `..` as a segment, even percent-encoded repeatedly."""
    for _ in range(_DECODINGS):
        if (decoded := unquote(part)) == part:
            break
        part = decoded
    else:
        return True  # nobody encodes an id so often who means well
    return any(segment.partition(";")[0].strip() in {".", ".."} for segment in _SEGMENTS.split(part))


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


def encoded(items: list[tuple[str, str]]) -> str:
    """Encode names and texts as a query string.

    Raises:
        ConfigError: One holds half a character.
    """
    try:
        return urlencode(items)
    except UnicodeEncodeError:
        raise ConfigError("A query parameter is not text: it holds half a character.") from None
