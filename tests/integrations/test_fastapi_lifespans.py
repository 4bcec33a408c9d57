"""Lifespans of several applications: mounted in each other, sharing a provider, or of one application at once."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Host, Mount, Route

import ai_client
from ai_client import AsyncOpenAI, ClientProvider
from ai_client.errors import ClientClosedError, ConfigError, OpenAIError
from ai_client.testing import Upstream
from ai_client_fastapi import AIClientDep, ai_client_lifespan, ai_client_router, get_ai_client

Options = dict[str, Any]
OURS, OTHERS = "sk-parent", "sk-mounted"


@pytest.fixture
def options(ai_client_upstream: Upstream) -> Options:
    """Give the options of clients that talk to the upstream."""
    return {"base_url": ai_client_upstream.base_url, "api_key": OURS, "max_retries": 0}


@pytest.fixture
def others(options: Options) -> Options:
    """Give those of another account."""
    return {**options, "api_key": OTHERS}


def asking(app: FastAPI) -> FastAPI:
    """Give an application a path that makes a call, and returns the key of its client."""

    @app.get("/ask")
    async def ask(client: AIClientDep) -> str:
        await client.models.retrieve("gpt-5.5")
        return str(client.api_key)

    return app


def asking_plainly(**arguments: Any) -> Starlette:
    """Make an application of Starlette with such a path."""

    async def ask(request: Request) -> JSONResponse:
        client = await get_ai_client(request)
        await client.models.retrieve("gpt-5.5")
        return JSONResponse(client.api_key)

    return Starlette(routes=[*arguments.pop("routes", ()), Route("/ask", ask)], **arguments)


def keys(upstream: Upstream) -> list[str]:
    """Return the keys that the upstream got."""
    return [request.headers["authorization"].removeprefix("Bearer ") for request in upstream.requests]


def mount(options: Options, inner: Any) -> FastAPI:
    """Mount an application in one with a lifespan."""
    app = asking(FastAPI(lifespan=ai_client_lifespan(options)))
    app.mount("/sub", inner)
    return app


def mount_beside_routers(options: Options, inner: Any) -> FastAPI:
    """Mount it where routers are included, which merges lifespans."""
    app = mount(options, inner)
    app.include_router(APIRouter())
    return app


def mount_by_router(options: Options, inner: Any) -> FastAPI:
    """Mount it where the lifespan is that of a router."""
    app = asking(FastAPI())
    for router in (APIRouter(), ai_client_router(options), APIRouter()):
        app.include_router(router)
    app.mount("/sub", inner)
    return app


def mount_in_middleware(options: Options, inner: Any) -> FastAPI:
    """Mount it wrapped in middleware."""
    return mount(options, GZipMiddleware(inner))


def mount_in_starlette(options: Options, inner: Any) -> Starlette:
    """Mount it in an application of Starlette."""
    return asking_plainly(routes=[Mount("/sub", inner)], lifespan=ai_client_lifespan(options))


def mount_deep(options: Options, inner: Any) -> FastAPI:
    """Mount it in an application that is mounted, below a list of routes."""
    middle = FastAPI()
    middle.mount("/b", inner)
    return mount(options, Starlette(routes=[Mount("/a", routes=[Mount("", middle)])]))


def mount_by_host(options: Options, inner: Any) -> Starlette:
    """Route a host to it."""
    return asking_plainly(routes=[Host("sub.test", inner)], lifespan=ai_client_lifespan(options))


MOUNTS: dict[Callable[[Options, Any], Any], str] = {
    mount: "/sub",
    mount_beside_routers: "/sub",
    mount_by_router: "/sub",
    mount_in_middleware: "/sub",
    mount_in_starlette: "/sub",
    mount_deep: "/sub/a/b",
    mount_by_host: "sub.test",
}


def asked(path: str) -> dict[str, Any]:
    """Return how a mounted application is asked."""
    return {"url": f"{path}/ask"} if path.startswith("/") else {"url": f"http://{path}/ask"}


@pytest.mark.parametrize("make", MOUNTS)
@pytest.mark.parametrize("plain", [False, True], ids=["fastapi", "starlette"])
def test_ignored_lifespan_stops_the_start(
    options: Options, others: Options, make: Callable[[Options, Any], Any], plain: bool
) -> None:
    """An application does not start with a lifespan mounted in it that nobody runs and that has other options."""
    lifespan = ai_client_lifespan(others)
    inner = asking_plainly(lifespan=lifespan) if plain else asking(FastAPI(lifespan=lifespan))
    with pytest.raises(ConfigError) as caught, TestClient(make(options, inner)):
        pass
    message = str(caught.value)
    assert repr(MOUNTS[make]) in message
    for remedy in ("lifespan_context", "wraps", "aliases"):
        assert remedy in message
    assert "sk-" not in message


def test_ignored_lifespan_of_a_router_stops_the_start(options: Options, others: Options) -> None:
    """A router with a lifespan that is mounted, not included, is found as well."""
    app = FastAPI(lifespan=ai_client_lifespan(options))
    app.mount("/sub", ai_client_router(others))
    with pytest.raises(ConfigError, match="'/sub'"), TestClient(app):
        pass


def test_ignored_lifespan_that_is_faulty_stops_the_start(options: Options) -> None:
    """A mounted lifespan whose options are wrong is not passed over."""
    with (
        pytest.raises(ConfigError),
        TestClient(mount(options, FastAPI(lifespan=ai_client_lifespan({"timeoutt": 1})))),
    ):
        pass


@pytest.mark.parametrize("make", MOUNTS)
def test_mounted_lifespan_with_the_same_options(
    options: Options, ai_client_upstream: Upstream, make: Callable[[Options, Any], Any]
) -> None:
    """A mounted lifespan with the same options, or the same provider, needs not run: the clients are shared."""
    provider = ClientProvider(options)
    for inner, outer in ((dict(options), options), (provider, provider)):
        app = make(outer, asking(FastAPI(lifespan=ai_client_lifespan(inner))))
        with TestClient(app) as http:
            assert http.get(**asked(MOUNTS[make])).json() == OURS
            assert http.get("/ask").json() == OURS
    assert ai_client_upstream.connections_opened == 2


@pytest.mark.parametrize("make", MOUNTS)
def test_mounted_lifespan_that_the_parent_runs(
    options: Options, others: Options, ai_client_upstream: Upstream, make: Callable[[Options, Any], Any]
) -> None:
    """A mounted lifespan that the parent's own lifespan runs serves the mounted application alone."""
    inner = asking(FastAPI(lifespan=ai_client_lifespan(others)))

    @asynccontextmanager
    async def own(_app: Any) -> AsyncIterator[None]:
        async with inner.router.lifespan_context(inner):
            yield

    app = make(options, inner)
    app.router.lifespan_context = ai_client_lifespan(options, wraps=own)
    for _ in range(2):
        with TestClient(app) as http:
            for _ in range(2):
                assert http.get("/ask").json() == OURS
                assert http.get(**asked(MOUNTS[make])).json() == OTHERS
    assert keys(ai_client_upstream) == [OURS, OTHERS] * 4
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


@pytest.mark.parametrize("make", MOUNTS)
@pytest.mark.parametrize("runs", [True, False], ids=["run", "ignored"])
def test_lifespan_inside_of_ones_own(  # noqa: PLR0917 - two parameters and four fixtures
    options: Options,
    others: Options,
    ai_client_upstream: Upstream,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[Options, Any], Any],
    runs: bool,
) -> None:
    """Where an application's own lifespan calls ours, it may run a mounted one after it; else the first use says so."""
    inner = asking(FastAPI(lifespan=ai_client_lifespan(others)))
    app = make(options, inner)

    @asynccontextmanager
    async def own(app: Any) -> AsyncIterator[None]:
        async with ai_client_lifespan(options)(app), AsyncExitStack() as stack:
            if runs:
                await stack.enter_async_context(inner.router.lifespan_context(inner))
            yield

    app.router.lifespan_context = own
    path = asked(MOUNTS[make])
    with TestClient(app) as http:
        assert http.get("/ask").json() == OURS
        for _ in range(2):
            if runs:
                assert http.get(**path).json() == OTHERS
            else:
                with pytest.raises(ConfigError, match="lifespan_context") as caught:
                    http.get(**path)
                assert repr(MOUNTS[make]) in str(caught.value)
        assert http.get("/ask").json() == OURS
    assert keys(ai_client_upstream) == ([OURS, OTHERS, OTHERS, OURS] if runs else [OURS, OURS])
    logged = [record for record in caplog.records if "lifespan_context" in record.getMessage()]
    assert len(logged) == (0 if runs else 2)


def test_application_in_one_that_is_mounted(options: Options, others: Options) -> None:
    """An application without a lifespan uses the clients of the nearest application around it that has some."""
    innermost = asking(FastAPI())
    inner = mount(others, innermost)

    @asynccontextmanager
    async def own(_app: Any) -> AsyncIterator[None]:
        async with inner.router.lifespan_context(inner):
            yield

    app = asking(FastAPI(lifespan=ai_client_lifespan(options, wraps=own)))
    app.mount("/inner", inner)
    with TestClient(app) as http:
        assert http.get("/ask").json() == OURS
        assert http.get("/inner/ask").json() == OTHERS
        assert http.get("/inner/sub/ask").json() == OTHERS
    with TestClient(inner) as http:
        assert http.get("/sub/ask").json() == OTHERS


@pytest.mark.parametrize("order", [["/ask", "/sub/ask"], ["/sub/ask", "/ask"]])
def test_mounted_lifespan_on_a_server_without(options: Options, others: Options, order: list[str]) -> None:
    """On a server that runs no lifespan each application gets its own clients, whichever is asked first."""
    inner = asking(FastAPI(lifespan=ai_client_lifespan(others)))
    app = mount(options, inner)
    http = TestClient(app)
    for _ in range(2):
        assert {path: http.get(path).json() for path in order} == {"/ask": OURS, "/sub/ask": OTHERS}
    for router in (app.router, inner.router):
        router.ai_client.close()  # type: ignore[attr-defined]


def test_mounted_lifespan_in_a_parent_without(others: Options) -> None:
    """In a parent that has no lifespan of ours, the clients of a mounted application start with its first request."""
    app = FastAPI()
    inner = asking(FastAPI(lifespan=ai_client_lifespan(others)))
    app.mount("/sub", inner)
    with TestClient(app) as http:
        assert http.get("/sub/ask").json() == OTHERS
    inner.state.ai_client.close()


def test_mounted_application_runs_by_itself(options: Options, others: Options) -> None:
    """A lifespan that a parent had to run serves its application by itself as well."""
    inner = asking(FastAPI(lifespan=ai_client_lifespan(others)))
    with pytest.raises(ConfigError), TestClient(mount(options, inner)):
        pass
    with TestClient(inner) as http:
        assert http.get("/ask").json() == OTHERS


@pytest.fixture
def provider(options: Options) -> Iterator[ClientProvider]:
    """Yield a provider to share, and close it."""
    provider = ClientProvider(options)
    yield provider
    provider.close()


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_shared_provider_ends_with_the_last(
    provider: ClientProvider, ai_client_upstream: Upstream, order: list[int]
) -> None:
    """Applications that share a provider may end in any order: the last one closes it."""
    apps = [asking(FastAPI(lifespan=ai_client_lifespan(provider))) for _ in range(3)]
    for _ in range(2):
        sites = [TestClient(app) for app in apps]
        for site in sites:
            site.__enter__()
        assert [site.get("/ask").json() for site in sites] == [OURS] * 3
        kept = provider.async_client
        left = list(sites)
        for index in order:
            assert not kept.is_closed()
            assert [site.get("/ask").json() for site in left] == [OURS] * len(left)
            left.remove(sites[index])
            sites[index].__exit__(None, None, None)
        assert kept.is_closed()
        assert provider.state == "closed"
        ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"timeot": 30}, "Did you mean 'timeout'"),
        ({"api_key": "a\nb"}, "api_key"),
        ({"environment": False, "warm": ["chat"]}, "Missing credentials"),
        ({"warm": ["chats"]}, "Did you mean 'chat'"),
    ],
)
def test_start_that_fails_says_why_in_short(wrong: Options, message: str) -> None:
    """What a server prints of a wrong option or a missing key shows none of the code that found it."""
    app = FastAPI(lifespan=ai_client_lifespan(**wrong))
    with pytest.raises(OpenAIError, match=message) as failed, TestClient(app):
        pass
    shown = {Path(frame.filename).parent for frame in traceback.extract_tb(failed.value.__traceback__)}
    package = Path(ai_client.__file__).parent
    assert not [folder for folder in shown if package in (folder, *folder.parents)]


def test_start_that_fails_leaves_a_shared_provider_open(provider: ClientProvider) -> None:
    """An application that fails to start does not close the provider that others use."""

    async def failing(_app: Any) -> AsyncIterator[None]:
        raise LookupError
        yield

    with TestClient(asking(FastAPI(lifespan=ai_client_lifespan(provider)))) as http:
        lifespan = ai_client_lifespan(provider, wraps=failing)
        with pytest.raises(LookupError), TestClient(FastAPI(lifespan=lifespan)):
            pass
        assert http.get("/ask").json() == OURS
    assert provider.state == "closed"


def test_shared_provider_that_started_late(provider: ClientProvider) -> None:
    """A lifespan that runs after a request went without one does not close the provider that others share."""
    first, second = (asking(FastAPI(lifespan=ai_client_lifespan(provider))) for _ in range(2))
    with TestClient(first) as http:
        assert TestClient(second).get("/ask").json() == OURS
        kept = provider.async_client
        with TestClient(second) as again:
            assert again.get("/ask").json() == OURS
            assert provider.async_client is kept
        assert http.get("/ask").json() == OURS
    assert provider.state == "closed"


def test_nested_lifespans_of_one_application(options: Options, others: Options) -> None:
    """A lifespan inside another of the same application takes its place, and gives it back."""
    app = asking(FastAPI())
    http = TestClient(app)

    async def get() -> str:
        return str((await asyncio.to_thread(http.get, "/ask")).json())

    async def main() -> None:
        for _ in range(2):
            async with ai_client_lifespan(options)(app):
                outer = app.state.ai_client
                assert await get() == OURS
                async with ai_client_lifespan(others)(app):
                    assert app.state.ai_client is not outer
                    assert await get() == OTHERS
                    async with ai_client_lifespan(outer)(app):
                        assert app.state.ai_client is outer
                        assert await get() == OURS
                    assert await get() == OTHERS
                assert app.state.ai_client is outer
                assert outer.state == "open"
                assert await get() == OURS
            assert not hasattr(app.state, "ai_client")
            assert outer.state == "closed"

    asyncio.run(main())


def test_overlapping_lifespans_of_one_application(options: Options, others: Options) -> None:
    """Of lifespans that end out of order, the latest that still runs serves."""
    app = asking(FastAPI())
    http = TestClient(app)

    async def main() -> None:
        first, second = (ai_client_lifespan(given)(app) for given in (options, others))
        await first.__aenter__()
        await second.__aenter__()
        await first.__aexit__(None, None, None)
        assert (await asyncio.to_thread(http.get, "/ask")).json() == OTHERS
        await second.__aexit__(None, None, None)
        assert not hasattr(app.state, "ai_client")

    asyncio.run(main())


def test_provider_in_the_state(options: Options, others: Options) -> None:
    """A provider that the application itself keeps in its state stays there, and is not that of the lifespan."""
    app = asking(FastAPI(lifespan=ai_client_lifespan(options)))
    app.state.ai_client = mine = ClientProvider(others)
    with TestClient(app) as http:
        assert app.state.ai_client is mine
        assert http.get("/ask").json() == OURS
    assert app.state.ai_client is mine
    assert mine.state == "open"
    same = asking(FastAPI(lifespan=ai_client_lifespan(mine)))
    same.state.ai_client = mine
    with TestClient(same) as http:
        assert http.get("/ask").json() == OTHERS
    assert same.state.ai_client is mine


def test_ended_lifespan_serves_nobody(options: Options) -> None:
    """After the end of a lifespan its clients are closed, and its application finds none, mounted or not."""
    inner = asking(FastAPI())
    app = mount(options, inner)
    with TestClient(app) as http:
        provider = app.state.ai_client
        client: AsyncOpenAI = provider.async_client
        assert http.get("/sub/ask").json() == OURS
    assert client.is_closed()
    with pytest.raises(ClientClosedError):
        _ = provider.client
    for path in ("/ask", "/sub/ask"):
        with pytest.raises(RuntimeError, match="no lifespan with one has run"):
            http.get(path)
    with TestClient(app) as http:
        assert http.get("/sub/ask").json() == OURS
