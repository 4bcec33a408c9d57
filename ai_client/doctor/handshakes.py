"""TLS with a server: whose certificate it shows, until when, and why it is not trusted."""

import ssl
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from .._http.certificates import TrustError
from .bounds import ASKING_PLAINLY, SHAKING_HANDS
from .certificate import ShownCertificate
from .check import Check, Status

if TYPE_CHECKING:
    from .._pool.sync_network import SyncNetworkStream
    from .way import Way

_SOON = 14
_EXPIRED, _NOT_YET = 10, 9
_SELF_SIGNED = 18
_UNKNOWN_AUTHORITY = (2, 19, 20, 21, 27)
_WRONG_HOST = (62, 64)


def examine_tls(connect: "Callable[[], SyncNetworkStream]", way: "Way") -> Check:
    """Return what a handshake with the server finds, with the certificates that the client trusts."""
    start = monotonic()
    shown: ShownCertificate | None = None
    status: Status = "fault"
    try:
        context = way.options.tls(way.route.place)
        with closing(connect()) as stream:
            stream.start_tls(context, way.route.name, way.bound.left(SHAKING_HANDS), way.library)
            shown = certificate_of(stream)
            version = stream.get_extra_info("ssl_object").version()
    except TrustError as error:
        message, hint = str(error), "Correct the file's path or its content."
    except Exception as error:  # noqa: BLE001 - whatever it is, it is why there is no TLS
        cause = error.__cause__ or error
        if isinstance(cause, ssl.SSLCertVerificationError):
            shown = _mistrusted(connect, way)
            message, hint = _mistrust(cause, shown, way)
        else:
            message, hint = _failure(cause, connect, way)
    else:
        status, message, hint = _judged(shown, version)
    details = {} if shown is None else shown.details
    return Check("network", "tls", status, message, hint, monotonic() - start, details=details)


def _judged(shown: ShownCertificate | None, version: str) -> "tuple[Status, str, str]":
    if shown is None:
        return "ok", f"{version}.", ""
    days = (shown.until - datetime.now(UTC)).days
    message = f"{version}, certificate of {shown.subject}, by {shown.issuer}, until {shown.until:%Y-%m-%d}."
    if 0 <= days < _SOON:
        return "warning", f"{message} It expires in {days} days.", "Have it renewed."
    return "ok", message, ""


def _failure(cause: BaseException, connect: "Callable[[], SyncNetworkStream]", way: "Way") -> tuple[str, str]:
    """Return why there is no handshake, in plain words, and what to do about it."""
    if speaks_plainly(connect, way):
        return f"{way.server} speaks plain HTTP, not TLS.", (
            "Write http:// in the address, or the port on which TLS is spoken."
        )
    hint = "Check host and port; a firewall or a proxy on the way may close connections of TLS."
    if isinstance(cause, TimeoutError):
        message = f"{way.server} is silent: no TLS handshake within {SHAKING_HANDS:g} s."
    elif isinstance(cause, ConnectionResetError | BrokenPipeError):
        message = f"{way.server} reset the connection instead of a TLS handshake."
    elif demands_certificate(cause):
        message = f"{way.server} demands a certificate of its clients (mTLS), and takes none or not this one."
        hint = "Set the option cert to a certificate that it trusts, with its key."
    elif isinstance(cause, ssl.SSLError) and cause.reason and not isinstance(cause, ssl.SSLEOFError):
        reason = cause.reason.replace("_", " ").lower()
        message = f"The TLS handshake with {way.server} failed: {reason}."
    else:
        message = f"{way.server} closed the connection instead of a TLS handshake."
    return message, hint


def demands_certificate(error: BaseException) -> bool:
    """Return whether a server ended TLS for the certificate of the client, or its absence."""
    reason = (error.reason or "") if isinstance(error, ssl.SSLError) else ""
    return "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason)


def _mistrust(
    error: ssl.SSLCertVerificationError, shown: ShownCertificate | None, way: "Way"
) -> tuple[str, str]:
    """Return why a certificate is not trusted, in plain words, and what to do about it."""
    code, of = error.verify_code, f"The certificate of {way.server}"
    hint = "Set the option verify to the file of the authority that issued it, if you trust that."
    whose = "" if shown is None else f" It is of {shown.subject}, by {shown.issuer}."
    if code == _EXPIRED:
        until = "" if shown is None else f" on {shown.until:%Y-%m-%d %H:%M} UTC"
        message = f"{of} expired{until}.{whose}"
        hint = "Have it renewed; if it is valid, this machine's clock is wrong."
    elif code == _NOT_YET:
        since = "" if shown is None else f": it is from {shown.since:%Y-%m-%d %H:%M} UTC"
        message, hint = f"{of} is not yet valid{since}.{whose}", "This machine's clock may be behind."
    elif code in _WRONG_HOST:
        names = "" if shown is None or not shown.names else f", but of {', '.join(shown.names)}"
        message = f"The certificate is not of the host {way.route.name}{names}."
        hint = "Use the name that the certificate is for, or correct the address."
    elif code == _SELF_SIGNED:
        message = f"{of} is self-signed, by nobody that is trusted.{whose}"
    elif code in _UNKNOWN_AUTHORITY:
        message = f"{of} is of an unknown authority (CA).{whose}"
        hint += (
            " The server may leave out an intermediate certificate; a proxy that inspects TLS has an authority of its"
            " own, which trust='system' finds where the system trusts it."
        )
    else:
        message = f"{of} is not trusted: {(error.verify_message or 'no reason given').rstrip('.')}.{whose}"
    return message, hint


def certificate_of(stream: "SyncNetworkStream") -> ShownCertificate | None:
    """Return the certificate that the server showed, `None` where it cannot be read."""
    tls = stream.get_extra_info("ssl_object")
    data = None if tls is None else tls.getpeercert(binary_form=True)
    return None if data is None else ShownCertificate.read(data)


def _mistrusted(connect: "Callable[[], SyncNetworkStream]", way: "Way") -> ShownCertificate | None:
    """Return the certificate that is not trusted, by a handshake after which nothing is sent."""
    with suppress(Exception), closing(connect()) as stream:
        stream.start_tls(unverified(), way.route.name, way.bound.left(SHAKING_HANDS), way.library)
        return certificate_of(stream)
    return None


def unverified() -> ssl.SSLContext:
    """Return a context that checks no certificate, for handshakes after which nothing is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def speaks_tls(connect: "Callable[[], SyncNetworkStream]", way: "Way") -> bool:
    """Return whether a server shakes hands in TLS."""
    with suppress(Exception), closing(connect()) as stream:
        seconds = way.bound.left(ASKING_PLAINLY)
        stream.deadline = monotonic() + seconds
        stream.start_tls(unverified(), way.route.name, seconds, way.library)
        return True
    return False


def speaks_plainly(connect: "Callable[[], SyncNetworkStream]", way: "Way") -> bool:
    """Return whether a server answers plain HTTP; the question has no key."""
    with suppress(Exception), closing(connect()) as stream:
        seconds = way.bound.left(ASKING_PLAINLY)
        stream.deadline = monotonic() + seconds
        stream.write(f"HEAD / HTTP/1.1\r\nHost: {way.server}\r\nConnection: close\r\n\r\n".encode(), seconds)
        return stream.read(seconds).startswith(b"HTTP/")
    return False
