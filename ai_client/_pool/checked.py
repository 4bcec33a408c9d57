"""Options of connections, validated before there is any."""

import os
import sys
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any, cast

from .._http.certificates import CertificateError
from .._http.options import PoolOptions

_LONGEST_UDS = 107 if sys.platform == "linux" else 103
"""Bytes of a unix socket's path."""
_OF_TRANSPORTS = frozenset({"local_address", "uds"})


def check_certificates(options: PoolOptions) -> None:
    """Read the files of certificates, so that they fail now and not with the first call.

    Raises:
        CertificateError: One is missing or cannot be used.
    """
    if isinstance(options.verify, SSLContext) and options.cert is not None:
        raise CertificateError(
            "cert",
            "verify is a context, which is used as it is: load the certificate into that, with load_cert_chain()",
        )
    if isinstance(options.verify, str) or options.cert is not None:
        options.tls(options.places[0])


def apart_fault(option: str) -> str:
    """Return why an option of connections is wrong beside an HTTP client, which has connections of its own."""
    where = "its transport, httpx.HTTPTransport" if option in _OF_TRANSPORTS else "it, as DefaultHttpxClient"
    return f"the connections are those of http_client: give {option} to {where}({option}=...)"


def http2_fault(http_client: Any) -> str | None:
    """Return why HTTP/2 is not spoken by the pool, by aiohttp, or by an HTTP client that was made without it."""
    transport = getattr(http_client, "_transport", http_client)
    spoken = getattr(getattr(transport, "_pool", None), "_http2", None)
    ours = type(transport).__module__.partition(".")[0] == __name__.partition(".")[0]
    if http_client is not None and not ours and spoken is not False:
        return None
    whose = "the built-in connections speak" if http_client is None else "this http_client speaks"
    return (
        f"{whose} HTTP/1.1. Give http_client=DefaultHttpxClient(http2=True), or"
        " DefaultAsyncHttpxClient(http2=True) to AsyncOpenAI"
    )


def checked_proxy(given: object) -> str:
    """Return the address of a proxy, or an empty text for none.

    Raises:
        ValueError: It is no address of a proxy; the message does not show it, as it may hold a password.
    """
    if not isinstance(given, str):
        raise ValueError(f"must be the address of a proxy, or '' for none, not {type(given).__name__}")  # noqa: TRY004 - for pydantic
    if given:
        from .proxy import Proxy  # noqa: PLC0415 - loads h11

        Proxy.parse(given)
    return given


def checked_local_address(given: object) -> str:
    """Return an IP address to connect from.

    Raises:
        ValueError: It is none.
    """
    try:
        return str(ip_address(given if isinstance(given, str) else ""))
    except ValueError:
        raise ValueError("must be an IP address of this machine, such as '192.0.2.7'") from None


def checked_uds(given: object) -> str:
    """Return the path of a unix socket.

    Raises:
        ValueError: It is none, or too long for any.
    """
    path: object = os.fspath(cast("os.PathLike[str]", given)) if isinstance(given, os.PathLike) else given
    if not isinstance(path, str) or not path.strip() or "\0" in path[1:]:
        raise ValueError("must be the path of a unix socket")
    if (length := len(os.fsencode(path))) > _LONGEST_UDS:
        raise ValueError(f"the path of a unix socket has {_LONGEST_UDS} bytes at most, this one has {length}")
    return path
