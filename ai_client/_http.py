"""The HTTP library below the clients: which one, how it trusts a server, how its pool is set up."""

import math
import os
import ssl
import sys
import threading
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Literal, TypeAlias, cast

from ._fork import PerProcess

LibraryName: TypeAlias = Literal["httpx", "httpx2"]
Trust: TypeAlias = Literal["certifi", "system"]
DEADLINE = "ai_client.deadline"
"""The extension of a request that says when its exchange must be over, in seconds of `time.monotonic`."""
RAW_HEADERS = "ai_client.raw_headers"
"""The extension of an answer that has its headers as they came, pairs of bytes, for who looks at many of them."""


@dataclass(frozen=True, slots=True)
class Library:
    """An HTTP library: `http` holds its requests, responses and exceptions."""

    name: LibraryName
    http: ModuleType


@cache
def library(name: str = "httpx") -> Library:
    """Import the library of that name, once.

    Raises:
        ValueError: There is no such backend.
        ImportError: It is not installed; the message names the command that installs it.
    """
    if name not in {"httpx", "httpx2"}:
        raise ValueError(f"There is no HTTP backend {name!r}; use 'httpx' or 'httpx2'.")
    try:
        return Library(cast("LibraryName", name), import_module(name))
    except ModuleNotFoundError as error:
        if name == "httpx" or error.name != name:
            raise
        raise ImportError(
            'The HTTP backend httpx2 is not installed: pip install "ai-client[httpx2]"', name="httpx2"
        ) from error


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How a pool makes, shares and keeps its connections.

    Attributes:
        max_connections: The most connections open at once, to all servers together, idle ones included.
        max_idle: The most that may lie idle; `None` is as many as may be open.
        keepalive_expiry: Seconds a connection may lie idle before it is replaced.
        trust: Whose authorities are trusted: those of the certifi package (or of `SSL_CERT_FILE` and
            `SSL_CERT_DIR`, where set and `trust_env` holds) or those of the operating system.
        verify: Whether certificates are checked; or a context of your own, used as it is.
        trust_env: Whether `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, `SSL_CERT_FILE` and
            `SSL_CERT_DIR` count.
        environment_proxies: Whether the proxies of the environment count where `trust_env` holds.
        proxy: Address of a proxy for every request: http, https, socks5 or socks5h. `NO_PROXY` does not
            apply to it.
        proxy_headers: Headers that an HTTP proxy gets beside its credentials.
        proxy_verify: As `verify`, for a proxy that speaks TLS; `None` is as `verify`.
        library: The library whose requests, responses and exceptions the pool speaks.
    """

    max_connections: int = 1000
    max_idle: int | None = None
    keepalive_expiry: float = 60.0
    trust: Trust = "certifi"
    verify: bool | ssl.SSLContext = True
    trust_env: bool = True
    environment_proxies: bool = True
    proxy: str | None = field(default=None, repr=False)
    proxy_headers: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    proxy_verify: bool | ssl.SSLContext | None = None
    library: LibraryName = "httpx"

    def __post_init__(self) -> None:
        if type(self.max_connections) is not int or self.max_connections < 1:
            raise ValueError(f"max_connections must be at least 1, not {self.max_connections!r}.")
        expiry = cast("object", self.keepalive_expiry)
        if isinstance(expiry, bool) or not isinstance(expiry, int | float) or not 0 <= expiry < math.inf:
            raise ValueError(f"keepalive_expiry must be a number of seconds, not {expiry!r}.")
        if self.trust not in ("certifi", "system"):
            raise ValueError(f"trust must be 'certifi' or 'system', not {self.trust!r}.")

    def tls(self) -> ssl.SSLContext:
        """Give the TLS context for servers, built when first asked for and shared by the whole process."""
        return self._context(self.verify)

    def proxy_tls(self) -> ssl.SSLContext:
        """Return the TLS context for proxies."""
        return self._context(self.verify if self.proxy_verify is None else self.proxy_verify)

    def _context(self, verify: bool | ssl.SSLContext) -> ssl.SSLContext:
        if isinstance(verify, ssl.SSLContext):
            return verify
        return tls_context(self.trust, verify=verify, trust_env=self.trust_env)


_contexts: dict[tuple[str, ...], ssl.SSLContext] = {}
_building = PerProcess(threading.Lock)


class TrustError(ValueError):
    """Authorities to trust that cannot be read; the message names the variable of the environment that names them."""


def tls_context(trust: Trust = "certifi", *, verify: bool = True, trust_env: bool = True) -> ssl.SSLContext:
    """Return the process's TLS context for a trust store; building one takes some 17 ms and 0.8 MB.

    Raises:
        TrustError: `SSL_CERT_FILE` or `SSL_CERT_DIR` names nothing that can be read.
    """
    file = os.environ.get("SSL_CERT_FILE", "") if trust_env else ""
    directory = os.environ.get("SSL_CERT_DIR", "") if trust_env else ""
    key = (trust, file, directory) if verify else ()
    context = _contexts.get(key)
    if context is None:
        with _building():
            context = _contexts.get(key)
            if context is None:
                context = _contexts[key] = _build(trust, verify, file, directory)
    return context


def _build(trust: Trust, verify: bool, file: str, directory: str) -> ssl.SSLContext:
    if not verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif file or directory:
        context = _named_context(file, directory)
    elif trust == "system":
        context = _system_context()
    else:
        context = ssl.create_default_context(cafile=import_module("certifi").where())
    context.set_alpn_protocols(["http/1.1"])
    return context


def _named_context(file: str, directory: str) -> ssl.SSLContext:
    """Trust what the environment names."""
    if directory and not any(Path(part).is_dir() for part in directory.split(os.pathsep)):
        raise TrustError(f"SSL_CERT_DIR in the environment: there is no directory {directory!r}.")
    try:
        return ssl.create_default_context(cafile=file or None, capath=directory or None)
    except (OSError, ValueError) as error:
        raise TrustError(
            f"SSL_CERT_FILE in the environment: no certificates can be read from {file!r} ({error})."
        ) from error


def _system_context() -> ssl.SSLContext:
    """Trust what the system trusts; outside Linux only the truststore package can ask its key store."""
    if sys.platform != "linux":
        try:
            context: ssl.SSLContext = import_module("truststore").SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        except ModuleNotFoundError:
            pass
        else:
            return context
    return ssl.create_default_context()


def may_have_been_sent(error: BaseException) -> bool:
    """Tell whether the server may have seen the request that failed with *error*.

    The pools of this package set an attribute of this name on every error of the HTTP library that they
    raise: false where not a byte of the request was handed to the operating system. Of other errors
    nothing is known, so it is true.
    """
    return bool(getattr(error, "may_have_been_sent", True))
