"""Values of a client's options: what each kind must be like, so that what can never work fails at the start."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias, cast, get_args

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from .._params.defaults import LONGEST_SECONDS
from .._params.dotted import imported, shown_path
from .._params.query import path, query_string
from .._params.secrets import shown_address
from .._params.sendable import address_fault, name_fault, text_fault, value_fault
from ..credentials.function import function_at
from ..errors import ConfigError

_MOST = 1_000_000
Package: TypeAlias = Literal["openai", "httpx", "httpx2"]
_PACKAGES = get_args(Package)
_TRUTH_VALUES = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
ADDRESSES = frozenset({"base_url", "azure_endpoint", "websocket_base_url", "proxy"})
"""Options that are addresses, which may hold a password."""


def _without(kinds: tuple[type, ...], expected: str) -> BeforeValidator:
    """Return a validator that rejects kinds which pydantic would coerce."""

    def check(value: Any) -> Any:
        if isinstance(value, kinds):
            raise ValueError(f"{expected} is expected, not {type(value).__name__}")  # noqa: TRY004 - for pydantic
        return value

    return BeforeValidator(check)


def _unless(fault_of: Callable[[str], str | None]) -> AfterValidator:
    """Return a validator that rejects text in which *fault_of* finds a fault."""

    def check(value: str) -> str:
        if (fault := fault_of(value)) is not None:
            raise ValueError(fault)
        return value

    return AfterValidator(check)


def _segment_fault(value: str) -> str | None:
    try:
        path("{name}", name=value)
    except ValueError:
        return "must be a name, without dots alone"
    if not value.isprintable() or any(mark in value for mark in "/?#% "):
        return "must be a name, without slashes and blanks"
    return text_fault(value)


def _headers(value: Any) -> Any:
    if isinstance(value, Mapping):
        for name, content in cast("Mapping[object, object]", value).items():
            if (fault := name_fault(name)) is not None:
                raise ValueError(fault)
            if (fault := value_fault(content)) is not None:
                raise ValueError(f"the header {name!r} {fault}")
    return cast("object", value)


def _query(value: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, content in value.items():
        if isinstance(content, bytes | bytearray | memoryview):
            raise ValueError(f"{name!r} must be text, not bytes")  # noqa: TRY004 - for pydantic
    try:
        query_string(value)
    except Exception as error:
        raise ValueError("this cannot be written as a query string") from error
    return value


def class_of(given: str | Callable[..., Any]) -> Callable[..., Any]:
    """Return a client class, which may be given by its dotted path.

    Raises:
        ConfigError: There is nothing there that can be called, or importing it fails.
    """
    if not isinstance(given, str):
        return given
    found: object = imported(given, "client class")
    if not callable(found):
        raise ConfigError(f"The client class {shown_path(given)} is no class.")
    return found


def other_kind(given: str | Callable[..., Any] | None, *, sync: bool) -> bool:
    """Return whether a client class is visibly an async one (*sync*), or a sync one, by its `with`."""
    found = None if given is None else class_of(given)
    own, other = ("__enter__", "__aenter__") if sync else ("__aenter__", "__enter__")
    return isinstance(found, type) and hasattr(found, other) and not hasattr(found, own)


_OURS = (__name__.partition(".")[0], frozenset({"BaseClient"}))
_OFFICIAL = ("openai", frozenset({"OpenAI", "AsyncOpenAI"}))


def is_ours(given: str | Callable[..., Any] | None) -> bool:
    """Return whether a client class is one of this package's, or derived from one; `None` is one."""
    return given is None or _is_derived(given, *_OURS)


def stands_on_ours(given: str | Callable[..., Any] | None) -> bool:
    """Return whether calls of a client class go through a client of this package: its own, or the official SDK's."""
    return is_ours(given) or _is_derived(given, *_OFFICIAL)


def is_for_azure(given: str | Callable[..., Any] | None) -> bool:
    """Return whether a client class, where there is one, is for Azure."""
    found: Any = None if given is None else class_of(given)
    return given is None or any("Azure" in base.__name__ for base in getattr(found, "__mro__", ()))


def _is_derived(given: str | Callable[..., Any] | None, package: str, names: frozenset[str]) -> bool:
    found: Any = None if given is None else class_of(given)
    bases: tuple[type[Any], ...] = getattr(found, "__mro__", ())
    return any(base.__module__.partition(".")[0] == package and base.__name__ in names for base in bases)


def _class_path(value: str) -> str:
    class_of(value)
    return value


def _function_path(value: str) -> str:
    function_at(value)
    return value


def _watched_clients(value: Any) -> bool | list[str]:
    """Return a truth value, or a list of packages, either of which may be text, as in the environment."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and (word := value.strip().lower()) in _TRUTH_VALUES:
        return _TRUTH_VALUES[word]
    given: Any = value.split(",") if isinstance(value, str) else value
    if isinstance(given, Iterable) and not isinstance(given, Mapping | bytes):
        packages = [one.strip() if isinstance(one, str) else one for one in cast("Iterable[object]", given)]
        if all(one in _PACKAGES for one in packages):
            return cast("list[str]", packages)
    raise ValueError("must be true, false, or a list of openai, httpx and httpx2")


_TEXT = _without((bytes, bytearray, memoryview), "text")
_NUMBER = _without((bool, bytes, bytearray, memoryview), "a number")

Text = Annotated[str, _TEXT]
Name = Annotated[str, _unless(text_fault), _TEXT]
Segment = Annotated[str, _unless(_segment_fault), _TEXT]
Address = Annotated[str, _unless(address_fault), _TEXT]
Seconds = Annotated[float, Field(ge=0, le=LONGEST_SECONDS, allow_inf_nan=False), _NUMBER]
SomeSeconds = Annotated[float, Field(gt=0, le=LONGEST_SECONDS, allow_inf_nan=False), _NUMBER]
Count = Annotated[int, Field(ge=0, le=_MOST), _NUMBER]
SomeCount = Annotated[int, Field(ge=1, le=_MOST), _NUMBER]
Size = Annotated[int, Field(ge=1), _NUMBER]
Headers = Annotated[Mapping[str, str], BeforeValidator(_headers)]
Query = Annotated[Mapping[str, Any], AfterValidator(_query)]
FunctionPath = Annotated[str, AfterValidator(_function_path), _TEXT]
WatchedClients = Annotated[bool | Sequence[Package], PlainValidator(_watched_clients)]
ClassPath = Annotated[str, AfterValidator(_class_path), _TEXT]


def shown_value(name: str, value: Any) -> Any:
    """Return the value of an option without what is secret in it, for a repr."""
    if name in ADDRESSES and isinstance(value, str):
        return shown_address(value)
    if name in {"http_client", "async_http_client"} and not isinstance(value, str | None):
        return f"<{type(value).__name__}>"  # its own repr may show anything
    return value
