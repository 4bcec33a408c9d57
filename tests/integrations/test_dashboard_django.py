"""The dashboard in Django as a view: where it can be mounted, and whom it refuses."""

import asyncio
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import clear_script_prefix, include, path

from ai_client.dashboard.mounting import BODY_LIMIT
from ai_client.errors import ConfigError
from ai_client_django.dashboard import dashboard_urls
from ai_client_django.metrics import metrics_view
from tests.support.dashboard import addresses_in, is_dashboard, pages_of

ROUTES = ("", "data.json", "data.csv", "calls", "calls/some", "assets/style.css")


async def async_no(request: Any) -> bool:
    """Refuse, later."""
    del request
    return False


async def async_yes(request: Any) -> bool:
    """Let everybody in, later."""
    del request
    return True


def forbid(request: Any) -> bool:
    """Refuse as Django's own checks do."""
    raise PermissionDenied(request.path)


class URLs:
    """The URLs of dashboards with each way to decide who may read it, as `ROOT_URLCONF`."""

    urlpatterns = (
        path("public/ai/", include(dashboard_urls(public=True))),
        path("<str:team>/nested/ai/", include(dashboard_urls(public=True), namespace="nested")),
        path("async/ai/", include(dashboard_urls(guard=async_yes), namespace="async")),
        path("403/sync/", include(dashboard_urls(guard=lambda request: "me" in request.GET), namespace="1")),
        path("403/async/", include(dashboard_urls(guard=async_no), namespace="2")),
        path("403/raising/", include(dashboard_urls(guard=forbid), namespace="3")),
        path("418/", include(dashboard_urls(guard=lambda _: HttpResponse(status=418)), namespace="4")),
        path("401/", include(dashboard_urls(token="s3cret"), namespace="5")),
    )


@pytest.fixture(autouse=True)
def _urls() -> Any:
    """Serve the dashboards, on a site that demands a token of each form."""
    with override_settings(ROOT_URLCONF=URLs, MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"]):
        yield


@pytest.mark.parametrize("base", ["/public/ai", "/team/nested/ai", "/async/ai"])
def test_its_links_lead_to_its_pages(base: str) -> None:
    """Wherever it is mounted, its links and files are below the mount."""
    http = Client()
    answer = http.get(f"{base}/")
    text = answer.content.decode()
    assert is_dashboard(text)
    assert all(found.startswith(f"{base}/") for found in addresses_in(text))
    for address in pages_of(text):
        assert http.get(address).status_code == 200, address
    assert http.get(f"{base}/no/such").status_code == 404


@override_settings(FORCE_SCRIPT_NAME="/behind/proxy")
def test_behind_a_proxy() -> None:
    """Its links have the prefix that the server says it is behind."""
    try:
        text = Client().get("/public/ai/").content.decode()
    finally:
        clear_script_prefix()
    assert {found.split("/ai")[0] for found in addresses_in(text)} == {"/behind/proxy/public"}


def test_on_an_event_loop() -> None:
    """It answers on an event loop, whichever kind its guard is."""

    async def visit() -> None:
        http = AsyncClient()
        for base in ("/public/ai/", "/async/ai/"):
            answer = await http.get(base)
            assert is_dashboard(answer.content.decode())
        assert (await http.get("/403/async/")).status_code == 403

    asyncio.run(visit())


def test_methods_and_bodies() -> None:
    """HEAD tells what GET would, its own forms need no token of Django, and a body larger than any form is refused."""
    http = Client(enforce_csrf_checks=True)
    got, head = http.get("/public/ai/assets/style.css"), http.head("/public/ai/assets/style.css")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(got.content))
    assert http.put("/public/ai/").status_code == 405
    assert http.post("/public/ai/").status_code == 405
    large = {"x": "x" * BODY_LIMIT}
    assert http.post("/public/ai/calls", large).status_code == 413
    form = "application/x-www-form-urlencoded"
    assert http.post("/public/ai/calls", "x" * (BODY_LIMIT + 1), content_type=form).status_code == 413
    assert http.post("/public/ai/calls", "x", content_type=form).status_code not in {403, 413, 500}


@pytest.mark.parametrize("base", ["/403/sync/", "/403/async/", "/403/raising/", "/418/", "/401/"])
def test_who_is_refused_learns_nothing(base: str) -> None:
    """Whom a guard of either kind refuses or answers itself, or who has no token, gets none of it on any route."""
    http = Client()
    for route in ROUTES:
        for method in ("GET", "HEAD", "POST"):
            answer = http.generic(method, base + route)
            assert answer.status_code == int(base[1:4]), (method, route)
            assert b"AI calls" not in answer.content


def test_who_is_let_in() -> None:
    """Whom the guard allows may read it, and who brings the token as a password."""
    assert is_dashboard(Client().get("/403/sync/?me").content.decode())
    basic = {"authorization": "Basic YW55b25lOnMzY3JldA=="}
    assert is_dashboard(Client().get("/401/", headers=basic).content.decode())


def test_without_users_it_is_not_mounted() -> None:
    """Where nobody is staff, as there are no users, the error says what to choose."""
    with pytest.raises(ConfigError, match=r"django.contrib.auth is not installed.*guard, token"):
        dashboard_urls()


def test_guards_of_the_metrics(rf: RequestFactory) -> None:
    """A guard of the metrics may be a coroutine function; what is never awaited lets nobody in."""
    assert metrics_view(guard=async_no)(rf.get("/")).status_code == 403
    with pytest.raises(ConfigError, match="metrics: guard has returned an awaitable"):
        metrics_view(guard=lambda request: async_no(request))(rf.get("/"))  # noqa: PLW0108 - a plain function
