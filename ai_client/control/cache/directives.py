"""Headers of a call that are for the cache: the directives of `cache-control`, and tags."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from ..._call.call import Call
from ..._params.omit import Omit
from ...errors import ConfigError

CONTROL = "cache-control"
TAG = "cache-tag"


@dataclass(frozen=True, slots=True)
class Directives:
    """The wishes of a call for the cache."""

    store: bool = True
    read: bool = True
    max_age: float | None = None
    tags: tuple[str, ...] = ()


DEFAULT = Directives()


def read_directives(call: Call) -> tuple[Directives, Call]:
    """Parse the headers of a call that are for the cache; return what they say with the call without them."""
    said: dict[str, str] = {}
    rest: dict[str, Any] = {}
    given_headers: Mapping[str, Any] = call.headers or {}  # by callers without a type checker too
    for name, value in given_headers.items():
        if (lower := name.lower()) in {CONTROL, TAG} and isinstance(value, str | Omit):
            said[lower] = "" if isinstance(value, Omit) else value
        else:
            rest[name] = value
    if not said:
        return DEFAULT, call
    given = _split(said.get(CONTROL, ""))
    age = given.get("max-age")
    directives = Directives(
        "no-store" not in given,
        "no-cache" not in given,
        float(age) if age and age.isdecimal() else None,
        _tags(said.get(TAG, "")),
    )
    return directives, call.changed(headers=rest or None)


def cache_tags(*tags: str) -> dict[str, str]:
    """Return the header that tags the cached answer of a call: `extra_headers=cache_tags("product-7", "faq")`.

    The cache keeps it to itself. Answers with a tag are invalidated by `provider.cache.invalidate(tag="product-7")`.

    Raises:
        ConfigError: A tag is no text, or empty.
    """
    return {TAG: ",".join(quote(tag, safe="") for tag in checked_tags(tags))}


def checked_tags(tags: object) -> tuple[str, ...]:
    """Return tags, each once and in order.

    Raises:
        ConfigError: They are no list of texts, or one of them is empty.
    """
    if isinstance(tags, str) or not isinstance(tags, list | tuple | set | frozenset):
        raise ConfigError("cache: tags must be a list of texts.")
    found: list[Any] = list(tags)  # pyright: ignore[reportUnknownArgumentType]
    if not all(isinstance(tag, str) and tag.strip() for tag in found):
        raise ConfigError("cache: tags: each must be a text that is not empty.")
    return tuple(sorted({tag.strip() for tag in found}))


def _tags(value: str) -> tuple[str, ...]:
    return tuple(sorted({tag for part in value.split(",") if (tag := unquote(part).strip())}))


def _split(value: str) -> dict[str, str]:
    parts = (part.strip().partition("=") for part in value.lower().split(","))
    return {name: argument.strip('" ') for name, _, argument in parts}
