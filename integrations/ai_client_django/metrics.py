"""The page of metrics as a view: `path("metrics", metrics_view(token_file="/run/secrets/metrics"))`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from ai_client.metrics import MetricsPage

from ._guards import asked
from ._health import provider_or_none, response_of


def metrics_view(
    *,
    guard: Callable[[HttpRequest], Any] | None = None,
    token: str | None = None,
    token_file: str | Path | None = None,
    public: bool = False,
) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view with the metrics of the application's clients, for Prometheus.

    It is a plain function, which Django calls in a thread on an event loop, as it may wait for a store.

    Args:
        guard: A function of the request that returns whether it may read them, or a response.
        token: What the request must bring as `Authorization: Bearer ...`.
        token_file: A file that holds that, read at each request.
        public: Whether anyone may read them.

    Raises:
        ConfigError: Not exactly one of the arguments is given.
    """
    page = MetricsPage(guard=guard, token=token, token_file=token_file, public=public)

    def metrics(request: HttpRequest) -> HttpResponse:
        allowed = asked(page.guard, request)
        if isinstance(allowed, HttpResponseBase):
            return cast("HttpResponse", allowed)
        answer = page.refusal(request.headers.get("authorization"), allowed)
        if answer is None:
            answer = page.answer(provider_or_none(), request.headers.get("accept"))
        return response_of(request, answer)

    metrics.login_required = False  # type: ignore[attr-defined]  # for Django's LoginRequiredMiddleware
    return metrics
