"""Views for probes, sync ones and async ones: whichever the server's handler calls without a detour."""

import asyncio
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import ResolverMatch, URLPattern
from django.urls.resolvers import RoutePattern

from ai_client import ClientProvider
from ai_client.errors import OpenAIError
from ai_client.operations import RenderedPage, aready_page, live_page, ready_page

from ._current import handle
from ._pages import response_with

_SAFE = ("GET", "HEAD")


class _TwoSided(URLPattern):
    """A route whose view is async on an event loop: a sync one would wait there for a thread."""

    def __init__(self, route: str, view: Callable[..., Any], async_view: Callable[..., Any]) -> None:
        super().__init__(RoutePattern(route, name=route, is_endpoint=True), view, name=route)
        self._async_view = async_view

    def resolve(self, path: str) -> ResolverMatch | None:
        match = super().resolve(path)
        if match is not None and asyncio._get_running_loop() is not None:
            match.func = self._async_view
        return match


def health_pattern(route: str, view: Callable[..., Any], async_view: Callable[..., Any]) -> URLPattern:
    """Return the route of a page that has a view for either kind of server."""
    return _TwoSided(route, view, async_view)


def live(request: HttpRequest) -> HttpResponse:
    """Answer a liveness probe."""
    return response_of(request, live_page())


async def live_async(request: HttpRequest) -> HttpResponse:
    """Answer a liveness probe."""
    return response_of(request, live_page())


def ready(request: HttpRequest) -> HttpResponse:
    """Answer a readiness probe."""
    return response_of(request, ready_page(provider_or_none()))


async def ready_async(request: HttpRequest) -> HttpResponse:
    """Answer a readiness probe."""
    return response_of(request, await aready_page(provider_or_none()))


_views: tuple[Any, ...] = (live, live_async, ready, ready_async)
for _view in _views:
    _view.login_required = False  # for Django's LoginRequiredMiddleware


def provider_or_none() -> ClientProvider | None:
    """Return the provider; `None` where the settings define none."""
    try:
        return handle().provider
    except (OpenAIError, ImproperlyConfigured):  # which every call fails with
        return None


def response_of(request: HttpRequest, page: RenderedPage) -> HttpResponse:
    """Return the response to a request for a page."""
    if request.method not in _SAFE:
        return HttpResponseNotAllowed(_SAFE)
    return response_with(page)
