"""The adapter under the contract: in process, under uvicorn and under hypercorn."""

import asyncio
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import hypercorn.asyncio
import pytest
import uvicorn
from quart import Quart, Response, websocket

from ai_client import ClientProvider, current_labels
from ai_client.testing.adapter_contract import (
    AdapterContract,
    Answer,
    Options,
    ServedAdapterContract,
    Site,
    ask,
    ask_async,
    generate,
    generate_async,
    stream,
    stream_async,
)

from .adapter import AIClient, stream_response


def create_app(options: Options, aliases: Mapping[str, Options], *, sync: bool) -> Quart:
    """Make an application under contract, with sync or with async views."""
    app = Quart(__name__)
    app.config.update({f"AI_CLIENT_{name.upper()}": value for name, value in options.items()})
    app.config["AI_CLIENT_CLIENTS"] = aliases
    ai = AIClient(app)

    if sync:

        @app.get("/items/<int:pk>")
        def asked(pk: int) -> Any:
            del pk
            return ask(ai.client)

        @app.get("/stream")
        def streamed() -> Response:
            return stream_response(stream(ai.client))

        @app.get("/generate")
        def generated() -> Response:
            return stream_response(generate(ai.client))

    else:

        @app.get("/items/<int:pk>")
        async def asked_async(pk: int) -> Any:
            del pk
            return await ask_async(ai.async_client)

        @app.get("/stream")
        async def streamed_async() -> Response:
            return stream_response(await stream_async(ai.async_client))

        @app.get("/generate")
        async def generated_async() -> Response:
            return stream_response(generate_async(ai.async_client))

    return app


class TestQuart(AdapterContract):
    """The adapter with async views."""

    endpoint = "/items/<int:pk>"
    sync = False

    @contextmanager
    def start(self, options: Options, aliases: Mapping[str, Options]) -> Iterator[Site]:
        """Run an application by Quart's test client."""
        app = create_app(options, aliases, sync=self.sync)

        async def read(path: str) -> Answer:
            answer = await app.test_client().get(path)
            return Answer(answer.status_code, dict(answer.headers), await answer.get_data(as_text=True))

        with asyncio.Runner() as runner:
            running = app.test_app()
            runner.run(running.startup())
            yield Site(app.extensions["ai_client"], lambda path: runner.run(read(path)))
            runner.run(running.shutdown())


class TestQuartSync(TestQuart):
    """The adapter with views that are plain functions."""

    sync = True


def test_doctor() -> None:
    """The command prints the options of each client without secrets."""
    app = create_app({"api_key": "sk-verysecret", "timeout": 7}, {"eu": {"api_key": "k"}}, sync=True)
    report = app.test_cli_runner().invoke(args=["ai-client-doctor", "--offline"])
    assert report.exit_code == 0
    assert "timeout" in report.output
    assert "eu:" in report.output
    assert "sk-verysecret" not in report.output


def test_websocket() -> None:
    """A call of a WebSocket is labelled with its route."""
    app = create_app({"api_key": "any"}, {}, sync=False)

    @app.websocket("/chat/<room>")
    async def chat(room: str) -> None:
        del room
        await websocket.send_json(current_labels()._asdict())

    async def told() -> Any:
        async with app.test_client().websocket("/chat/7") as connection:
            return await connection.receive_json()

    assert asyncio.run(told())["endpoint"] == "/chat/<room>"
    assert current_labels().endpoint is None


class TestServedQuart(ServedAdapterContract):
    """The adapter under real servers."""

    endpoint = "/items/<int:pk>"

    @pytest.fixture(params=["hypercorn", "hypercorn-sync", "uvicorn", "uvicorn-sync"], autouse=True)
    def server(self, request: pytest.FixtureRequest) -> None:
        """Choose a server and sync or async views."""
        server, _, views = str(request.param).partition("-")
        self.run = by_hypercorn if server == "hypercorn" else by_uvicorn
        self.sync = bool(views)

    @contextmanager
    def serve(self, options: Options) -> Iterator[tuple[ClientProvider, int]]:
        """Serve an application in a thread."""
        app = create_app(options, {}, sync=self.sync)
        started, ended = threading.Event(), threading.Event()

        @app.before_serving
        async def note_start() -> None:
            started.set()

        listening = socket.create_server(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        thread = threading.Thread(target=lambda: asyncio.run(self.run(app, listening, ended)))
        thread.start()
        try:
            assert started.wait(60)
            yield app.extensions["ai_client"], port
        finally:
            ended.set()
            thread.join()


async def by_hypercorn(app: Quart, listening: socket.socket, ended: threading.Event) -> None:
    """Serve on a socket until the end."""
    config = hypercorn.Config()
    config.bind = [f"fd://{listening.detach()}"]
    config.errorlog = None
    await hypercorn.asyncio.serve(app, config, shutdown_trigger=lambda: asyncio.to_thread(ended.wait))


async def by_uvicorn(app: Quart, listening: socket.socket, ended: threading.Event) -> None:
    """Serve on a socket until the end."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await asyncio.to_thread(ended.wait)
    server.should_exit = True
    await serving
    listening.close()
