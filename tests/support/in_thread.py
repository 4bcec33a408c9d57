"""Servers in a thread of the tests' process."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import hypercorn
import uvicorn
from hypercorn.asyncio import serve

SECONDS_TO_START = 60


@contextmanager
def uvicorn_serving(app: Any, **options: Any) -> Iterator[int]:
    """Serve an ASGI application by uvicorn; yield the port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        config = uvicorn.Config(app, log_level="warning", loop="asyncio", ws="none", **options)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            port = listening.getsockname()[1]
            _await(lambda: server.started or not thread.is_alive())
            yield port
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def hypercorn_serving(app: Any) -> Iterator[int]:
    """Serve an ASGI application by hypercorn; yield the port."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    config = hypercorn.Config()
    config.bind = [f"fd://{listening.detach()}"]  # which the server closes
    config.errorlog = None
    started, ended = threading.Event(), threading.Event()

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def noting(message: Any) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                started.set()

        await app(scope, receive, noting if scope["type"] == "lifespan" else send)

    async def run() -> None:
        await serve(watched, config, shutdown_trigger=lambda: asyncio.to_thread(ended.wait))

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert started.wait(SECONDS_TO_START)
        yield port
    finally:
        ended.set()
        thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about readers who leave."""


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""


@contextmanager
def wsgi_serving(app: Any) -> Iterator[int]:
    """Serve a WSGI application with a thread for each connection; yield the port."""
    with make_server("127.0.0.1", 0, app, server_class=_Server, handler_class=_Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _await(is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + SECONDS_TO_START
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.01)
