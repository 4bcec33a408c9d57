"""The dashboard in FastAPI and Starlette: where it can be mounted, and whom it refuses."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Router

from ai_client.dashboard.mounting import BODY_LIMIT
from ai_client.errors import ConfigError
from ai_client_fastapi import ai_client_lifespan, dashboard_routes
from tests.support.dashboard import addresses_in, is_dashboard, pages_of

KEY = "sk-verysecret"


def lifespan() -> Any:
    """Return a lifespan with clients."""
    return ai_client_lifespan(api_key=KEY)


def included() -> FastAPI:
    """Include it, with the prefixes of two routers."""
    app = FastAPI(lifespan=lifespan())
    inner = APIRouter(prefix="/inner")
    inner.include_router(dashboard_routes(public=True))
    app.include_router(inner, prefix="/outer")
    return app


def below_a_parameter() -> FastAPI:
    """Include it below a path that differs from request to request."""
    app = FastAPI(lifespan=lifespan())
    app.include_router(dashboard_routes("", public=True), prefix="/{team}/ai")
    return app


def mounted() -> FastAPI:
    """Mount it below an application of its own."""
    app, inner = FastAPI(lifespan=lifespan()), FastAPI()
    inner.mount("/b", dashboard_routes("/ai", public=True))
    app.mount("/a", inner)
    return app


def of_starlette() -> Starlette:
    """Mount it in Starlette."""
    return Starlette(
        routes=[Mount("/a", app=Starlette(routes=[Mount("/", app=dashboard_routes("/ai", public=True))]))],
        lifespan=lifespan(),
    )


def at_a_mount() -> Starlette:
    """Mount it in Starlette without a path of its own."""
    return Starlette(routes=[Mount("/ai", app=dashboard_routes("/", public=True))], lifespan=lifespan())


MOUNTS = {
    included: "/outer/inner/ai",
    below_a_parameter: "/team/ai",
    mounted: "/a/b/ai",
    of_starlette: "/a/ai",
    at_a_mount: "/ai",
}


@pytest.mark.parametrize("prefix_kept", [True, False])
@pytest.mark.parametrize("root", ["", "/behind/proxy"])
@pytest.mark.parametrize("make", MOUNTS)
def test_its_links_lead_to_its_pages(make: Any, root: str, prefix_kept: bool) -> None:
    """Wherever it is mounted, also behind a proxy, its links and files are below the mount as the browser sees it."""
    base = MOUNTS[make]
    if root and not prefix_kept and make in {mounted, of_starlette, at_a_mount}:
        pytest.skip("Starlette finds nothing in a mount where the server leaves the root out of the path")
    with TestClient(make(), root_path=root) as http:
        at = root if prefix_kept else ""
        for index in (base, f"{base}/"):
            answer = http.get(at + index)
            assert is_dashboard(answer.text), answer.text
            assert {found.split("/ai")[0] for found in addresses_in(answer.text)} == {root + base[:-3]}
        for address in pages_of(answer.text):
            found = http.get(address if prefix_kept else address.removeprefix(root))
            assert found.status_code == 200, address
        assert http.get(f"{at}{base}/no/such").status_code == 404


def test_head_and_other_methods() -> None:
    """HEAD tells what GET would, without the body; a method that the dashboard does not know is refused."""
    with TestClient(included()) as http:
        base = MOUNTS[included]
        got, head = http.get(f"{base}/assets/style.css"), http.head(f"{base}/assets/style.css")
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["content-length"] == str(len(got.content))
        assert http.put(base).status_code == 405
        assert http.post(base).status_code == 405
        assert "/outer/inner/ai" not in str(http.get("/openapi.json").json())


def pieces() -> Iterator[bytes]:
    """Yield a body that is too large, of unknown length."""
    for _ in range(BODY_LIMIT // 1000 + 2):
        yield b"x" * 1000


def test_bodies_are_bounded() -> None:
    """A body larger than any form is refused, whether its length is known or not."""
    with TestClient(included()) as http:
        for body in (b"x" * (BODY_LIMIT + 1), pieces()):
            assert http.post(f"{MOUNTS[included]}/calls", content=body).status_code == 413


def refuse() -> None:
    """Refuse a request."""
    raise HTTPException(401)


ROUTES = (
    "/ai",
    "/ai/",
    "/ai/data.json",
    "/ai/data.csv",
    "/ai/calls",
    "/ai/calls/some",
    "/ai/assets/style.css",
)


def assert_refused(app: Any, status: int, **options: Any) -> None:
    """Assert that no route of it tells anything."""
    with TestClient(app, follow_redirects=False, **options) as http:
        for route in ROUTES:
            for method in ("GET", "HEAD", "POST"):
                answer = http.request(method, route)
                assert answer.status_code == status, (method, route)
                assert len(answer.content) < 40
                assert "AI calls" not in answer.text


@pytest.mark.parametrize("where", ["application", "include", "router"])
def test_dependencies_are_asked(where: str) -> None:
    """The dependencies of the application, and of each router that it is included in, refuse for it."""
    guards = [Depends(refuse)]
    app = FastAPI(lifespan=lifespan(), dependencies=guards if where == "application" else None)
    router = APIRouter(dependencies=guards if where == "router" else None)
    router.include_router(dashboard_routes(public=True), dependencies=guards if where == "include" else None)
    app.include_router(router)
    assert_refused(app, 401)


async def async_no(request: Request) -> bool:
    """Refuse, later."""
    del request
    return False


class Refusal:
    """A guard that is an object with a coroutine method."""

    async def __call__(self, request: Request) -> None:
        """Refuse."""


def to_login(request: Request) -> Response:
    """Answer with where to log in."""
    del request
    return RedirectResponse("/login", 302)


@pytest.mark.parametrize(
    ("guard", "status"),
    [
        (lambda request: request.headers.get("x-who") == "me", 403),
        (async_no, 403),
        (lambda request: async_no(request), 403),  # noqa: PLW0108 - a plain function
        (Refusal(), 403),
        (to_login, 302),
    ],
)
def test_guards(guard: Any, status: int) -> None:
    """A guard may be of either kind; whom it refuses, or answers itself, learns nothing."""
    app = FastAPI(lifespan=lifespan())
    app.include_router(dashboard_routes(guard=guard))
    assert_refused(app, status)


def test_who_is_let_in() -> None:
    """A guard of either kind lets in for whom it returns true, and a token whoever brings it as a password."""

    async def allows(request: Request) -> bool:
        return request.headers.get("x-who") == "me"

    app = FastAPI(lifespan=lifespan())
    app.include_router(dashboard_routes("/guarded", guard=allows))
    app.include_router(dashboard_routes("/ai", token="s3cret"))
    assert_refused(app, 401)
    with TestClient(app) as http:
        assert is_dashboard(http.get("/guarded", headers={"x-who": "me"}).text)
        assert is_dashboard(http.get("/ai", auth=("anyone", "s3cret")).text)


def test_it_is_not_mounted_by_accident() -> None:
    """Without a word about who may read it there is no dashboard, and the error says what to choose."""
    with pytest.raises(ConfigError, match=r"guard, token, token_file and public=True"):
        dashboard_routes()


def test_a_path_that_nothing_matches() -> None:
    """A path without a slash would be mounted and never found."""
    with pytest.raises(ConfigError, match="must begin with a slash"):
        dashboard_routes("ai", public=True)


def test_no_client() -> None:
    """An application without clients says so."""
    app = FastAPI()
    app.include_router(dashboard_routes(public=True))
    answer = TestClient(app).get("/ai")
    assert answer.status_code == 503
    assert re.search("has no AI client", answer.text)


def test_starlette_without_fastapi(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where FastAPI is not installed, it is a router of Starlette."""
    monkeypatch.setattr("ai_client_fastapi._pages.APIRouter", Router)
    routes = dashboard_routes(public=True)
    assert type(routes) is Router
    with TestClient(Starlette(routes=[Mount("/", app=routes)], lifespan=lifespan())) as http:
        assert is_dashboard(http.get("/ai").text)
        assert http.put("/ai").status_code == 405
