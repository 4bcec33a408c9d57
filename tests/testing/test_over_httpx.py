"""Clients over httpx's own transport, where tools that patch it find their requests."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_client import (
    APIConnectionError,
    ClientProvider,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
    RateLimitError,
)
from ai_client.testing import over_httpx, sse
from tests.support.certificates import Office
from tests.support.invoke import CHAT, KEY, Invoke
from tests.support.known_servers import KnownServer
from tests.support.patched_httpx import ANSWER, NOWHERE, Patched, text_of

CHUNKS = [{**ANSWER, "choices": [{"index": 0, "delta": {"content": each}}]} for each in ("a", "b")]


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in pieces, for either side."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> Patched:
    """Patch httpx's transports."""
    return Patched(monkeypatch)


@pytest.mark.usefixtures("ai_client_over_httpx")
def test_a_patched_transport_sees_calls(invoke: Invoke, patched: Patched) -> None:
    """A request goes through httpx's transport whole, with key and body, and its answer is the result."""
    client = invoke.client()
    assert text_of(invoke(client.chat.completions.create, **CHAT)) == "mocked"
    (request,) = patched.requests
    assert (request.method, request.url.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(request.content) == CHAT
    assert not invoke.upstream.requests


@pytest.mark.usefixtures("ai_client_over_httpx")
def test_without_a_proxy(invoke: Invoke, patched: Patched, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that wants no proxy, whatever the environment says, has none there either."""
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    client = invoke.client(proxy="")
    assert text_of(invoke(client.chat.completions.create, **CHAT)) == "mocked"
    assert len(patched.requests) == 1


@pytest.mark.usefixtures("ai_client_over_httpx")
def test_streams(invoke: Invoke, patched: Patched) -> None:
    """A stream, a list and a response before its body come through the patched transport."""
    body = [*map(sse, CHUNKS), sse("[DONE]")]
    patched.answer = lambda _: httpx.Response(
        200, headers={"content-type": "text/event-stream"}, stream=Body(*body)
    )
    client = invoke.client()
    stream = invoke(client.chat.completions.create, **CHAT, stream=True)
    assert "".join(chunk.choices[0].delta.content for chunk in invoke.collect(stream)) == "ab"
    patched.answer = lambda _: httpx.Response(200, stream=Body(b'{"data": [], ', b'"object": "list"}'))
    assert invoke.collect(client.models.list()) == []
    with invoke.within(client.models.with_streaming_response.list()) as response:
        assert b"".join(invoke.collect(response.iter_bytes())).startswith(b'{"data"')


@pytest.mark.usefixtures("ai_client_over_httpx")
def test_errors_and_retries(invoke: Invoke, patched: Patched) -> None:
    """Statuses and failures that a mock gives are retried and raised as any."""
    client = invoke.client(max_retries=1)
    patched.answer = lambda _: httpx.Response(
        429, json={"error": {"message": "slow"}}, headers={"retry-after-ms": "1"}
    )
    with pytest.raises(RateLimitError, match="slow"):
        invoke(client.chat.completions.create, **CHAT)
    assert len(patched.requests) == 2

    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("mocked", request=request)

    patched.answer = fail
    with pytest.raises(APIConnectionError):
        invoke(client.with_options(max_retries=0).chat.completions.create, **CHAT)


def test_inside_the_block_only(invoke: Invoke, patched: Patched) -> None:
    """Clients made before, their copies and those of an own HTTP client are patched in the block, and not after it."""
    clients = [
        invoke.client(),
        invoke.client().with_options(timeout=3),
        invoke.client(http_client=DefaultHttpxClient() if invoke.sync else DefaultAsyncHttpxClient()),
    ]
    with over_httpx(), over_httpx():
        for client in clients:
            assert text_of(invoke(client.chat.completions.create, **CHAT)) == "mocked"
    assert len(patched.requests) == len(clients)
    for client in clients:
        assert text_of(invoke(client.chat.completions.create, **CHAT)) != "mocked"
    assert len(patched.requests) == len(invoke.upstream.requests) == len(clients)


@pytest.mark.usefixtures("ai_client_over_httpx")
def test_without_a_patch(invoke: Invoke) -> None:
    """What nobody patches is really sent, over a connection that is not kept."""
    client = invoke.client(deadline=60)
    for _ in range(2):
        assert invoke(client.chat.completions.create, **CHAT).choices
    chunks = invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))
    assert chunks
    assert invoke.upstream.connections_opened == 3


@pytest.mark.usefixtures("ai_client_over_httpx")
def test_ways_of_a_client(invoke: Invoke, tmp_path: Path) -> None:
    """Requests go the client's way: its certificate and unix socket for its own server alone, its local address."""
    office, path = Office(tmp_path), tmp_path / "api.sock"
    options: dict[str, Any] = {"verify": office.authority, "cert": office.client(), "proxy": ""}
    with (
        KnownServer(office.server()) as mutual,
        KnownServer(office.server(asks=True)) as other,
        KnownServer(path=path) as near,
    ):
        mutual.elsewhere = near.elsewhere = other.url
        for client in (
            invoke.client(base_url=mutual.url, local_address="127.0.0.1", **options),
            invoke.client(base_url="http://api.test", uds=path, **options),
        ):
            for target in ("/models", "/moved"):
                invoke(client.get, target, cast_to=httpx.Response)
        assert mutual.names == ["client", "client"]
        assert [target for target, *_ in near.seen] == ["/models", "/moved"]
        assert other.names == [None, None]


@pytest.mark.usefixtures("ai_client_over_httpx")
def test_a_providers_clients(patched: Patched, invoke: Invoke) -> None:
    """The clients of a provider with policies send through it too, and count as always."""
    provider = ClientProvider(base_url=NOWHERE, api_key=KEY, controls={"cost": {}})
    client = provider.client if invoke.sync else provider.async_client
    assert text_of(invoke(client.chat.completions.create, **CHAT)) == "mocked"
    assert len(patched.requests) == 1
    provider.close()


SUITE = """
import httpx
import pytest
from ai_client import OpenAI

def test_it(monkeypatch):
    answer = httpx.Response(200, json={"data": [], "object": "list"})
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda self, request: answer)
    with OpenAI(api_key="any", base_url="http://ai-client.invalid/v1") as client:
        assert list(client.models.list()) == []
"""


@pytest.mark.parametrize("setting", ["true", "false"])
def test_the_setting(tmp_path: Path, setting: str) -> None:
    """With the setting, all tests of a suite are as with the fixture; without it, none is."""
    (tmp_path / "test_it.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nai_client_over_httpx = {setting}\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:django",
        "test_it.py",
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (run.returncode == 0) is (setting == "true"), run.stdout
    assert ("APIConnectionError" in run.stdout) is (setting == "false")


@pytest.mark.usefixtures("ai_client_over_httpx")
def test_respx(invoke: Invoke) -> None:
    """A route of respx answers."""
    respx = pytest.importorskip("respx")
    with respx.mock(assert_all_called=True) as router:
        router.post(f"{NOWHERE}/chat/completions").respond(json=ANSWER)
        client = invoke.client(base_url=NOWHERE)
        assert text_of(invoke(client.chat.completions.create, **CHAT)) == "mocked"


@pytest.mark.usefixtures("ai_client_over_httpx")
def test_pytest_httpx(invoke: Invoke, request: pytest.FixtureRequest) -> None:
    """A response of pytest-httpx answers."""
    pytest.importorskip("pytest_httpx")
    mock = request.getfixturevalue("httpx_mock")
    mock.add_response(url=f"{NOWHERE}/chat/completions", json=ANSWER)
    client = invoke.client(base_url=NOWHERE)
    assert text_of(invoke(client.chat.completions.create, **CHAT)) == "mocked"


@pytest.mark.usefixtures("ai_client_over_httpx")
def test_vcr(invoke: Invoke, tmp_path: Path) -> None:
    """A cassette of vcr is recorded from the real answer, and played without it."""
    vcr = pytest.importorskip("vcr")
    client = invoke.client()
    answers = []
    for _ in range(2):
        with vcr.use_cassette(str(tmp_path / "cassette.yaml"), record_mode="once"):
            answers.append(text_of(invoke(client.chat.completions.create, **CHAT)))
    assert answers[0] == answers[1]
    assert len(invoke.upstream.requests) == 1
