"""The dashboard as routes of Starlette and FastAPI."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ai_client.dashboard import PageRequest
from ai_client.dashboard.mounting import BODY_LIMIT, MountedDashboard, base_of, too_large
from ai_client.errors import ConfigError, OpenAIError
from ai_client.operations import RenderedPage
from ai_client.provider import ClientProvider

from ._guards import asked
from ._late import find_provider
from ._pages import APIRouter, dependable_router

_REST = "rest"
_METHODS = ("GET", "HEAD", "POST")


def dashboard_routes(
    path: str = "/ai",
    *,
    guard: Callable[[Request], Any] | None = None,
    token: str | None = None,
    token_file: str | Path | None = None,
    public: bool = False,
    development: bool | None = None,
) -> APIRouter:
    """Return a router with the dashboard of the application's clients.

        app.include_router(dashboard_routes("/ai", guard=is_admin))

    With Starlette `app.mount("/", dashboard_routes("/ai", guard=is_admin))`. FastAPI asks the `dependencies` of the
    application, and of the routers that this one is included in, before the guard.

    Args:
        path: Its path; all that it serves is there and below.
        guard: A function or coroutine function of the request that returns whether it may read the dashboard, or a
            response that refuses it. A plain function is called in a thread.
        token: What a browser must bring as the password of HTTP Basic, with any user name, or any client as
            `Authorization: Bearer ...`.
        token_file: A file that holds that, read at each request.
        public: Whether anyone may read it whom no dependency refuses.
        development: Whether calls may be sent again from it, which costs money; where it is not given, whether the
            application is in debug mode.

    Raises:
        ConfigError: Not exactly one of guard, token, token_file and public is given, or the path does not begin with
            a slash.
    """
    if path and not path.startswith("/"):  # FastAPI would match it with nothing
        raise ConfigError(f"dashboard: the path {path!r} must begin with a slash, as in '/ai'.")
    mounted = MountedDashboard(
        guard=guard, token=token, token_file=token_file, public=public, development=development
    )

    async def dashboard(request: Request) -> Response:
        page = mounted.page(debug=getattr(request.app, "debug", False))
        allowed = await asked(page.guard, request)
        if isinstance(allowed, Response):
            return allowed
        answer = page.refusal(request.headers.get("authorization"), allowed)
        if answer is None:
            body = await _body_of(request)
            if body is None:
                answer = too_large()
            else:
                provider = _provider_of(request)
                answer = await run_in_threadpool(page.answer, provider, _page_request(request, body))
        return _response(answer)

    path = path.rstrip("/")
    return dependable_router(dashboard, (path or "/", f"{path}/{{{_REST}:path}}"), _METHODS)


async def _body_of(request: Request) -> bytes | None:
    """Return the body of a form; `None` where it is too large, of which no more is read."""
    body = bytearray()
    if request.method == "POST":
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_LIMIT:
                return None
    return bytes(body)


def _provider_of(request: Request) -> ClientProvider | None:
    try:
        return find_provider(request.scope)
    except OpenAIError:  # which every call fails with
        return None


def _page_request(request: Request, body: bytes) -> PageRequest:
    scope = request.scope
    rest = request.path_params.get(_REST, "")
    return PageRequest(
        method=request.method,
        path=rest.strip("/"),
        query=scope["query_string"].decode("latin-1"),
        headers=dict(request.headers),
        body=body,
        base=base_of(_path_of(scope["path"], scope.get("root_path", "")), rest),
    )


def _path_of(path: str, root: str) -> str:
    """Return the path as the browser sees it: some servers put the root before it, others leave that away."""
    root = root.rstrip("/")
    return path if path == root or path.startswith(f"{root}/") else root + path


def _response(page: RenderedPage) -> Response:
    return Response(page.body, page.status, dict(page.headers))
