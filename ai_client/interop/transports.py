"""Transports of httpx and httpx2 that perform each request as a call of a client."""

from functools import cache
from typing import Any, Literal

from .._http.library import library as library_named
from .._io import finish
from .._libraries import httpx
from ..errors import OpenAIError
from .refusals import LibraryErrors, OfficialErrors, raise_from, refusal
from .requests import Manner, call_of
from .responses import response_of
from .streams import AsyncPassedBody, SyncPassedBody


def transport(client: Any, *, library: Literal["httpx", "httpx2"] = "httpx") -> Any:
    """Return a transport of an HTTP library that performs each request as a call of *client*.

    Closing it leaves the client open.

    Args:
        client: An `OpenAI`, which makes a sync transport, or an `AsyncOpenAI`, which makes an async one.
        library: The HTTP library whose client takes it.

    Raises:
        ImportError: The library is not installed.
    """
    http = library_named(library).http
    return make_transport(client, http, Manner(), LibraryErrors(http))


def make_transport(client: Any, http: Any, manner: Manner, errors: "LibraryErrors | OfficialErrors") -> Any:
    """Return a transport over a client for what speaks a manner and expects certain errors."""
    kind = _kind_of(_SyncCallTransport if client._sync else _AsyncCallTransport, http)
    return kind(client, http, manner, errors)


@cache
def _kind_of(base: Any, http: Any) -> Any:
    """Return the class of transports of a library, whose bodies are that library's too."""
    sync = base is _SyncCallTransport
    stream = http.SyncByteStream if sync else http.AsyncByteStream
    body = type("Body", (SyncPassedBody if sync else AsyncPassedBody, stream), {})
    above = http.BaseTransport if sync else http.AsyncBaseTransport
    return type("Transport", (base, above), {"_body": body})


class _CallTransport:
    _body: Any

    def __init__(
        self, client: Any, http: Any, manner: Manner, errors: "LibraryErrors | OfficialErrors"
    ) -> None:
        self.client = client
        self._http = http
        self._manner = manner
        self._errors = errors

    async def _perform(self, request: "httpx.Request") -> "httpx.Response":
        errors = self._errors
        try:
            call = call_of(self.client, request, self._manner)
            reply = await self.client.perform(call)
        except OpenAIError as error:
            response = refusal(self._http, error)
            if response is None:
                raise_from(errors.error(error, request), error)
            return response
        return response_of(
            self._http,
            call,
            reply,
            lambda: self._body(call, reply, lambda error: errors.error(error, request)),
        )


class _SyncCallTransport(_CallTransport):
    def handle_request(self, request: "httpx.Request") -> "httpx.Response":
        """Perform a request as a call."""
        return finish(self._perform(request))

    def close(self) -> None:
        """Leave the client open, which is not the transport's."""


class _AsyncCallTransport(_CallTransport):
    async def handle_async_request(self, request: "httpx.Request") -> "httpx.Response":
        """Perform a request as a call."""
        return await self._perform(request)

    async def aclose(self) -> None:
        """Leave the client open, which is not the transport's."""
