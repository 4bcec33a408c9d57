"""Proxies: selection for an address, and the handshake that opens a tunnel."""

import base64
import ipaddress
import os
import struct
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from urllib.parse import quote, unquote, urlsplit
from urllib.request import getproxies

import h11

from .._http.library import Library
from .h11_wire import MAX_HINTS, check_beginning

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}

_LONGEST_PORT = 5
_PLAIN = "!$&'()*+,;="  # stands for itself in a password; not everybody who reads an address decodes it
_BREAKS = frozenset("\t\r\n")
_MALFORMED = (
    "The proxy's address cannot be read; it looks like http://user:password@proxy.example:3128, with what is special"
    " in the password percent-encoded, as %40 for @."
)
_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

Preamble: TypeAlias = Generator[bytes, bytes, None]
"""Yields what to send, perhaps nothing, and is sent what the proxy answered; returns once the tunnel is open."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A server that passes requests on; its credentials are in no repr."""

    scheme: str
    host: str
    port: int
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)
    further: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)

    @classmethod
    def parse(cls, address: str) -> "Proxy":
        """Read an address such as `http://user:password@proxy.example:3128`; http is the default scheme.

        Raises:
            ValueError: It is no address of a proxy; the message does not repeat it, as it may hold a password.
        """
        try:
            parts = urlsplit(address if "://" in address else f"http://{address}")
        except ValueError:  # whose message may show the password
            raise ValueError(_MALFORMED) from None
        if "@" in f"{parts.path}{parts.query}{parts.fragment}" or not _BREAKS.isdisjoint(address.strip()):
            raise ValueError(_MALFORMED)  # its password ended too early, or breaks in it would be left out
        if parts.scheme not in _PORTS:
            raise ValueError(
                f"A proxy's address begins with http, https, socks5 or socks5h, not {parts.scheme!r}."
            )
        try:
            port = parts.port
        except ValueError:
            port = 0
        if port == 0:
            raise ValueError("The port in the proxy's address is not a number from 1 to 65535.")
        host = parts.hostname or ""
        if "://" not in address and parts.path.strip("/"):
            host = ""  # a scheme without its colon or slashes was taken for it
        if not host or not host.isascii() or not host.isprintable() or " " in host:
            raise ValueError("The proxy's address names no host; it looks like http://proxy.example:3128.")
        user = None if parts.username is None else unquote(parts.username)
        password = unquote(parts.password or "")
        if not _is_unicode(f"{user}{password}"):
            raise ValueError(_MALFORMED)
        if parts.scheme.startswith("socks") and max(len((user or "").encode()), len(password.encode())) > 255:  # noqa: PLR2004 -- RFC 1929
            raise ValueError("A SOCKS proxy takes at most 255 bytes of user name and of password.")
        if parts.scheme.startswith("http") and ":" in (user or ""):
            raise ValueError("The user of an HTTP proxy has no colon, which would begin the password.")
        return cls(parts.scheme, host, port or _PORTS[parts.scheme], user, password)

    @property
    def address(self) -> str:
        """The address, with its credentials."""
        login = "" if self.user is None else f"{quote(self.user, _PLAIN)}:{quote(self.password, _PLAIN)}@"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{login}{host}:{self.port}"

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers for an HTTP proxy: its credentials, if any, and the configured ones."""
        if self.user is None:
            return [*self.further]
        credentials = base64.b64encode(f"{self.user}:{self.password}".encode())
        return [(b"Proxy-Authorization", b"Basic " + credentials), *self.further]

    def forwards(self, scheme: str) -> bool:
        """Return whether the proxy forwards requests, which then carry the absolute URL as target."""
        return scheme == "http" and self.scheme in {"http", "https"}

    def tunnel(self, host: str, port: int, library: Library) -> Preamble:
        """Open a tunnel to *host*.

        Raises:
            ProxyError: The library's; the proxy refused or did not understand.
        """
        if self.scheme in {"http", "https"}:
            return _connect(self, host, port, library.http)
        return _socks5(self, host, port, library.http)


class Proxies:
    """The proxies of a pool: one for every address, or those of the environment, read once.

    Args:
        address: The proxy for every address; an empty one is none.
        trust_env: Without an address, use `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case.
        headers: What the proxy at *address* gets beside its credentials.
    """

    def __init__(
        self, address: str | None, *, trust_env: bool, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        self._by_scheme: dict[str, Proxy] = {}
        self._exempt: list[_Exemption] = []
        if address:
            self._by_scheme["all"] = replace(Proxy.parse(address), further=headers)
        elif address is None and trust_env:
            self._read(_environment())

    def _read(self, environment: Mapping[str, str]) -> None:
        for scheme in ("http", "https", "all"):
            if address := environment.get(scheme):
                try:
                    self._by_scheme[scheme] = Proxy.parse(address)
                except ValueError as error:
                    raise ValueError(f"{scheme.upper()}_PROXY in the environment: {error}") from None
        entries = [entry.strip() for entry in environment.get("no", "").split(",")]
        self._exempt = [_Exemption.parse(entry) for entry in entries if entry]

    def find(self, scheme: str, host: str, port: int) -> Proxy | None:
        """Return the proxy for an address, or `None` for a direct connection."""
        proxy = self._by_scheme.get(scheme) or self._by_scheme.get("all")
        if proxy is None or any(entry.covers(scheme, host, port) for entry in self._exempt):
            return None
        return proxy


def _is_unicode(text: str) -> bool:
    """Return whether text can be sent, which bytes of the environment that are not UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _environment() -> Mapping[str, str]:
    """Read what the environment, and on some systems its settings, say; a walk over all variables takes a while."""
    if sys.platform == "linux" and not any(
        name in os.environ or name.upper() in os.environ for name in _VARIABLES
    ):
        return {}
    return getproxies()


@dataclass(frozen=True, slots=True)
class _Exemption:
    """An entry of `NO_PROXY`: `*`, an address, a network, a name with its subdomains, or `.name` for those alone."""

    scheme: str
    name: str
    port: int | None
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None

    @classmethod
    def parse(cls, entry: str) -> "_Exemption":
        scheme, _, rest = entry.lower().rpartition("://")
        try:
            return cls(scheme, rest, None, ipaddress.ip_network(rest.strip("[]"), strict=False))
        except ValueError:
            pass
        name, colon, digits = rest.rpartition(":")
        if not colon or not digits.isdecimal() or len(digits) > _LONGEST_PORT:
            return cls(scheme, rest.removeprefix("*") or "*", None, None)
        try:
            return cls(scheme, name, int(digits), ipaddress.ip_network(name.strip("[]")))
        except ValueError:
            return cls(scheme, name.removeprefix("*") or "*", int(digits), None)

    def covers(self, scheme: str, host: str, port: int) -> bool:
        if (self.scheme not in {"", "all", scheme}) or (self.port is not None and self.port != port):
            return False
        if self.network is not None:
            try:
                return ipaddress.ip_address(host) in self.network
            except ValueError:
                return False
        return self.name in {"*", host} or host.endswith("." + self.name.removeprefix("."))


def _connect(proxy: Proxy, host: str, port: int, errors: Any) -> Preamble:
    """Speak HTTP's CONNECT (RFC 9110, 9.3.6)."""
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    connection = h11.Connection(h11.CLIENT)
    request = h11.Request(
        method="CONNECT", target=target, headers=[(b"Host", target.encode()), *proxy.headers]
    )
    out = (connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b"")
    hints = 0
    while True:
        received = yield out
        out = b""
        if not received:
            raise errors.ProxyError("The proxy closed the connection instead of opening a tunnel.")
        try:
            connection.receive_data(received)
            event = connection.next_event()
            while isinstance(event, h11.InformationalResponse):
                hints += 1
                if hints > MAX_HINTS:
                    raise errors.ProxyError("The proxy sends hints without an end instead of an answer.")
                event = connection.next_event()
            if event is h11.NEED_DATA:
                check_beginning(connection.trailing_data[0], errors.ProxyError, "proxy")
        except h11.RemoteProtocolError as error:
            raise errors.ProxyError(f"The proxy's answer is not HTTP: {error}") from error
        if isinstance(event, h11.Response):
            if not 200 <= event.status_code < 300:  # noqa: PLR2004 -- the success class
                reason = event.reason.decode("ascii", "replace")
                raise errors.ProxyError(f"The proxy refused a tunnel: {event.status_code} {reason}".rstrip())
            if connection.trailing_data[0]:
                raise errors.ProxyError("The proxy sent data into the tunnel on its own.")
            return


_SOCKS_ERRORS = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live expired",
    7: "command not supported",
    8: "address type not supported",
}
_NO_AUTHENTICATION, _PASSWORD = 0, 2
_SOCKS_ADDRESS_LENGTHS = {1: 4, 4: 16}


def _socks5(proxy: Proxy, host: str, port: int, errors: Any) -> Preamble:
    """Speak SOCKS5 (RFC 1928), with a password if there is one (RFC 1929); the proxy resolves names."""
    method = _NO_AUTHENTICATION if proxy.user is None else _PASSWORD
    reply = yield from _reply(bytes((5, 1, method)), 2, errors)
    if reply != bytes((5, method)):
        raise errors.ProxyError("The SOCKS proxy does not take these credentials, or none.")
    if proxy.user is not None:
        user, password = proxy.user.encode(), proxy.password.encode()
        login = bytes((1, len(user))) + user + bytes((len(password),)) + password
        reply = yield from _reply(login, 2, errors)
        if reply[1]:
            raise errors.ProxyError("The SOCKS proxy refused the user name or password.")
    request = b"\x05\x01\x00" + _socks_address(host) + struct.pack("!H", port)
    reply = yield from _reply(request, 5, errors)
    if reply[1]:
        raise errors.ProxyError(f"The SOCKS proxy refused: {_SOCKS_ERRORS.get(reply[1], reply[1])}.")
    rest = 4 + _SOCKS_ADDRESS_LENGTHS.get(reply[3], 1 + reply[4]) + 2 - len(reply)  # an address of no use
    if rest > 0:
        yield from _reply(b"", rest, errors)


def _socks_address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        return bytes((3, len(name))) + name
    return (b"\x01" if address.version == 4 else b"\x04") + address.packed  # noqa: PLR2004 -- IPv4


def _reply(out: bytes, length: int, errors: Any) -> Generator[bytes, bytes, bytes]:
    """Send *out* and collect an answer of at least *length* bytes; a SOCKS proxy says nothing unasked."""
    answer = b""
    while len(answer) < length:
        received = yield out
        out = b""
        if not received:
            raise errors.ProxyError("The SOCKS proxy closed the connection.")
        answer += received
    return answer
