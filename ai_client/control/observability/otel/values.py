"""Values of attributes: of types that exporters take, and bounded in size."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic_core import from_json, to_json

_LONGEST = 1024
_MOST_ITEMS = 128
_LARGEST = 2**63
_CUT = "…"
_SHORTEST = 16
_SMALLEST = 8
"""Bytes that a value takes at least, with what surrounds it."""


def clean(attributes: Mapping[str, Any], changes: Mapping[str, str | None]) -> dict[str, Any]:
    """Return attributes of types that exporters take, under the names that *changes* gives them."""
    found: dict[str, Any] = {}
    for name, value in attributes.items():
        named = changes.get(name, name)
        if value is not None and named is not None and (cleaned := _clean(value)) is not None:
            found[named] = cleaned
    return found


def _clean(value: Any) -> Any:
    kind = cast("type[Any]", type(value))
    if kind is str or isinstance(value, str):
        return value if len(value) <= _LONGEST and value.isascii() else text(value)
    if kind is bool or kind is float:
        return value
    if kind is int:
        return value if -_LARGEST <= value < _LARGEST else None
    if kind is list or kind is tuple:
        return [text(one) for one in cast("Sequence[Any]", value)[:_MOST_ITEMS] if isinstance(one, str)]
    return None


def text(value: str) -> str:
    """Return a text of bounded length that can be encoded."""
    if len(value) > _LONGEST:
        value = value[: _LONGEST - 1] + _CUT
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def fitted(items: Sequence[Any], most: int) -> str:
    """Return a list as JSON of at most *most* bytes: with its texts cut, then without its first items.

    The result is valid JSON, whatever had to go.
    """
    kept = list(items)
    encoded = to_json(kept)
    longest = most // 4
    while len(encoded) > most and longest >= _SHORTEST:
        encoded = to_json(_cut(kept, longest))
        longest //= 4
    while len(encoded) > most:
        kept = kept[len(kept) // 2 + 1 :]
        encoded = to_json(_cut(kept, _SHORTEST))
    return encoded.decode()


def latest(items: Sequence[Any], most: int) -> list[Any]:
    """Return the last items of a list, as many values as may fit into *most* bytes of JSON.

    What cannot fit need not be searched for what is to be masked.
    """
    left = [most // _SMALLEST]
    kept: list[Any] = []
    for item in reversed(items):
        if left[0] <= 0:
            break
        kept.append(_limited(item, left))
    return kept[::-1]


def _limited(value: Any, left: list[int]) -> Any:
    """Return a JSON value without what is beyond a number of values, which is counted down."""
    left[0] -= 1
    if isinstance(value, list):
        return [_limited(item, left) for item in cast("list[Any]", value) if left[0] > 0]
    if isinstance(value, dict):
        return {name: _limited(member, left) for name, member in cast("dict[str, Any]", value).items()}
    return value


def _cut(value: Any, longest: int) -> Any:
    """Return a JSON value with its texts cut to a length."""
    if isinstance(value, str):
        return value if len(value) <= longest else value[:longest] + _CUT
    if isinstance(value, list):
        return [_cut(item, longest) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: _cut(member, longest) for name, member in cast("dict[str, Any]", value).items()}
    return value


def parsed(data: bytes | str) -> Any:
    """Decode JSON; `None` where it is none."""
    try:
        return from_json(data)
    except ValueError:
        return None
