"""The contract under a real server: calls at once, readers who leave, the end during a response."""

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from functools import partial
from typing import Any

import pytest

from ai_client.provider import ClientProvider
from ai_client.testing.adapter_contract.application import resumed
from ai_client.testing.adapter_contract.contract import KEY, Answer, Options
from ai_client.testing.gate import Gate
from ai_client.testing.reply import sse
from ai_client.testing.server import Upstream

_AT_ONCE, _CALLS = 8, 80
_SECONDS = 60.0
_SECONDS_TO_CLOSE_TOO_EARLY = 1.0
_CHUNK = sse({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []})
_EVENTS = {"content-type": "text/event-stream"}


class ServedAdapterContract:
    """Tests of an adapter under a real server in a thread of this process; a derived class has `endpoint` and `serve`.

    Attributes:
        endpoint: The template of the route of `/items/7`, as the framework writes it.
        notices_readers_leave: Whether the server reports at once that a reader has left. WSGI servers do not: they
            notice it when they send the next event.
    """

    endpoint: str
    notices_readers_leave = True

    def serve(self, options: Options) -> AbstractContextManager[tuple[ClientProvider, int]]:
        """Serve a new application with these options on 127.0.0.1; end it and the server after the block.

        Returns:
            A context manager of the application's provider and the server's port.
        """
        raise NotImplementedError

    @pytest.fixture
    def served(self, ai_client_upstream: Upstream) -> Iterator[tuple[ClientProvider, int]]:
        """Serve the application over the upstream."""
        options = {
            "base_url": ai_client_upstream.base_url,
            "api_key": KEY,
            "max_retries": 0,
            "shutdown_timeout": _SECONDS,
        }
        with self.serve(options) as served:
            yield served

    def test_calls_at_once(self, served: tuple[ClientProvider, int], ai_client_upstream: Upstream) -> None:
        """Requests at once share one client, with a connection for each call in flight at most."""
        provider, port = served
        with ThreadPoolExecutor(_AT_ONCE) as readers:
            answers = list(readers.map(partial(get, port), [f"/items/{number}" for number in range(_CALLS)]))
        assert {answer.status for answer in answers} == {200}
        told = [json.loads(answer.text) for answer in answers]
        assert {each["endpoint"] for each in told} == {self.endpoint}
        assert {each["tenant"] for each in told} == {None}
        assert len(provider["default"]._built) == 1
        assert ai_client_upstream.connections_opened <= _AT_ONCE

    @pytest.mark.parametrize("silent", [False, True])
    def test_reader_who_leaves_a_stream(
        self, served: tuple[ClientProvider, int], ai_client_upstream: Upstream, silent: bool
    ) -> None:
        """A reader who leaves a stream ends it at the upstream as well, between two events and while none comes."""
        _, port = served
        failed, gate = threading.Event(), Gate()
        if not (silent and self.notices_readers_leave):
            gate.set()
        ai_client_upstream.reply(chunks=_without_end(gate, failed), headers=_EVENTS)
        with closing(connect(port, "/stream")) as connection, closing(connection.getresponse()) as response:
            assert response.readline().startswith(b"data: ")
        try:
            ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 0, _SECONDS)
        except TimeoutError:
            pytest.fail("The response closes its stream when the reader has left.")
        finally:
            failed.set()
            gate.set()
        assert get(port, "/items/7").status == 200

    def test_nothing_is_held_back(
        self, served: tuple[ClientProvider, int], ai_client_upstream: Upstream
    ) -> None:
        """An event reaches the reader when the upstream has sent it, not with the next one."""
        _, port = served
        gate = Gate()
        ai_client_upstream.reply(chunks=(_CHUNK, gate, sse("[DONE]")), headers=_EVENTS)
        with closing(connect(port, "/stream")) as connection, closing(connection.getresponse()) as response:
            assert response.readline().startswith(b"data: {")
            gate.set()
            assert response.read().endswith(b"data: [DONE]\n\n")

    def test_the_end_during_a_response(self, served: tuple[ClientProvider, int]) -> None:
        """The end of the clients waits for a body that is being made, also between two of its calls."""
        provider, port = served
        resumed.clear()
        try:
            with closing(connect(port, "/generate")) as connection:
                response = connection.getresponse()
                assert response.readline().startswith(b"data: {")
                provider.drain()
                closer = threading.Thread(target=provider.close)
                closer.start()
                closer.join(_SECONDS_TO_CLOSE_TOO_EARLY)
                assert closer.is_alive(), (
                    "A request counts as served until its RequestScope ends, after the body."
                )
                resumed.set()
                rest = response.read()
        finally:
            resumed.set()
        closer.join(_SECONDS)
        assert rest.count(b"data: {") == 1
        assert rest.endswith(b"data: [DONE]\n\n")
        assert provider.state == "closed"


def _without_end(gate: Gate, ended: threading.Event) -> Iterator[bytes | float | Gate]:
    yield _CHUNK
    yield gate
    while not ended.is_set():
        yield _CHUNK
        yield 0.01


def connect(port: int, path: str) -> http.client.HTTPConnection:
    """Send a GET request over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    connection.request("GET", path)
    return connection


def get(port: int, path: str) -> Answer:
    """Send a GET request; return the whole answer."""
    with closing(connect(port, path)) as connection:
        response = connection.getresponse()
        headers: Mapping[str, Any] = dict(response.headers)
        return Answer(response.status, headers, response.read().decode())
