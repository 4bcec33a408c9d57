"""The page of metrics as a blueprint."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from ai_client.metrics import MetricsPage

from ._guards import asked
from ._health import current_provider_or_none


def metrics_blueprint(
    path: str,
    *,
    guard: Callable[[Any], Any] | None,
    token: str | None,
    token_file: str | Path | None,
    public: bool,
) -> Blueprint:
    """Return a blueprint with the page of metrics."""
    page = MetricsPage(guard=guard, token=token, token_file=token_file, public=public)
    blueprint = Blueprint("ai_client_metrics", __name__)

    def metrics() -> AnyResponse:
        """Answer Prometheus."""
        allowed = asked(page.guard)
        if isinstance(allowed, AnyResponse):
            return allowed
        answer = page.refusal(request.headers.get("authorization"), allowed)
        if answer is None:
            answer = page.answer(current_provider_or_none(), request.headers.get("accept"))
        return Response(answer.body, answer.status, dict(answer.headers))

    blueprint.add_url_rule(path, view_func=metrics)
    return blueprint
