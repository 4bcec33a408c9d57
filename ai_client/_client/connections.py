"""How a client connects: its options for TLS, proxies and sockets, validated."""

from collections.abc import Callable
from typing import Any, TypeVar

from .._http.certificates import Certificate, checked_verify
from .._http.options import Place, PoolOptions
from .._libraries import httpx
from .._pool.checked import (
    apart_fault,
    check_certificates,
    checked_local_address,
    checked_proxy,
    checked_uds,
    http2_fault,
)
from ..errors import ConfigError
from .arguments import pool_of

T = TypeVar("T")
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_SCHEMES = {"ws": "http", "wss": "https"}


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
    beside = [name for name, value in given.items() if value is not None]
    if verify is not True:
        beside.append("verify")
    if http_client is not None and beside:
        raise ConfigError(f"{beside[0]}: {apart_fault(beside[0])}.")
    if http2 and (fault := http2_fault(http_client)) is not None:
        raise ConfigError(f"http2: {fault}.")
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
    pool_of(check_certificates, made)
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
