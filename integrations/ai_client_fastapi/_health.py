"""Routes for probes of a load balancer or of Kubernetes."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_client.errors import OpenAIError
from ai_client.operations import RenderedPage, aready_page, live_page

from ._late import find_provider
from ._pages import APIRouter, router_with


def health_routes() -> APIRouter:
    """Return a router with `/live` and `/ready`, for probes.

        app.mount("/health", health_routes())

    With FastAPI also `app.include_router(health_routes(), prefix="/health")`. Neither sends anything to the API, and
    dependencies of the application are not asked.
    """
    return router_with(Route("/live", _live), Route("/ready", _ready))


async def _live(request: Request) -> Response:
    del request
    return _response(live_page())


async def _ready(request: Request) -> Response:
    try:
        provider = find_provider(request.scope)
    except OpenAIError:  # which every request is answered with
        provider = None
    return _response(await aready_page(provider))


def _response(page: RenderedPage) -> Response:
    return Response(page.body, page.status, dict(page.headers))
