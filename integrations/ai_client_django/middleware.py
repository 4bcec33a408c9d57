"""Middleware: labels calls with the route of the request, and turns errors of the client into responses."""

import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import FileResponse, HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse

from ai_client.adapter import CallTimings, RequestScope, http_error, timings_of_request
from ai_client.errors import ConfigError, OpenAIError

from ._current import handle
from ._routes import template


class AIClientMiddleware:
    """Labels the calls of each request with its route template, and answers an `OpenAIError` that a view raises.

    For sync and async servers: `MIDDLEWARE = [..., "ai_client_django.middleware.AIClientMiddleware"]`. Where `DEBUG` is
    on, it adds the header `Server-Timing`: how long the calls took that were made until then.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)  # pyright: ignore[reportDeprecated] - knows Django's marks
        if self._is_async:
            markcoroutinefunction(self)
        with suppress(ConfigError, ImproperlyConfigured):  # which the checks report, and who uses a client
            _ = handle().provider  # detects clients that views build, from the first request on

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Handle a request within its labels."""
        if self._is_async:
            return self._serve(request)
        scope = RequestScope(partial(template, request))
        try:
            with scope.entered():
                timings = timings_of_request() if settings.DEBUG else None
                response = cast("HttpResponseBase", self._get_response(request))
        except BaseException:
            scope.end()
            raise
        _show(timings, response)
        return _within(scope, response)

    async def _serve(self, request: HttpRequest) -> HttpResponseBase:
        scope = RequestScope(partial(template, request))
        try:
            with scope.entered():
                timings = timings_of_request() if settings.DEBUG else None
                response = cast("HttpResponseBase", await self._get_response(request))
        except BaseException:
            scope.end()
            raise
        _show(timings, response)
        return _within(scope, response)

    def process_exception(self, request: HttpRequest, exception: Exception) -> JsonResponse | None:
        """Return a response for an error of the client; `None` leaves any other to Django."""
        del request
        shown = http_error(exception) if isinstance(exception, OpenAIError) else None
        if shown is None:
            return None
        return JsonResponse(shown.body, status=shown.status, headers=dict(shown.headers))


def _show(timings: CallTimings | None, response: HttpResponseBase) -> None:
    """Add the header `Server-Timing`."""
    value = None if timings is None else timings.header()
    if value is not None:
        before = response.headers.get("Server-Timing")
        response.headers["Server-Timing"] = f"{before}, {value}" if before else value


def _within(scope: RequestScope, response: HttpResponseBase) -> HttpResponseBase:
    """Send a response within the labels of its request, which ends when the response is closed."""
    response._resource_closers.append(scope.end)  # type: ignore[attr-defined]  # as Django closes a request's files
    weakref.finalize(response, scope.end).atexit = False  # another middleware may answer in its place
    if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
        parts: Any = response.streaming_content
        response.streaming_content = scope.async_steps(parts) if response.is_async else scope.steps(parts)
    return response
