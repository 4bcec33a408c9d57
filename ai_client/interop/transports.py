"""Transports of httpx and httpx2 that perform each request as a call of a client."""

from functools import cache
from typing import Any, Literal

from .._base_client import BaseClient
from .._http.library import library as library_named
from .._io import finish
from .._libraries import httpx
from ..errors import OpenAIError
from .passing import AsyncPassedBody, SyncPassedBody
from .refusals import LibraryErrors, OfficialErrors, refusal
from .requests import Manner, call_of
from .responses import response_of

Errors = LibraryErrors | OfficialErrors


def transport(client: Any, *, library: Literal["httpx", "httpx2"] = "httpx") -> Any:
    """Return a transport of an HTTP library that performs each request as a call of *client*.

    Requests to the client's own origin go with its key and headers, those to any other with what they bring. Redirects
    are left to the HTTP client that takes the transport. Closing it leaves *client* open.

    Args:
        client: An `OpenAI`, for a sync transport, or an `AsyncOpenAI`, for an async one.
        library: The HTTP library whose client takes the transport.

    Raises:
        ImportError: The library is not installed.
        TypeError: It is no client of this package.
        ValueError: There is no such library.
    """
    if not isinstance(client, BaseClient):
        raise TypeError(
            f"The client must be an OpenAI or AsyncOpenAI of ai_client, not {type(client).__name__}."
        )
    http = library_named(library).http
    return transport_over(client, http, Manner(), LibraryErrors(http))


def transport_over(client: Any, http: Any, manner: Manner, errors: Errors) -> Any:
    """Return a transport over a client for those who speak in a *manner* and expect *errors* of their library."""
    kind = _class_of(http, sync=client._sync)
    return kind(client, http, manner, errors)


@cache
def _class_of(http: Any, *, sync: bool) -> Any:
    """Return the class of transports of a library, whose bodies are streams of that library."""
    if sync:
        body = type("Body", (SyncPassedBody, http.SyncByteStream), {})
        return type("Transport", (_SyncCallTransport, http.BaseTransport), {"_body": body})
    body = type("AsyncBody", (AsyncPassedBody, http.AsyncByteStream), {})
    return type("AsyncTransport", (_AsyncCallTransport, http.AsyncBaseTransport), {"_body": body})


class _CallTransport:
    """The part of both transports that waits through the client's IO.

    Attributes:
        client: The client below.
        http: The HTTP library.
    """

    _body: Any

    def __init__(self, client: Any, http: Any, manner: Manner, errors: Errors) -> None:
        self.client = client
        self.http = http
        self._manner = manner
        self._errors = errors

    def twin(self, client: Any) -> Any:
        """Return such a transport over another client."""
        return type(self)(client, self.http, self._manner, self._errors)

    async def _perform(self, request: "httpx.Request") -> "httpx.Response":
        try:
            call = call_of(self.client, self.http, request, self._manner)
            reply = await self.client.perform(call)
        except Exception as error:
            response = refusal(self.http, error) if isinstance(error, OpenAIError) else None
            if response is not None:
                return response
            made = self._errors.error(error, request)
            if made is error:
                raise
            raise made from error

        def failed(error: BaseException) -> BaseException:
            return self._errors.error(error, request)

        def body() -> Any:
            return self._body(call, reply, failed)

        return response_of(self.http, self._errors.responses, call, reply, body)


class _SyncCallTransport(_CallTransport):
    def handle_request(self, request: "httpx.Request") -> "httpx.Response":
        return finish(self._perform(request))

    def close(self) -> None:
        """Leave the client open, which is its owner's to close."""


class _AsyncCallTransport(_CallTransport):
    async def handle_async_request(self, request: "httpx.Request") -> "httpx.Response":
        return await self._perform(request)

    async def aclose(self) -> None:
        """Leave the client open, which is its owner's to close."""
