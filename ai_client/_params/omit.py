"""Values that stand for what is not given, the options of every call, and parts of a path."""

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast, get_args, is_typeddict
from urllib.parse import quote, unquote, urlencode

from ..errors import ConfigError
from .keywords import _keywords

if TYPE_CHECKING:
    import httpx


class NotGiven:
    """The mark of an argument that was not passed, where `None` means something else."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"


class Omit:
    """The mark of a parameter or header that must not be sent, even where a default would be."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "omit"


not_given = NotGiven()
NOT_GIVEN = not_given
omit = Omit()

Headers = Mapping[str, "str | Omit"]
Query = Mapping[str, object]
Body = object


class RequestOptions(TypedDict, total=False):
    """What every method accepts beside its own parameters."""

    extra_headers: Headers | None
    """Headers of this request, over the client's; `omit` as a value removes one."""
    extra_query: Query | None
    """Query parameters of this request, over the client's."""
    extra_body: Body | None
    """Further members of the JSON body, over the method's parameters."""
    timeout: "float | httpx.Timeout | NotGiven | None"
    """Seconds to connect, write, and wait for each read; `None` waits for ever."""


ADMIN_PATHS = ("/organization", "/projects")
"""Where the paths of the organization's administration begin."""
OPTIONS = RequestOptions.__optional_keys__
_DECODINGS = 8
_SEGMENTS = re.compile(r"[/\\]")


def check_given(given: Mapping[str, object], params: Any, path: str, names: tuple[str, ...]) -> None:
    """Refuse a call without a file that it requires, or with a mapping where only a file can be.

    Raises:
        TypeError: The TypedDict *params* requires one of *names* that is `None` or marked as not given, or one is a
            mapping, and none of those that the API takes in its place.
    """
    required, _ = _keywords(params, False)
    for name in names:
        value = given.get(name)
        is_missing = (
            value is None or isinstance(value, NotGiven | Omit) or (isinstance(value, list) and not value)
        )
        if is_missing and name in required:
            raise TypeError(f"{path}: {name} must be a file, not {value!r}.")
        if isinstance(value, Mapping) and not (value and _takes_mapping(params, name)):
            raise TypeError(f"{path}: {name} must be a file, not a mapping.")


@cache
def _takes_mapping(params: Any, name: str) -> bool:
    """Return whether the API takes a mapping in place of a file, as one that names a file by its id."""
    return _holds_mapping(params.__annotations__.get(name))


def _holds_mapping(annotation: Any) -> bool:
    return is_typeddict(annotation) or any(map(_holds_mapping, get_args(annotation)))


@cache
def takes_body(params: Any, query: tuple[str, ...]) -> bool:
    """Return whether a method may have a body, which is `{}` where nothing for it is given.

    Args:
        params: The TypedDict of its keywords.
        query: Those of them that go into the query string.
    """
    return not _keywords(params, False)[1] <= OPTIONS.union(query)


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
    """Return whether a part holds `.` or `..` as a segment, however often a server on the way may decode it."""
    for _ in range(_DECODINGS):
        if (decoded := unquote(part)) == part:
            break
        part = decoded
    else:
        return True  # nobody encodes an id so often who means well
    return any(segment.partition(";")[0].strip() in {".", ".."} for segment in _SEGMENTS.split(part))


def encoded(items: list[tuple[str, str]]) -> str:
    """Encode names and texts as a query string.

    Raises:
        ConfigError: One holds half a character.
    """
    try:
        return urlencode(items)
    except UnicodeEncodeError:
        raise ConfigError("A query parameter is not text: it holds half a character.") from None


def check_extra(name: str, value: object) -> None:
    """Refuse what is no mapping of names.

    Raises:
        TypeError: *value* is no mapping, or one of its keys is no string.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, not {type(value).__name__}.")
    for key in cast("Mapping[object, object]", value):
        if not isinstance(key, str):
            raise TypeError(f"The keys of {name} must be strings, not {type(key).__name__}.")
