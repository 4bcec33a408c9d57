"""Validation of a client's arguments, interpreted as the official SDK does."""

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, TypeVar, cast

from .._call.stream_ends import StreamEndPolicy
from .._http.library import Library, library
from .._libraries import httpx
from .._params.defaults import DEFAULT_CONNECT_TIMEOUT, DEFAULT_READ_TIMEOUT, LONGEST_SECONDS
from .._params.omit import NotGiven, Omit
from .._params.secrets import check_secret
from .._params.sendable import address_fault, name_fault, text_fault, value_fault
from .._params.timeouts import steps_of
from ..errors import ConfigError, OpenAIError
from .environment import custom_headers

P = TypeVar("P")
DEFAULT_BASE_URL = "https://api.openai.com/v1"
DataResidency: TypeAlias = Literal["global", "us", "eu", "ae", "au", "in", "jp"]
_KINDS = {True: ("Client", "BaseTransport"), False: ("AsyncClient", "AsyncBaseTransport")}
_REGIONS = ("ae", "au", "eu", "in", "jp", "us")


def api_key_of(value: object) -> tuple[str, Callable[[], Any] | None]:
    """Split api_key into a static key and a key function."""
    if callable(value):
        return "", value
    if not isinstance(value, str):
        raise ConfigError(f"api_key must be a string or a function, not {type(value).__name__}.")
    return check_secret("api_key", value), None


def check_credentials(*credentials: object) -> None:
    """Raise if a client has no means to authorize a request."""
    if not any(credentials):
        raise OpenAIError(
            "Missing credentials. Pass api_key=..., admin_api_key=... or workload_identity=... to the client, or set"
            " the environment variable OPENAI_API_KEY or OPENAI_ADMIN_KEY."
        )


def base_url_of(
    base_url: "str | httpx.URL | NotGiven | None",
    data_residency: DataResidency | None,
    websocket_base_url: object = None,
) -> "str | httpx.URL | None":
    """Choose between an address and a region, of which only one may be given."""
    if data_residency is None:
        return None if isinstance(base_url, NotGiven) else base_url
    if base_url is not None and not isinstance(base_url, NotGiven):
        raise ConfigError("data_residency and base_url exclude each other: give one of them.")
    if websocket_base_url is not None:
        raise ConfigError("data_residency and websocket_base_url exclude each other: give one of them.")
    if data_residency == "global":
        return DEFAULT_BASE_URL
    if data_residency not in _REGIONS:
        known = ", ".join(["global", *_REGIONS])
        raise ConfigError(f"data_residency must be one of {known}.")
    return f"https://{data_residency}.api.openai.com/v1"


def headers_of(given: Mapping[str, str | Omit] | None, named: str) -> dict[str, str | Omit]:
    """Lay the given headers over those that `OPENAI_CUSTOM_HEADERS` names.

    Raises:
        ConfigError: One cannot be sent.
    """
    check_headers("default_headers", given)
    return merge_headers(custom_headers(named) if named else {}, given or {})


def check_headers(option: str, given: Mapping[str, str | Omit] | None) -> None:
    """Validate default headers.

    Raises:
        ConfigError: They are no mapping, or one cannot be sent.
    """
    if not isinstance(given, Mapping | None):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"{option} must be a mapping, not {type(given).__name__}.")
    for name, value in (given or {}).items():
        fault = name_fault(name)
        if fault is None and not isinstance(value, Omit) and (fault := value_fault(value)) is not None:
            fault = f"the header {name!r} {fault}"
        if fault is not None:
            raise ConfigError(f"{option}: {fault}.")


def query_of(given: Mapping[str, object] | None, option: str = "default_query") -> dict[str, object]:
    """Return the query parameters of every request.

    Raises:
        ConfigError: They are no mapping.
    """
    if not isinstance(given, Mapping | None):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"{option} must be a mapping, not {type(given).__name__}.")
    return dict(given or {})


def checked_socket_address(value: "str | httpx.URL | None") -> "str | httpx.URL | None":
    """Return where WebSockets are; an empty text is as good as none.

    Raises:
        ConfigError: It is no address.
    """
    text = "" if value is None else str(value)
    if not text:
        return None
    fault = address_fault(re.sub("^ws(?=s?://)", "http", text, flags=re.IGNORECASE))
    if fault is not None or (not isinstance(value, str) and not hasattr(value, "raw_path")):
        raise ConfigError("websocket_base_url must be an absolute ws, wss, http or https address.")
    return value


def checked_name(name: str, value: str | None) -> str | None:
    """Return the name of an organization or a project.

    Raises:
        ConfigError: No header can hold it.
    """
    if value is not None and (fault := text_fault(value)) is not None:
        raise ConfigError(f"{name}: {fault}.")
    return value


def pool_of(make: Callable[..., P], *args: Any, **options: Any) -> P:
    """Make a pool, or what one is made of.

    Raises:
        ConfigError: Its options, or what the environment says of proxies, can never work.
    """
    try:
        return make(*args, **options)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def merge_headers(base: Mapping[str, str | Omit], over: Mapping[str, str | Omit]) -> dict[str, str | Omit]:
    """Lay headers over others; names count without regard to case."""
    replaced = {name.lower() for name in over}
    return {**{name: value for name, value in base.items() if name.lower() not in replaced}, **over}


def merge_query(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Lay query parameters over others."""
    return {**base, **over}


def changed(
    what: str, own: Any, over: Any, instead: Any, lay: Callable[[Any, Any], dict[str, Any]]
) -> Mapping[str, Any]:
    """Merge defaults with overrides, or replace them."""
    if over is None:
        return own if instead is None else dict(instead)
    if instead is not None:
        raise ConfigError(f"default_{what} and set_default_{what} exclude each other: give one of them.")
    return lay(own, over)


def library_of(http_client: Any, backend: str) -> Library:
    """Return the HTTP library of a user's client or transport, else the configured one."""
    if http_client is not None:
        backend = next(
            (name for name in ("httpx", "httpx2") if _is_of(http_client, sys.modules.get(name))), "httpx"
        )
    if not isinstance(backend, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"http_backend must be 'httpx' or 'httpx2', not {type(backend).__name__}.")
    try:
        return library(backend)
    except ValueError as error:
        raise ConfigError(f"http_backend: {error}") from None


def _is_of(http_client: object, http: Any) -> bool:
    """Return whether an object is of that HTTP library; checked by instance, as module names may be rewritten."""
    kinds = [
        name for names in _KINDS.values() for name in names if hasattr(http, name)
    ]  # it may be half imported
    return isinstance(http_client, tuple(getattr(http, name) for name in kinds))


def check_http_client(http_client: Any, used: Library, *, sync: bool) -> None:
    """Raise if an HTTP client or transport is of the wrong kind.

    Raises:
        TypeError: It belongs to the other of the two clients, or to another library.
    """
    right, wrong = (tuple(getattr(used.http, name) for name in _KINDS[side]) for side in (sync, not sync))
    if isinstance(http_client, right):
        return
    name = f"{type(http_client).__module__.partition('.')[0]}.{type(http_client).__name__}"
    kind = right[0].__name__
    expected = f"an httpx.{kind} or httpx2.{kind}, or a transport of theirs"
    if isinstance(http_client, type):
        hint = " Pass an instance, not the class."
    elif isinstance(http_client, wrong):
        hint = f" It belongs to {'AsyncOpenAI' if sync else 'OpenAI'}."
    else:
        hint = ""
    raise TypeError(f"Invalid `http_client` argument; expected {expected}, not {name}.{hint}")


def timeout_of(
    timeout: "float | Mapping[str, float | None] | httpx.Timeout | NotGiven | None",
    http_client: Any,
    used: Library,
) -> "float | httpx.Timeout | None":
    """Return the timeout: the argument, else the HTTP client's own, else the default."""
    if not isinstance(timeout, NotGiven):
        return checked_timeout(timeout, used)
    if isinstance(http_client, used.http.Client | used.http.AsyncClient):
        own: httpx.Timeout = http_client.timeout
        if own.as_dict() != used.http.Timeout(5.0).as_dict():  # the library's default, so nobody chose it
            return own
    default: httpx.Timeout = used.http.Timeout(DEFAULT_READ_TIMEOUT, connect=DEFAULT_CONNECT_TIMEOUT)
    return default


def checked_timeout(
    timeout: "float | Mapping[str, float | None] | httpx.Timeout | None", used: Library
) -> "float | httpx.Timeout | None":
    """Validate a timeout; seconds of steps become a `Timeout` of the HTTP library.

    Raises:
        TypeError: It is neither a number, nor a mapping, nor `None`, nor a `Timeout` of the HTTP library.
        ConfigError: It is negative or not finite, or there is no such step.
    """
    if isinstance(timeout, Mapping):
        try:
            steps: httpx.Timeout = used.http.Timeout(**steps_of(cast("Mapping[object, Any]", timeout)))
        except ValueError as error:
            raise ConfigError(f"timeout: {error}.") from None
        return steps
    if timeout is None or hasattr(timeout, "as_dict"):
        return timeout
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(
            "timeout must be a number of seconds, a mapping of steps, a Timeout of the HTTP library or None,"
            f" not {type(timeout).__name__}."
        )
    if not 0 <= timeout <= LONGEST_SECONDS:
        raise ConfigError("timeout must be a number of seconds that is not negative, or None for no bound.")
    return timeout


def checked_retries(value: int) -> int:
    """Validate a number of retries."""
    if type(value) is not int:
        raise TypeError("max_retries must be a non-negative integer; 0 turns retries off")
    if value < 0:
        raise ConfigError("max_retries must be a non-negative integer; 0 turns retries off")
    return value


def checked_stream_end(value: StreamEndPolicy) -> StreamEndPolicy:
    """Validate the option for streams without an end mark."""
    if value not in ("required", "optional"):
        raise ConfigError(f"stream_end must be 'required' or 'optional', not {value!r}")
    return value


def checked_deadline(value: float | None) -> float | None:
    """Validate a deadline in seconds."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError("deadline must be a number of seconds, or None for no deadline")
    if not 0 < value <= LONGEST_SECONDS:
        raise ConfigError("deadline must be greater than zero; None is no deadline")
    return float(value)
