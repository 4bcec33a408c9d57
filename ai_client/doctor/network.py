"""The way to a client's server: its name, the connection, the proxy and TLS."""

import errno
import os
import socket
import ssl
from collections.abc import Generator, Iterator
from contextlib import closing
from time import monotonic

from .._pool.sockets import WayError, near
from .bounds import CONNECTING, RESOLVING, TUNNELLING, within
from .check import Check
from .handshakes import examine_tls
from .way import Way

_VARIABLES = {"http": ("http_proxy", "all_proxy"), "https": ("https_proxy", "all_proxy")}
_SLOW = 0.5
"""Seconds that looking a name up may take."""
_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL}


def examine_network(way: Way, proxy_origin: str) -> Generator[Check, None, bool]:
    """Yield what is found on the way to a server; return whether it can be asked.

    Args:
        way: The way.
        proxy_origin: Where the option `proxy` is from, if it is set.
    """
    yield _proxy_in_use(way, proxy_origin)
    resolved = _resolved(way)
    yield resolved
    if resolved.status == "fault":
        return False
    connected = _connected(way)
    yield connected
    if connected.status == "fault":
        return False
    if way.route.proxy is not None and way.route.forwarding is None:
        tunnelled = _tunnelled(way)
        yield tunnelled
        if tunnelled.status == "fault":
            return False
    if not way.route.secure:
        return True
    tls = examine_tls(way.tunnelled, way)
    yield tls
    return tls.status != "fault"


def _proxy_in_use(way: Way, option: str) -> Check:
    route = way.route
    if route.uds is not None:
        return Check("network", "proxy", "ok", "None: the server is behind a unix socket.")
    variable = next(_named(route.place[0]), "")
    if route.proxy is not None:
        origin = option or variable or "the settings of the system"
        message = f"Connections go through {route.proxy.scheme}://{way.end.removeprefix('the proxy ')}, by {origin}."
        return Check("network", "proxy", "ok", message, details={"origin": origin})
    if variable and way.options.proxy is None:
        return Check("network", "proxy", "ok", f"None: NO_PROXY exempts {route.host} from {variable}.")
    return Check("network", "proxy", "ok", "None.")


def _named(scheme: str) -> Iterator[str]:
    """Yield the environment variables that name a proxy for a scheme, the one that counts first."""
    for name in _VARIABLES[scheme]:
        yield from (each for each in (name, name.upper()) if os.environ.get(each))


def _resolved(way: Way) -> Check:
    start = monotonic()
    host, port = way.route.address
    if way.route.uds is not None:
        way.addresses = near(way.route.uds)
        return Check("network", "dns", "skipped", "The server is behind a unix socket.")
    seconds = way.bound.left(RESOLVING)
    hint = "Check the address for a typing error, and the resolver of this machine or container."
    try:
        way.addresses = within(seconds, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except TimeoutError:
        message = (
            f"Looking up {host} took longer than {seconds:.1f} s: the resolver is slow or does not answer."
        )
    except socket.gaierror as error:
        message = f"The name {host} does not exist."
        if error.errno == socket.EAI_AGAIN:
            message = f"The name {host} could not be looked up: the resolver does not answer."
    except (OSError, UnicodeError):
        message = f"The name {host} cannot be looked up."
    else:
        found = list(dict.fromkeys(str(entry[4][0]) for entry in way.addresses))
        details = {"host": host, "addresses": found}
        message = f"{host} is {', '.join(found)}."
        taken = monotonic() - start
        if taken > _SLOW:
            message = f"{message} Looking it up took {taken:.1f} s."
            hint = "Each new connection waits for it: see to the resolver."
            return Check("network", "dns", "warning", message, hint, taken, details=details)
        return Check("network", "dns", "ok", message, seconds=taken, details=details)
    return Check("network", "dns", "fault", message, hint, monotonic() - start, details={"host": host})


def _connected(way: Way) -> Check:
    start = monotonic()
    try:
        with closing(way.connect()):
            pass
    except OSError as error:
        message, hint = _refusal(error, way)
        return Check("network", "tcp", "fault", message, hint, monotonic() - start)
    seconds = monotonic() - start
    return Check("network", "tcp", "ok", f"Connected to {way.end}.", seconds=seconds)


def _refusal(error: OSError, way: Way) -> tuple[str, str]:
    """Return why there is no connection, in plain words, and what to do about it."""
    end = way.end
    if isinstance(error, WayError):
        return str(error), "Correct local_address."
    if way.route.uds is not None:
        return f"uds: nothing answers at {end} ({error.strerror or 'no answer'}).", (
            "Start the server, or correct the path; this user must be allowed to write to the socket."
        )
    if isinstance(error, ConnectionRefusedError):
        return f"{end} refused the connection: nothing listens there.", (
            "Start it, or correct the host and the port."
        )
    if isinstance(error, TimeoutError):
        return f"{end} did not answer: no connection within {CONNECTING:g} s.", (
            "A firewall may drop the packets, or the address is of no machine; where only a proxy leads out, set it."
        )
    if error.errno in _UNREACHABLE:
        return f"{end} cannot be reached from here ({error.strerror}).", "Check the network and its routes."
    return f"No connection to {end}: {error.strerror or type(error).__name__}.", "Check the network."


def _tunnelled(way: Way) -> Check:
    start = monotonic()
    try:
        with closing(way.tunnelled()):
            pass
    except OSError as error:
        message, hint = _refusal(error, way)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is why there is no tunnel
        message, hint = proxy_refusal(error, way)
    else:
        message = f"{way.end.capitalize()} opened a tunnel to {way.server}."
        return Check("network", "tunnel", "ok", message, seconds=monotonic() - start)
    return Check("network", "tunnel", "fault", message, hint, monotonic() - start)


def proxy_refusal(error: Exception, way: Way) -> tuple[str, str]:
    """Return why a proxy opens no tunnel, in plain words, and what to do about it."""
    text = str(error)
    if isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return f"The certificate of {way.end} is not trusted: {error.__cause__.verify_message}.", (
            "Set the option verify to the file of its authority, or write the proxy's address with http://."
        )
    if isinstance(error.__cause__, ssl.SSLError):
        return f"TLS to {way.end} failed.", "A proxy that speaks plain HTTP has an address with http://."
    if "407" in text or "credentials" in text or "password" in text:
        return f"{way.end} wants other credentials (407 Proxy Authentication Required).", (
            "Put them into the proxy's address: http://user:password@host:port, percent-encoded."
        )
    if isinstance(error, way.library.http.TimeoutException):
        return f"{way.end} is silent: it opened no tunnel within {TUNNELLING:g} s.", "Is it a proxy?"
    if isinstance(error, way.library.http.ProxyError):
        return f"{way.end} opens no tunnel to {way.server}: {text}", "Ask who runs the proxy to allow it."
    return f"{way.end} closed the connection.", "Is it a proxy, of this scheme?"
