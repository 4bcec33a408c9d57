"""Values of the options that say how clients connect, and for how long they wait."""

import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Protocol, cast, runtime_checkable

from pydantic import BeforeValidator, Discriminator, PlainValidator, Tag
from pydantic_core import from_json

from .._http.certificates import Certificate, checked_verify
from .._params.dotted import imported
from .._params.identity import check_identity
from .._params.key_file import checked_key_path
from .._params.sendable import address_fault
from .._params.timeouts import steps_of
from .._pool.checked import checked_local_address, checked_proxy, checked_uds
from ..errors import ConfigError
from . import http_client
from .values import SomeSeconds


@runtime_checkable
class Timeout(Protocol):
    """A `Timeout` of an HTTP library."""

    def as_dict(self) -> dict[str, float | None]:
        """Return the seconds of each step."""
        ...


def _steps(given: Any) -> Any:
    """Return the seconds of steps as a mapping with all of them, and a number as it is."""
    if isinstance(given, str) and given.lstrip().startswith("{"):
        try:
            given = from_json(given)
        except ValueError:
            raise ValueError("text must be a number or a JSON object of steps") from None
    elif isinstance(given, Timeout):
        given = given.as_dict()
    if not isinstance(given, Mapping):
        return given
    return steps_of(cast("Mapping[object, Any]", given))


def _is_apart(given: Any) -> str:
    return "apart" if isinstance(given, Mapping) else "number"


def _cert(given: Any) -> Any:
    if isinstance(given, str) and given.lstrip().startswith("["):
        try:
            given = from_json(given)
        except ValueError:
            raise ValueError("text must be a path or a JSON list") from None
    return Certificate.of(given)


def _socket_address(given: Any) -> str:
    text = str(given) if isinstance(given, str) or hasattr(given, "raw_path") else ""
    if address_fault(re.sub("^ws(?=s?://)", "http", text, flags=re.IGNORECASE)) is not None:
        raise ValueError("must be an absolute ws, wss, http or https address")
    return text


def _identity(given: Any) -> Any:
    found = imported(given, "workload identity") if isinstance(given, str) else given
    try:
        identity: Any = found() if callable(found) else found
    except Exception as error:
        raise ValueError(f"the function of the identity failed ({type(error).__name__}: {error})") from error
    check_identity(identity)
    return identity


def _key_path(given: Any) -> str:
    try:
        return checked_key_path(given)
    except ConfigError:
        raise ValueError("must be the path of a file") from None


def _plain(check: Callable[[Any], Any]) -> PlainValidator:
    return PlainValidator(check)


Timeouts = Annotated[
    Annotated[SomeSeconds, Tag("number")]
    | Annotated[Mapping[str, float | None], Tag("apart")]
    | Annotated[Timeout, Tag("object")],
    Discriminator(_is_apart),
    BeforeValidator(_steps),
]
Trusted = Annotated[bool | str | Path | ssl.SSLContext, _plain(checked_verify)]
Certified = Annotated[str | Path | Sequence[str | Path | None], _plain(_cert)]
ProxyAddress = Annotated[str, _plain(checked_proxy)]
LocalAddress = Annotated[str, _plain(checked_local_address)]
KeyPath = Annotated[str | Path, _plain(_key_path)]
SocketPath = Annotated[str | Path, _plain(checked_uds)]
SocketAddress = Annotated[str, _plain(_socket_address)]
Identity = Annotated[Mapping[str, Any] | str | Callable[[], Any], _plain(_identity)]
HttpClient = Annotated[Any, _plain(http_client.checked)]
