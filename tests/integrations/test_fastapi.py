"""Tests of the FastAPI adapter inside the test's process."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import Response
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from ai_client import AsyncOpenAI, ClientProvider, OpenAI, current_labels
from ai_client.errors import ClientClosedError, ConfigError, OpenAIError
from ai_client.testing import Upstream, override
from ai_client_fastapi import (
    AIClientDep,
    SyncAIClientDep,
    add_ai_client_error_handlers,
    ai_client,
    ai_client_lifespan,
    ai_client_router,
    get_ai_client,
    stream_response,
    sync_ai_client,
)
from ai_client_fastapi._labels import LabelMiddleware

ASK: dict[str, Any] = {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "Hello?"}]}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Yield a started upstream."""
    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def options(upstream: Upstream) -> dict[str, Any]:
    """Give the options of clients that talk to the upstream."""
    return {"base_url": upstream.base_url, "api_key": "any", "max_retries": 0}


def test_one_client_for_all_requests(options: dict[str, Any], upstream: Upstream) -> None:
    """Every request gets the same async client, and it works."""
    app = FastAPI(lifespan=ai_client_lifespan(options))
    seen: set[AsyncOpenAI] = set()

    @app.get("/")
    async def ask(client: AIClientDep) -> str | None:
        seen.add(client)
        return (await client.chat.completions.create(**ASK)).choices[0].message.content

    with TestClient(app) as http:
        answers = {http.get("/").text for _ in range(3)}
    assert len(seen) == len(answers) == 1
    assert "Hello?" in answers.pop()
    assert upstream.connections_opened == 1


def test_sync_client(options: dict[str, Any]) -> None:
    """A path operation that is a plain function gets the sync client."""
    app = FastAPI(lifespan=ai_client_lifespan(options))

    @app.get("/")
    def ask(client: SyncAIClientDep) -> int:
        return len(client.embeddings.create(model="text-embedding-3-small", input="Hello").data)

    with TestClient(app) as http:
        assert http.get("/").json() == 1


def test_own_lifespan_is_kept(options: dict[str, Any]) -> None:
    """The application's own lifespan runs inside, may use the client, and its state reaches the requests."""
    events: list[str] = []

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        answer = await app.state.ai_client.async_client.models.retrieve("gpt-5.5")
        yield {"model": answer.id}
        events.append("open" if app.state.ai_client.state == "open" else "closed too early")

    app = FastAPI(lifespan=ai_client_lifespan(options, wraps=own))

    @app.get("/")
    async def model(request: Request) -> str:
        return str(request.state.model)

    with TestClient(app) as http:
        assert http.get("/").json() == "gpt-5.5"
    assert events == ["open"]


def test_own_lifespan_as_a_generator(options: dict[str, Any]) -> None:
    """The application's own lifespan may be an undecorated generator function, as FastAPI allows."""

    async def own(_app: FastAPI) -> AsyncIterator[dict[str, str]]:
        yield {"greeting": "hello"}

    app = FastAPI(lifespan=ai_client_lifespan(options, wraps=own))

    @app.get("/")
    async def greeting(request: Request) -> str:
        return str(request.state.greeting)

    with TestClient(app) as http:
        assert http.get("/").json() == "hello"


def test_override_without_lifespan() -> None:
    """A test may replace the dependency, and needs no lifespan and no key then."""
    app = FastAPI()

    @app.get("/")
    async def kind(client: AIClientDep) -> str:
        return type(client).__name__

    app.dependency_overrides[get_ai_client] = lambda: "a fake"
    assert TestClient(app).get("/").json() == "str"


def test_override_of_the_provider(options: dict[str, Any]) -> None:
    """A test may also put other clients in the place of the application's, with the lifespan running."""
    app = FastAPI(lifespan=ai_client_lifespan(options))

    @app.get("/")
    async def kind(client: AIClientDep, sync: SyncAIClientDep) -> list[str]:
        return [type(client).__name__, type(sync).__name__]

    with TestClient(app) as http:
        with override(app.state.ai_client, "a fake"):
            assert http.get("/").json() == ["str", "str"]
        assert http.get("/").json() == ["AsyncOpenAI", "OpenAI"]


def test_missing_lifespan_names_the_remedies() -> None:
    """Where no lifespan ran, the error names both ways to get one."""
    app = FastAPI()

    @app.get("/")
    async def ask(client: AIClientDep) -> None:
        del client

    told = (
        r"lifespan=ai_client_lifespan\(\).*ai_client_router\(\).*daphne.*--lifespan off.*wraps=.*TestClient"
    )
    with pytest.raises(RuntimeError, match=told):
        TestClient(app).get("/")


def asking(app: FastAPI) -> FastAPI:
    """Give an application a path that makes a call, and tells its endpoint and the address of its client."""

    @app.get("/{name}")
    async def ask(name: str, client: AIClientDep) -> list[str | None]:
        await client.chat.completions.create(model=name, messages=[{"role": "user", "content": "Hello?"}])
        return [current_labels().endpoint, hex(id(client))]

    return app


def by_lifespan(options: dict[str, Any]) -> FastAPI:
    """Make an application with the lifespan."""
    return asking(FastAPI(lifespan=ai_client_lifespan(options)))


def by_router(options: dict[str, Any]) -> FastAPI:
    """Make an application with the router, between two others."""
    app = asking(FastAPI())
    for router in (APIRouter(), ai_client_router(options), APIRouter()):
        app.include_router(router)
    return app


def by_mount(options: dict[str, Any]) -> FastAPI:
    """Make an application that is mounted in one with the lifespan."""
    app = FastAPI(lifespan=ai_client_lifespan(options))
    app.mount("/mounted", asking(FastAPI()))
    return app


@pytest.mark.parametrize("make", [by_lifespan, by_router, by_mount])
def test_server_without_lifespan(
    options: dict[str, Any],
    upstream: Upstream,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[dict[str, Any]], FastAPI],
) -> None:
    """Where no lifespan is run, the clients start with the first request, one for all, and the log says so once."""
    app = make(options)
    path = "/mounted/m" if make is by_mount else "/m"
    http = TestClient(app)
    with ThreadPoolExecutor(8) as pool:
        answers = [answer.json() for answer in pool.map(http.get, [path] * 16)]
    assert len({client for _, client in answers}) == 1
    assert http.get(path).json()[0] == ("/mounted/{name}" if make is by_mount else "/{name}")
    messages = [record.message for record in caplog.records if record.name == "ai_client"]
    assert sum("The server runs no lifespan" in message for message in messages) == 1
    provider = app.router.ai_client  # type: ignore[attr-defined]
    assert not provider._gate.closing
    provider.close()
    assert (
        upstream.connections_opened <= 8 + 1
    )  # one for each thread, and that of the adopted loop of the first request


def test_lifespan_after_requests_without(options: dict[str, Any]) -> None:
    """A lifespan that runs after all takes the place of the clients that were started without it, and closes them."""
    app = by_lifespan(options)
    http = TestClient(app)
    assert http.get("/m").status_code == 200
    late = app.state.ai_client
    with http:
        assert late.state == "closed"
        assert app.state.ai_client is not late
        assert http.get("/m").json()[0] == "/{name}"
    with pytest.raises(RuntimeError, match="no lifespan with one has run"):
        http.get("/m")


def test_fault_without_lifespan_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Where the clients cannot be started with the first request, the log says why, as not every server does."""
    http = TestClient(by_lifespan({"timeoutt": 1}))
    with pytest.raises(ConfigError, match="timeoutt"):
        http.get("/m")
    with pytest.raises(RuntimeError):
        TestClient(asking(FastAPI())).get("/m")
    logged = [
        record for record in caplog.records if record.name == "ai_client" and record.levelname == "ERROR"
    ]
    assert ["could not be started" in logged[0].message, "no lifespan" in logged[1].message] == [True, True]
    assert logged[0].exc_info is not None


def test_mounted_application(options: dict[str, Any]) -> None:
    """A mounted application, however deep, uses the client of the one that it is mounted in."""
    inner, middle = FastAPI(), FastAPI()
    app = FastAPI(lifespan=ai_client_lifespan(options))
    seen: list[AsyncOpenAI] = []

    @inner.get("/ask")
    @app.get("/ask")
    async def ask(client: AIClientDep) -> None:
        seen.append(client)

    middle.mount("/inner", inner)
    app.mount("/middle", middle)
    with TestClient(app) as http:
        assert http.get("/middle/inner/ask").status_code == http.get("/ask").status_code == 200
    assert seen[0] is seen[1]


def test_starlette_parent(options: dict[str, Any]) -> None:
    """A plain Starlette application can bring the lifespan for a FastAPI application in it."""
    inner = FastAPI()

    @inner.get("/ask")
    async def ask(client: AIClientDep) -> str:
        return (await client.models.retrieve("gpt-5.5")).id

    app = Starlette(routes=[Mount("/v1", inner)], lifespan=ai_client_lifespan(options))
    with TestClient(app) as http:
        assert http.get("/v1/ask").json() == "gpt-5.5"


def test_state_of_another_owner(options: dict[str, Any]) -> None:
    """What an application keeps as `app.state.ai_client` is not overwritten: the start fails, and names it."""
    app = FastAPI(lifespan=ai_client_lifespan(options))
    app.state.ai_client = "mine"
    with pytest.raises(ConfigError, match=r"app\.state\.ai_client is taken.*'str'"), TestClient(app):
        pass
    assert app.state.ai_client == "mine"


def test_state_of_another_owner_while_serving(options: dict[str, Any]) -> None:
    """What is put there later, or by a mounted application, is not taken for the clients, and stays at the end."""
    app = FastAPI(lifespan=ai_client_lifespan(options))
    inner = asking(FastAPI())
    inner.state.ai_client = "mine"
    app.mount("/inner", inner)
    asking(app)
    with TestClient(app) as http:
        app.state.ai_client = "mine"
        assert http.get("/m").status_code == http.get("/inner/m").status_code == 200
    assert app.state.ai_client == inner.state.ai_client == "mine"


def test_several_applications(options: dict[str, Any]) -> None:
    """Two applications of a process keep their clients apart."""

    def make(organization: str) -> FastAPI:
        app = FastAPI(lifespan=ai_client_lifespan({**options, "organization": organization}))

        @app.get("/")
        async def whose(client: AIClientDep) -> str | None:
            return client.organization

        return app

    with TestClient(make("one")) as first, TestClient(make("two")) as second:
        assert [first.get("/").json(), second.get("/").json(), first.get("/").json()] == ["one", "two", "one"]


def test_shared_provider(options: dict[str, Any]) -> None:
    """Two applications may be given one provider, and share its clients."""
    provider = ClientProvider(options)
    seen: list[AsyncOpenAI] = []

    def make() -> FastAPI:
        app = FastAPI(lifespan=ai_client_lifespan(provider))

        @app.get("/")
        async def ask(client: AIClientDep) -> None:
            seen.append(client)

        return app

    with TestClient(make()) as first, TestClient(make()) as second:
        first.get("/")
        second.get("/")
    assert seen[0] is seen[1]


def test_router_leaves_the_lifespan_alone(options: dict[str, Any]) -> None:
    """An application that has a lifespan gets the client from a router it includes."""

    @asynccontextmanager
    async def own(_app: FastAPI) -> AsyncIterator[dict[str, str]]:
        yield {"greeting": "hello"}

    app = FastAPI(lifespan=own)
    app.include_router(ai_client_router(options))

    @app.get("/")
    async def ask(request: Request, client: AIClientDep) -> str:
        return f"{request.state.greeting} {(await client.models.retrieve('gpt-5.5')).id}"

    with TestClient(app) as http:
        assert http.get("/").json() == "hello gpt-5.5"


def test_closed_with_the_application(options: dict[str, Any]) -> None:
    """The clients are closed when the application ends, and new ones serve when it starts again."""
    app = FastAPI(lifespan=ai_client_lifespan(options))
    seen: list[AsyncOpenAI] = []

    @app.get("/")
    async def ask(client: AIClientDep) -> str:
        seen.append(client)
        return (await client.models.retrieve("gpt-5.5")).id

    for _ in range(2):
        with TestClient(app) as http:
            provider = app.state.ai_client
            assert http.get("/").json() == "gpt-5.5"
        with pytest.raises(ClientClosedError):
            _ = provider.async_client
    assert seen[0] is not seen[1]
    assert seen[0].is_closed()
    assert not hasattr(app.state, "ai_client")


def test_aliases(options: dict[str, Any]) -> None:
    """A path operation may ask for the client of another alias, async or sync."""
    app = FastAPI(
        lifespan=ai_client_lifespan(options, aliases={"azure": {**options, "organization": "azure"}})
    )

    @app.get("/async")
    async def whose(client: Annotated[AsyncOpenAI, Depends(ai_client("azure"))]) -> str | None:
        return client.organization

    @app.get("/sync")
    def whose_sync(client: Annotated[OpenAI, Depends(sync_ai_client("azure"))]) -> str | None:
        return client.organization

    @app.get("/unknown")
    async def unknown(client: Annotated[AsyncOpenAI, Depends(ai_client("azzure"))]) -> None:
        del client

    with TestClient(app) as http:
        assert http.get("/async").json() == http.get("/sync").json() == "azure"
        with pytest.raises(ConfigError, match="Did you mean 'azure'"):
            http.get("/unknown")


def test_alias_can_be_overridden() -> None:
    """The dependency of an alias is the same one each time, so that a test can replace it."""
    app = FastAPI()

    @app.get("/")
    async def ask(client: Annotated[Any, Depends(ai_client("azure"))]) -> str:
        return str(client)

    app.dependency_overrides[ai_client("azure")] = lambda: "a fake"
    assert TestClient(app).get("/").json() == "a fake"


def test_faulty_options_fail_at_the_start() -> None:
    """An unknown option stops the application when it starts, with the nearest name."""
    app = FastAPI(lifespan=ai_client_lifespan({"time_out": 3}))
    with pytest.raises(ConfigError, match="Did you mean 'timeout'"), TestClient(app):
        pass


def test_a_server_of_trio_is_told_what_to_do(options: dict[str, Any]) -> None:
    """Where no loop of asyncio runs, as under trio, the application does not start, and the error names the remedy."""
    app = FastAPI(lifespan=ai_client_lifespan(options))
    startup = app.router.lifespan_context(app).__aenter__()
    with pytest.raises(RuntimeError, match="hypercorn --worker-class asyncio"):
        startup.send(None)  # type: ignore[attr-defined]


def test_warm_builds_the_client_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `warm`, a missing key stops the application when it starts."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    app = FastAPI(lifespan=ai_client_lifespan(warm=["chat.completions"]))
    with pytest.raises(OpenAIError, match="OPENAI_API_KEY"), TestClient(app):
        pass


def test_warm_knows_operations(options: dict[str, Any]) -> None:
    """`warm` refuses what is no operation, by name, when the application starts."""
    app = FastAPI(lifespan=ai_client_lifespan(options, warm=["chats"]))
    with pytest.raises(ConfigError, match="'chats'"), TestClient(app):
        pass


def test_websocket(options: dict[str, Any]) -> None:
    """A WebSocket route gets the client too."""
    app = FastAPI(lifespan=ai_client_lifespan(options))

    @app.websocket("/talk")
    async def talk(socket: WebSocket, client: AIClientDep) -> None:
        await socket.accept()
        async for chunk in await client.chat.completions.create(**ASK, stream=True):
            await socket.send_text(chunk.choices[0].delta.content or "")
        await socket.send_text("END")

    with TestClient(app) as http, http.websocket_connect("/talk") as socket:
        words = list(iter(socket.receive_text, "END"))
    assert "Hello?" in "".join(words)


def label_app(options: dict[str, Any], seen: list[str | None]) -> FastAPI:
    """Make an application whose parts all note the endpoint they work for."""

    def note(_item: int) -> None:
        seen.append(current_labels().endpoint)

    async def noted_items(item: int) -> AsyncIterator[str]:
        note(item)
        yield "one"

    router = APIRouter(prefix="/shops/{shop}")

    @router.get("/items/{item:int}")
    async def route(background: BackgroundTasks, item: int) -> None:
        note(item)
        background.add_task(note, item)

    @router.get("/threads/{item}")
    def threaded(item: int) -> None:
        note(item)

    @router.get("/streams/{item}")
    async def streamed(item: int) -> Response:
        return stream_response(noted_items(item))

    @router.websocket("/sockets/{item}")
    async def socketed(socket: WebSocket, item: int) -> None:
        await socket.accept()
        note(item)
        await socket.close()

    inner = FastAPI()
    inner.include_router(router, prefix="/in")
    app = FastAPI(lifespan=ai_client_lifespan(options))
    app.include_router(router, prefix="/v1")
    app.mount("/tenants/{tenant}/api", inner)
    return app


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v1/shops/7/items/3", "/v1/shops/{shop}/items/{item}"),
        ("/v1/shops/7/threads/3", "/v1/shops/{shop}/threads/{item}"),
        ("/v1/shops/7/streams/3", "/v1/shops/{shop}/streams/{item}"),
        ("/tenants/7/api/in/shops/7/streams/7", "/tenants/{tenant}/api/in/shops/{shop}/streams/{item}"),
    ],
)
def test_endpoint_label(options: dict[str, Any], path: str, template: str) -> None:
    """Wherever a request's work goes on, it is labelled with the route's whole template, and nothing else is."""
    seen: list[str | None] = []
    with TestClient(label_app(options, seen)) as http:
        assert http.get(path).status_code == 200
    assert seen
    assert set(seen) == {template}
    assert current_labels().endpoint is None


def test_endpoint_label_of_a_websocket(options: dict[str, Any]) -> None:
    """The work of a WebSocket is labelled with its route's template."""
    seen: list[str | None] = []
    with (
        TestClient(label_app(options, seen)) as http,
        http.websocket_connect("/v1/shops/7/sockets/3") as socket,
        pytest.raises(WebSocketDisconnect),
    ):
        socket.receive_text()
    assert seen == ["/v1/shops/{shop}/sockets/{item}"]


def hidden(app: ASGIApp) -> ASGIApp:
    """Wrap an application as a function does, which shows nothing of it."""

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return wrapper


@pytest.mark.parametrize("wrap", [CORSMiddleware, hidden])
def test_restarts_of_a_wrapped_stack(options: dict[str, Any], wrap: Callable[[ASGIApp], ASGIApp]) -> None:
    """A stack that was wrapped while the application ran labels its requests once, however often it starts again."""
    app = FastAPI(lifespan=ai_client_lifespan(options))
    called: list[tuple[str | None, int]] = []

    @app.get("/{item}")
    async def count(item: str) -> None:
        del item
        frame, passed = sys._getframe(), 0
        while (frame := frame.f_back) is not None:  # type: ignore[assignment]
            passed += frame.f_code is LabelMiddleware.__call__.__code__
        called.append((current_labels().endpoint, passed))

    with TestClient(app) as http:
        assert app.middleware_stack is not None
        app.middleware_stack = wrap(app.middleware_stack)
        http.get("/1")
    for _ in range(3):
        with TestClient(app) as http:
            http.get("/1")
    assert called == [("/{item}", 1)] * 4
    part: Any = app.middleware_stack
    while part is not None:
        assert not isinstance(part, LabelMiddleware)
        part = getattr(part, "app", None)


def failing_app(options: dict[str, Any]) -> FastAPI:
    """Make an application that shows the errors of its AI calls."""
    app = FastAPI(lifespan=ai_client_lifespan(options))
    add_ai_client_error_handlers(app)

    @app.get("/ask")
    async def ask(client: AIClientDep) -> str | None:
        return (await client.chat.completions.create(**ASK)).choices[0].message.content

    @app.get("/stream")
    async def stream(client: AIClientDep) -> Response:
        return stream_response(client.chat.completions.create(**ASK, stream=True))

    @app.websocket("/talk")
    async def talk(socket: WebSocket, client: AIClientDep) -> None:
        await socket.accept()
        await client.chat.completions.create(**ASK)

    return app


@pytest.mark.parametrize("path", ["/ask", "/stream"])
def test_errors_become_answers(options: dict[str, Any], upstream: Upstream, path: str) -> None:
    """A limit of the upstream is shown as 429 with `Retry-After`, also where a stream did not open."""
    upstream.reply(status=429, headers={"retry-after": "7"})
    with TestClient(failing_app(options)) as http:
        response = http.get(path)
    assert response.status_code == 429
    assert response.headers["retry-after"] == "7"
    assert response.json()["error"]["type"] == "rate_limit"


@pytest.mark.parametrize("early", [True, False], ids=["before mounting", "after"])
def test_errors_of_mounted_applications(options: dict[str, Any], upstream: Upstream, early: bool) -> None:
    """With `mounted`, applications in the application answer errors of calls too, but where they have a handler."""
    app = FastAPI(lifespan=ai_client_lifespan(options))
    if early:
        add_ai_client_error_handlers(app, mounted=True)
    inner, deeper, own = FastAPI(), FastAPI(), FastAPI()

    @inner.get("/ask")
    @deeper.get("/ask")
    @own.get("/ask")
    async def ask(client: AIClientDep) -> None:
        await client.chat.completions.create(**ASK)

    @own.exception_handler(OpenAIError)
    async def answer(_request: Request, _error: Exception) -> Response:
        return Response(status_code=418)

    inner.mount("/deeper", CORSMiddleware(deeper))
    app.mount("/inner", inner)
    app.mount("/own", own)
    if not early:
        add_ai_client_error_handlers(app, mounted=True)
    with TestClient(app) as http:
        for path, status in {"/inner/ask": 429, "/inner/deeper/ask": 429, "/own/ask": 418}.items():
            upstream.reply(status=429)
            assert http.get(path).status_code == status


def test_errors_of_mounted_applications_are_theirs(options: dict[str, Any], upstream: Upstream) -> None:
    """Without `mounted`, an application in the application does not answer errors of calls."""
    app = FastAPI(lifespan=ai_client_lifespan(options))
    inner = FastAPI()

    @inner.get("/ask")
    async def ask(client: AIClientDep) -> None:
        await client.chat.completions.create(**ASK)

    app.mount("/inner", inner)
    add_ai_client_error_handlers(app)
    upstream.reply(status=429)
    with TestClient(app, raise_server_exceptions=False) as http:
        assert http.get("/inner/ask").status_code == 500


def test_error_closes_a_websocket(options: dict[str, Any], upstream: Upstream) -> None:
    """An AI call that fails closes its WebSocket with the code for a failing server."""
    upstream.reply(status=500)
    with (
        TestClient(failing_app(options)) as http,
        http.websocket_connect("/talk") as socket,
        pytest.raises(WebSocketDisconnect) as closed,
    ):
        socket.receive_text()
    assert (closed.value.code, closed.value.reason) == (1011, "upstream_error")


def test_lifespan_type() -> None:
    """The lifespan is what Starlette calls one: from an application to an async context manager."""
    assert isinstance(ai_client_lifespan()(FastAPI()), AbstractAsyncContextManager)


def test_a_missing_key_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a key the start logs one warning, which names the option and the variable; with one it logs nothing."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def warnings() -> list[str]:
        return [record.message for record in caplog.records if record.name == "ai_client"]

    with TestClient(FastAPI(lifespan=ai_client_lifespan())):
        (message,) = warnings()
    assert "api_key" in message
    assert "OPENAI_API_KEY" in message
    caplog.clear()
    with TestClient(FastAPI(lifespan=ai_client_lifespan({"api_key": "k"}))):
        assert not warnings()
