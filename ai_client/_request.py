"""What a caller gives and what goes over the wire: options, paths, query strings, JSON bodies."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast
from urllib.parse import quote, unquote, urlencode

from pydantic_core import PydanticSerializationError, SchemaSerializer, core_schema

from .errors import ConfigError

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


@cache
def _keywords(params: Any, streams: bool) -> tuple[frozenset[str], frozenset[str]]:
    required: frozenset[str] = params.__required_keys__
    allowed = required | params.__optional_keys__
    return required, allowed | {"stream"} if streams else allowed


def check_given(given: Mapping[str, object], params: Any, path: str, names: tuple[str, ...]) -> None:
    """Refuse a call without a file that it requires.

    Raises:
        TypeError: The TypedDict *params* requires one of *names* that is `None` or marked as not given.
    """
    required, _ = _keywords(params, False)
    for name in required.intersection(names):
        value = given[name]
        if value is None or isinstance(value, NotGiven | Omit) or value == []:
            raise TypeError(f"{path}: {name} must be a file, not {value!r}.")


@cache
def takes_body(params: Any, query: tuple[str, ...]) -> bool:
    """Return whether a method may have a body, which is `{}` where nothing for it is given.

    Args:
        params: The TypedDict of its keywords.
        query: Those of them that go into the query string.
    """
    return not _keywords(params, False)[1] <= OPTIONS.union(query)


def check_keywords(given: Mapping[str, object], params: Any, path: str, *, streams: bool = False) -> None:
    """Refuse a call with unknown or missing keywords, as a function with these parameters would.

    Raises:
        TypeError: *given* has a key that the TypedDict *params* lacks, or lacks one that it requires.
    """
    required, allowed = _keywords(params, streams)
    if not given.keys() <= allowed:
        unknown = next(name for name in given if name not in allowed)
        near = get_close_matches(unknown, allowed, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise TypeError(
            f"{path}: got an unexpected keyword argument {unknown!r}.{hint}"
            " Members that this version does not know go into extra_body={...}."
        )
    if not required <= given.keys():
        missing = ", ".join(repr(name) for name in sorted(required - given.keys()))
        raise TypeError(f"{path}: missing required keyword arguments: {missing}.")


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
    """Return whether a part holds `.` or `..` as a segment, however often a server on the way may decode it."""
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


def encoded(items: list[tuple[str, str]]) -> str:
    """Encode names and texts as a query string.

    Raises:
        ConfigError: One holds half a character.
    """
    try:
        return urlencode(items)
    except UnicodeEncodeError:
        raise ConfigError("A query parameter is not text: it holds half a character.") from None


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


_serializer = SchemaSerializer(core_schema.any_schema())
SENDING: dict[str, Any] = {}
"""The serialization context of what is sent, for results that hold more than the API knows."""


def encode(body: object) -> bytes:
    """Encode a JSON body; pydantic models in it by the fields that were set, without `omit` and `not_given`.

    Raises:
        TypeError: Something in *body* has no JSON form.
    """
    try:
        return _to_json(body)
    except PydanticSerializationError:
        pass  # rare: sentinels, or what has no JSON form
    try:
        return _to_json(_without_omitted(body))
    except PydanticSerializationError as error:
        raise TypeError(str(error).removeprefix("Error serializing to JSON: ")) from None


def _to_json(body: object) -> bytes:
    return _serializer.to_json(
        body, exclude_unset=True, by_alias=True, warnings=False, fallback=_fallback, context=SENDING
    )


def _fallback(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if isinstance(value, type):
        raise TypeError(
            f"The class {value.__name__} is not JSON serializable. A type as the format of an answer goes into `parse`"
            " or `stream`, not `create`."
        )
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _without_omitted(value: object) -> object:
    if isinstance(value, Mapping):
        return {
            name: _without_omitted(member)
            for name, member in cast("Mapping[object, object]", value).items()
            if not isinstance(member, NotGiven | Omit)
        }
    if isinstance(value, list | tuple):
        items = cast("Iterable[object]", value)
        return [_without_omitted(item) for item in items if not isinstance(item, NotGiven | Omit)]
    if isinstance(value, Iterator):
        raise TypeError("A one-shot iterator cannot be sent beside omitted values: pass a list.")
    _complete(value)
    return value


def _complete(value: object) -> None:
    """Have the classes of models ready to serialize; pydantic before 2.14 cannot do so where none was validated yet."""
    parts: Iterable[object] = ()
    if isinstance(value, list | tuple):
        parts = cast("Iterable[object]", value)
    elif isinstance(value, dict):
        parts = cast("dict[str, object]", value).values()
    elif hasattr(cls := cast("Any", type(value)), "__pydantic_complete__"):
        if not cls.__pydantic_complete__:
            cls.model_rebuild()
        parts = vars(value).values()
    for part in parts:
        _complete(part)


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


def merge(base: Mapping[str, Any] | None, extra: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Lay *extra* over *base*; neither is changed."""
    if not extra:
        return base
    return {**base, **extra} if base else extra
