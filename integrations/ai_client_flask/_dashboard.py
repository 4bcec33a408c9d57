"""The dashboard as a blueprint."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request
from werkzeug.wrappers import Response as AnyResponse

from ai_client.dashboard import PageRequest
from ai_client.dashboard.mounting import BODY_LIMIT, MountedDashboard, base_of, too_large

from ._guards import asked
from ._health import current_provider_or_none


def dashboard_blueprint(
    path: str,
    *,
    guard: Callable[[Any], Any] | None,
    token: str | None,
    token_file: str | Path | None,
    public: bool,
    development: bool | None,
) -> Blueprint:
    """Return a blueprint with the dashboard at a path and below."""
    mounted = MountedDashboard(
        guard=guard, token=token, token_file=token_file, public=public, development=development
    )
    blueprint = Blueprint("ai_client_dashboard", __name__)

    def dashboard(rest: str = "", **_: object) -> AnyResponse:  # the last: what a prefix holds
        """Answer a browser."""
        page = mounted.page(debug=current_app.debug)
        allowed = asked(page.guard)
        if isinstance(allowed, AnyResponse):
            return allowed
        answer = page.refusal(request.headers.get("authorization"), allowed)
        if answer is None:
            body = _body()
            answer = (
                too_large()
                if body is None
                else page.answer(current_provider_or_none(), _page_request(rest, body))
            )
        return Response([answer.body], answer.status, dict(answer.headers))  # bytes would set its length

    path = path.rstrip("/")
    methods = ["GET", "POST"]  # and HEAD, with GET
    blueprint.add_url_rule(path or "/", view_func=dashboard, methods=methods, strict_slashes=False)
    blueprint.add_url_rule(f"{path}/<path:rest>", view_func=dashboard, methods=methods, strict_slashes=False)
    return blueprint


def _body() -> bytes | None:
    """Return the body of a form; `None` where it is too large, of which no more is read."""
    if request.method != "POST":
        return b""
    if (request.content_length or 0) > BODY_LIMIT:
        return None
    body = request.stream.read(BODY_LIMIT + 1)
    if not body:  # a function of `before_request` may have read the form
        body = urlencode(list(request.form.items(multi=True))).encode()
    return body if len(body) <= BODY_LIMIT else None


def _page_request(rest: str, body: bytes) -> PageRequest:
    return PageRequest(
        method=request.method,
        path=rest.strip("/"),
        query=request.query_string.decode("latin-1"),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        base=base_of(request.script_root + request.path, rest),
    )
