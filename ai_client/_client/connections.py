"""How a client connects: its options for TLS, proxies and sockets, validated."""

import os
import sys
from collections.abc import Callable
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any, TypeVar, cast

from .._http.certificates import Certificate, checked_verify
from .._http.options import Place, PoolOptions
from .._libraries import httpx
from ..errors import ConfigError
from .arguments import pool_of

T = TypeVar("T")
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_SCHEMES = {"ws": "http", "wss": "https"}
_LONGEST_UDS = 107 if sys.platform == "linux" else 103
"""Bytes of a unix socket's path."""
_OF_TRANSPORTS = frozenset({"local_address", "uds"})


def connections_of(
    http_client: Any,
    places: tuple[Place, ...],
    *,
    verify: object,
    cert: object,
    proxy: object,
    local_address: object,
    uds: object,
    http2: object,
    **options: Any,
) -> PoolOptions:
    """Return the options of a client's connections.

    Args:
        http_client: The HTTP client in place of the pool, if any.
        places: The servers that *cert* and *uds* are for.
        verify: The option of that name, as the next five.
        cert: Likewise.
        proxy: Likewise.
        local_address: Likewise.
        uds: Likewise.
        http2: Likewise.
        options: Further ones of the pool.

    Raises:
        ConfigError: One is ill-typed or can never work.
    """
    if not isinstance(http2, bool):
        raise ConfigError(f"http2 must be true or false, not {type(http2).__name__}.")
    given = {"cert": cert, "proxy": proxy, "local_address": local_address, "uds": uds}
    if http_client is not None:
        check_apart([name for name, value in given.items() if value is not None], verify)
    if http2:
        check_http2(http_client)
    made = pool_of(
        PoolOptions,
        verify=named("verify", checked_verify, verify),
        cert=None if cert is None else named("cert", Certificate.of, cert),
        proxy=None if proxy is None else named("proxy", checked_proxy, proxy),
        local_address=None
        if local_address is None
        else named("local_address", checked_local_address, local_address),
        uds=None if uds is None else named("uds", checked_uds, uds),
        places=places,
        **options,
    )
    check_certificates(made)
    return made


def named(option: str, check: Callable[[Any], T], value: object) -> T:
    """Return a value as a check returns it.

    Raises:
        ConfigError: The check fails; the message begins with the option.
    """
    try:
        return check(value)
    except ValueError as error:
        fault = str(error).removesuffix(".")
    raise ConfigError(f"{option}: {fault}.")


def check_certificates(options: PoolOptions) -> None:
    """Read the files of certificates, so that they fail now and not with the first call.

    Raises:
        ConfigError: One is missing or cannot be used.
    """
    if isinstance(options.verify, SSLContext) and options.cert is not None:
        raise ConfigError(
            "cert: verify is a context, which is used as it is: load the certificate into that, with"
            " load_cert_chain()."
        )
    if isinstance(options.verify, str) or options.cert is not None:
        pool_of(options.tls, options.places[0])


def check_apart(options: list[str], verify: object = True) -> None:
    """Raise for options of connections beside an HTTP client, which has connections of its own.

    Raises:
        ConfigError: There is one.
    """
    for name in (["verify"] if verify is not True else []) + options:
        where = (
            "its transport, httpx.HTTPTransport" if name in _OF_TRANSPORTS else "it, as DefaultHttpxClient"
        )
        raise ConfigError(
            f"{name}: the connections are those of http_client: give {name} to {where}({name}=...)."
        )


def check_http2(http_client: Any) -> None:
    """Raise where HTTP/2 is asked for and not spoken.

    Raises:
        ConfigError: The connections are the pool's, aiohttp's, or those of an HTTP client that was made without it.
    """
    transport = getattr(http_client, "_transport", http_client)
    spoken = getattr(getattr(transport, "_pool", None), "_http2", None)
    ours = type(transport).__module__.partition(".")[0] == __name__.partition(".")[0]
    if http_client is None or ours or spoken is False:
        whose = "the built-in connections speak" if http_client is None else "this http_client speaks"
        raise ConfigError(
            f"http2: {whose} HTTP/1.1. Give http_client=DefaultHttpxClient(http2=True), or"
            " DefaultAsyncHttpxClient(http2=True) to AsyncOpenAI."
        )


def checked_proxy(given: object) -> str:
    """Return the address of a proxy, or an empty text for none.

    Raises:
        ValueError: It is no address of a proxy; the message does not show it, as it may hold a password.
    """
    if not isinstance(given, str):
        raise ValueError(f"must be the address of a proxy, or '' for none, not {type(given).__name__}")  # noqa: TRY004 - for pydantic
    if given:
        from .._pool.proxy import Proxy  # noqa: PLC0415 - loads h11

        Proxy.parse(given)
    return given


def checked_local_address(given: object) -> str:
    """Return an IP address to connect from.

    Raises:
        ValueError: It is none.
    """
    try:
        return str(ip_address(cast("str", given)) if isinstance(given, str) else ip_address(""))
    except ValueError:
        raise ValueError("must be an IP address of this machine, such as '192.0.2.7'") from None


def checked_uds(given: object) -> str:
    """Return the path of a unix socket.

    Raises:
        ValueError: It is none, or too long for any.
    """
    path: object = os.fspath(cast("Any", given)) if isinstance(given, os.PathLike) else given
    if not isinstance(path, str) or not path.strip() or "\0" in path[1:]:
        raise ValueError("must be the path of a unix socket")
    if (length := len(os.fsencode(path))) > _LONGEST_UDS:
        raise ValueError(f"the path of a unix socket has {_LONGEST_UDS} bytes at most, this one has {length}")
    return path


def places_of(*addresses: "httpx.URL | None") -> tuple[Place, ...]:
    """Return the servers of addresses, each once."""
    found = [
        (
            _SCHEMES.get(url.scheme, url.scheme),
            url.raw_host.decode("ascii"),
            url.port or _PORTS.get(url.scheme, 0),
        )
        for url in addresses
        if url is not None
    ]
    return tuple(dict.fromkeys(found))
