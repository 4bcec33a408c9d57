"""The options of our pool."""

import math
import ssl
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from .._params.defaults import DEFAULT_KEEPALIVE_EXPIRY, DEFAULT_MAX_CONNECTIONS
from .certificates import Certificate
from .library import LibraryName
from .tls import Trust, tls_context

Place: TypeAlias = tuple[str, str, int]
"""Scheme, host and port of a server."""


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How a pool makes, shares and keeps its connections.

    Attributes:
        max_connections: The most connections open at once, to all servers together, idle ones included.
        max_idle: The most that may lie idle; `None` is as many as may be open.
        keepalive_expiry: Seconds a connection may lie idle before it is replaced.
        trust: Whose authorities are trusted: those of the certifi package (or of `SSL_CERT_FILE` and
            `SSL_CERT_DIR`, where set and `trust_env` holds) or those of the operating system.
        verify: Whether certificates are checked, a file or directory of authorities, or a context of your own, which
            is used as it is.
        cert: The certificate by which *places* know the client, and no other server.
        uds: The path of the unix socket behind which the first of *places* is.
        local_address: The IP address of this machine that connections come from.
        places: The servers that `cert` and `uds` are for.
        trust_env: Whether `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, `SSL_CERT_FILE` and
            `SSL_CERT_DIR` count.
        environment_proxies: Whether the proxies of the environment count where `trust_env` holds.
        proxy: Address of a proxy for every request: http, https, socks5 or socks5h. `NO_PROXY` does not
            apply to it. An empty one is none, whatever the environment says.
        proxy_headers: Headers that an HTTP proxy gets beside its credentials.
        proxy_verify: As `verify`, for a proxy that speaks TLS; `None` is as `verify`.
        library: The library whose requests, responses and exceptions the pool speaks.
        owner: The client that it belongs to, for logs.
    """

    max_connections: int = DEFAULT_MAX_CONNECTIONS
    max_idle: int | None = None
    keepalive_expiry: float = DEFAULT_KEEPALIVE_EXPIRY
    trust: Trust = "certifi"
    verify: bool | str | ssl.SSLContext = True
    cert: Certificate | None = None
    uds: str | None = None
    local_address: str | None = None
    places: tuple[Place, ...] = ()
    trust_env: bool = True
    environment_proxies: bool = True
    proxy: str | None = field(default=None, repr=False)
    proxy_headers: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    proxy_verify: bool | ssl.SSLContext | None = None
    library: LibraryName = "httpx"
    owner: str = "a transport"

    def __post_init__(self) -> None:
        if type(self.max_connections) is not int or self.max_connections < 1:
            raise ValueError(f"max_connections must be at least 1, not {self.max_connections!r}.")
        expiry = cast("object", self.keepalive_expiry)
        if isinstance(expiry, bool) or not isinstance(expiry, int | float) or not 0 <= expiry < math.inf:
            raise ValueError(f"keepalive_expiry must be a number of seconds, not {expiry!r}.")
        if self.trust not in ("certifi", "system"):
            raise ValueError(f"trust must be 'certifi' or 'system', not {self.trust!r}.")

    def tls(self, place: Place | None = None) -> ssl.SSLContext:
        """Return the TLS context for a server, built on first use and shared by the process."""
        return self._context(self.verify, self.cert if place in self.places else None)

    def proxy_tls(self) -> ssl.SSLContext:
        """Return the TLS context for proxies."""
        return self._context(self.verify if self.proxy_verify is None else self.proxy_verify, None)

    def socket_of(self, place: Place) -> str | None:
        """Return the path of the unix socket behind which a server is, if it is behind one."""
        return self.uds if self.uds is not None and place in self.places[:1] else None

    def _context(self, verify: bool | str | ssl.SSLContext, cert: Certificate | None) -> ssl.SSLContext:
        if isinstance(verify, ssl.SSLContext):
            return verify
        return tls_context(self.trust, verify=verify, cert=cert, trust_env=self.trust_env)
