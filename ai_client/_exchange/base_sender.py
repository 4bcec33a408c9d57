"""Base of all senders: requests, their deadlines and redirects."""

import time
from typing import Any

from .._http.library import DEADLINE, Library, for_good
from .._libraries import httpx
from .._params.sendable import address_fault
from .._pool.message import Message
from .._pool.permits import PoolStats
from .answer import Answer
from .call_request import CallRequest
from .hurry import SendingGate, too_late_to_send
from .origins import for_anywhere, origin
from .redirects import _OF_THE_BODY, _SEE_OTHER, MAX_REDIRECTS, ONCE


class BaseSender:
    """Base of all senders: builds requests, bounds them by their deadline and follows redirects.

    Attributes:
        is_kept: Whether closing leaves the user's HTTP client or transport open, which its owner closes.
    """

    is_kept = False

    def __init__(self, library: Library) -> None:
        self._library = library
        self._request: type[httpx.Request] = library.http.Request
        self._bytes: type[httpx.ByteStream] = library.http.ByteStream
        self.timeouts = (library.http.TimeoutException,)
        self.failures = (library.http.RequestError,)
        self._too_many: type[httpx.TooManyRedirects] = library.http.TooManyRedirects
        self._malformed: type[httpx.RemoteProtocolError] = library.http.RemoteProtocolError
        self._no_address: tuple[type[Exception], ...] = (library.http.InvalidURL, UnicodeError)
        self._unread: tuple[type[Exception], ...] = (library.http.InvalidURL, ValueError)

    def stats(self) -> PoolStats | None:
        """Count the connections; `None` where they are another's, who does not show them."""
        return None

    @property
    def _most_hops(self) -> int:
        return MAX_REDIRECTS

    def _follows(self, request: "httpx.Request") -> bool:
        del request
        return True

    def build(
        self,
        method: str,
        url: "httpx.URL | str",
        headers: list[tuple[str, str]],
        extensions: dict[str, Any],
        content: Any,
    ) -> CallRequest:
        """Make a request; nothing of the arguments is changed."""
        return CallRequest.of(
            self._request(method, url, headers=headers, extensions=extensions, content=content)
        )

    def usual(self, message: Message, url: "httpx.URL", extensions: dict[str, Any]) -> CallRequest:
        """Make a request whose body is in memory, and whose headers are complete and end with its length.

        The extensions are those beside the time limits, which are the message's.
        """
        return CallRequest(message, url, extensions, self._library)

    def _hasten(self, request: "httpx.Request") -> float | None:
        """Prepare a sync exchange over another's connections for its deadline, and return that.

        Raises:
            TimeoutException: It has passed.
        """
        deadline: float | None = request.extensions.get(DEADLINE)
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise too_late_to_send(self.timeouts[0])
            limits: dict[str, float | None] = request.extensions.get("timeout") or {}
            request.extensions["timeout"] = {
                name: left if limit is None else min(limit, left) for name, limit in limits.items()
            }
            request.extensions["trace"] = SendingGate(deadline, self.timeouts[0])
        return deadline

    def _next(self, answer: Answer, asked: CallRequest, hops: int) -> CallRequest | None:
        """Return the request that a redirect asks for, or `None`; another origin gets neither keys nor own headers."""
        location, request = answer.header("location"), asked.request
        if not location or not self._follows(request):
            return None
        if hops >= self._most_hops:
            message = f"The server redirected it more than {self._most_hops} times."
            raise for_good(self._too_many(message, request=request))
        try:
            url = request.url.join(location)
            if address_fault(str(url.copy_with(fragment=None))) is None:
                return CallRequest.of(self._redirected(request, answer.status_code, url))
        except self._unread as error:
            raise self._nowhere(request) from error
        raise self._nowhere(request)

    def _nowhere(self, request: "httpx.Request") -> Exception:
        message = "The server redirects the request to an address that is neither http nor https."
        return for_good(self._malformed(message, request=request))

    def _redirected(self, request: "httpx.Request", status: int, url: "httpx.URL") -> "httpx.Request":
        headers = request.headers.copy()
        if origin(url) != origin(request.url):
            headers = type(headers)(for_anywhere(headers))
            headers["host"] = url.netloc.decode("ascii").rpartition("@")[2]
        if url.userinfo:
            url = url.copy_with(userinfo=b"")  # the server wrote it, not the user
        method = request.method
        if status == _SEE_OTHER or (status in {301, 302} and method == "POST"):
            method = "HEAD" if method == "HEAD" else "GET"
            for name in _OF_THE_BODY:
                headers.pop(name, None)
            extensions = {name: value for name, value in request.extensions.items() if name != ONCE}
            return self._request(method, url, headers=headers, extensions=extensions)
        if ONCE in request.extensions:
            message = "The server redirects an upload whose source gives its bytes only once."
            raise for_good(self._malformed(message, request=request))
        return self._request(
            method, url, headers=headers, extensions=request.extensions, stream=request.stream
        )
