"""The dashboard as URLs: `path("ai/", include(dashboard_urls()))`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, RawPostDataException
from django.urls import URLPattern, path

from ai_client.dashboard import PageRequest
from ai_client.dashboard.mounting import BODY_LIMIT, MountedDashboard, base_of, too_large
from ai_client.errors import ConfigError

from ._admin_entry import show_in_admin
from ._guards import asked
from ._health import provider_or_none
from ._pages import response_with
from ._staff import staff_guard

NAMESPACE = "ai_client_dashboard"
_AUTH = "django.contrib.auth"


def dashboard_urls(
    *,
    guard: Callable[[HttpRequest], Any] | None = None,
    token: str | None = None,
    token_file: str | Path | None = None,
    public: bool = False,
    development: bool | None = None,
) -> tuple[list[URLPattern], str]:
    """Return the URLs of the dashboard of the application's clients, for `include`.

        path("ai/", include(dashboard_urls()))

    Without an argument it is for staff: who has not logged in is sent to the login of the admin, or else to
    `LOGIN_URL`. Staff who may read it find it in the index of the admin. Its view is a plain function, which Django
    calls in a thread on an event loop, as it may wait for a store; its forms have a token of their own.

    Args:
        guard: A function or coroutine function of the request that returns whether it may read the dashboard, or a
            response that refuses it.
        token: What a browser must bring as the password of HTTP Basic, with any user name, or any client as
            `Authorization: Bearer ...`.
        token_file: A file that holds that, read at each request.
        public: Whether anyone may read it.
        development: Whether calls may be sent again from it, which costs money; where it is not given, the setting
            `DEBUG`.

    Raises:
        ConfigError: Several of guard, token, token_file and public are given, or none where `django.contrib.auth` is
            not installed.
    """
    if guard is None and token is None and token_file is None and not public:
        if not apps.is_installed(_AUTH):
            raise ConfigError(
                f"dashboard: {_AUTH} is not installed, so nobody is staff. "
                "Set one of guard, token, token_file and public=True, which decide who may read it."
            )
        guard = staff_guard
    mounted = MountedDashboard(
        guard=guard, token=token, token_file=token_file, public=public, development=development
    )

    def dashboard(request: HttpRequest, rest: str = "", **_: object) -> HttpResponseBase:
        page = mounted.page(debug=settings.DEBUG)
        allowed = asked(page.guard, request)
        if isinstance(allowed, HttpResponseBase):
            return allowed
        answer = page.refusal(request.headers.get("authorization"), allowed)
        if answer is None:
            body = _body_of(request)
            answer = (
                too_large()
                if body is None
                else page.answer(provider_or_none(), _page_request(request, rest, body))
            )
        return response_with(answer)

    view: Any = dashboard
    view.login_required = False  # for Django's LoginRequiredMiddleware: the guard decides
    view.csrf_exempt = True  # the forms of the page repeat a cookie of its own
    show_in_admin(NAMESPACE, guard)
    return [path("", dashboard, name="index"), path("<path:rest>", dashboard, name="page")], NAMESPACE


def _body_of(request: HttpRequest) -> bytes | None:
    """Return the body of a form; `None` where it is too large."""
    if request.method != "POST":
        return b""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > BODY_LIMIT:
        return None
    try:
        body = request.body
    except RawPostDataException:  # a form with files, which the dashboard has none of
        return b""
    return body if len(body) <= BODY_LIMIT else None


def _page_request(request: HttpRequest, rest: str, body: bytes) -> PageRequest:
    return PageRequest(
        method=request.method or "GET",
        path=rest.strip("/"),
        query=request.META.get("QUERY_STRING", ""),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        base=base_of(request.path, rest),
    )
