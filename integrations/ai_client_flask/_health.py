"""Routes for probes of a load balancer or of Kubernetes."""

from flask import Blueprint, Response

from ai_client.errors import OpenAIError
from ai_client.operations import RenderedPage, live_page, ready_page
from ai_client.provider import ClientProvider

from ._current import current_provider


def health_blueprint(url_prefix: str) -> Blueprint:
    """Return a blueprint with `/live` and `/ready` below a prefix."""
    blueprint = Blueprint("ai_client_health", __name__, url_prefix=url_prefix)
    blueprint.add_url_rule("/live", view_func=live)
    blueprint.add_url_rule("/ready", view_func=ready)
    return blueprint


def live() -> Response:
    """Answer a liveness probe."""
    return _response(live_page())


def ready() -> Response:
    """Answer a readiness probe."""
    return _response(ready_page(current_provider_or_none()))


def current_provider_or_none() -> ClientProvider | None:
    """Return the provider of the current app; `None` where it has none, or none any more."""
    try:
        return current_provider()
    except (OpenAIError, RuntimeError):  # which every call fails with
        return None


def _response(page: RenderedPage) -> Response:
    return Response(page.body, page.status, dict(page.headers))
