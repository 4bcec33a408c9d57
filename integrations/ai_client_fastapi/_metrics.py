"""The page of metrics as a route of Starlette and FastAPI."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_client.metrics import MetricsPage

from ._guards import asked
from ._late import find_provider
from ._pages import APIRouter, router_with


def metrics_routes(
    path: str = "/metrics",
    *,
    guard: Callable[[Request], Any] | None = None,
    token: str | None = None,
    token_file: str | Path | None = None,
    public: bool = False,
) -> APIRouter:
    """Return a router with the metrics of the application's clients, for Prometheus.

        app.mount("/", metrics_routes(token_file="/run/secrets/metrics"))

    With FastAPI also `app.include_router(metrics_routes(...))`.

    Args:
        path: Its path.
        guard: A function or coroutine function of the request that returns whether it may read them, or a response.
        token: What the request must bring as `Authorization: Bearer ...`.
        token_file: A file that holds that, read at each request.
        public: Whether anyone may read them.

    Raises:
        ConfigError: Not exactly one of the four last arguments is given.
    """
    page = MetricsPage(guard=guard, token=token, token_file=token_file, public=public)

    async def metrics(request: Request) -> Response:
        allowed = await asked(page.guard, request)
        if isinstance(allowed, Response):
            return allowed
        answer = page.refusal(request.headers.get("authorization"), allowed)
        if answer is None:
            accept = request.headers.get("accept")
            answer = await run_in_threadpool(page.answer, find_provider(request.scope), accept)
        return Response(answer.body, answer.status, dict(answer.headers))

    return router_with(Route(path, metrics, include_in_schema=False))
