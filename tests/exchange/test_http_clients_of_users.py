"""HTTP clients of the user's: which are taken, what of theirs counts, and that all fail alike."""

import asyncio
import gc
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest

from ai_client import (
    APIConnectionError,
    APITimeoutError,
    AsyncOpenAI,
    DefaultAioHttpClient,
    DefaultAsyncHttpx2Client,
    DefaultAsyncHttpxClient,
    DefaultHttpx2Client,
    DefaultHttpxClient,
    NotFoundError,
    OpenAI,
    StreamInterruptedError,
)
from ai_client.testing import sse
from tests.support.hostile.framing import EVENT_STREAM, FRAMINGS, Framing, framed
from tests.support.hostile.wire import CLOSE, RESET, Wire
from tests.support.invoke import CHAT, KEY, Invoke
from tests.support.proxy_server import ProxyServer

BLOCKING = {
    "httpx": httpx.Client,
    "httpx2": httpx2.Client,
    "default httpx": DefaultHttpxClient,
    "default httpx2": DefaultHttpx2Client,
}
AWAITABLE = {
    "httpx": httpx.AsyncClient,
    "httpx2": httpx2.AsyncClient,
    "default httpx": DefaultAsyncHttpxClient,
    "default httpx2": DefaultAsyncHttpx2Client,
    "aiohttp": DefaultAioHttpClient,
}


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Yield a started wire."""
    with Wire() as wire:
        yield wire


def client_over(invoke: Invoke, kind: str, **options: Any) -> Any:
    """Make a client over an HTTP client of a kind, or skip."""
    kinds: dict[str, Any] = BLOCKING if invoke.sync else AWAITABLE
    if kind not in kinds:
        pytest.skip("aiohttp is for the async client")
    return invoke.client(http_client=kinds[kind](), **options)


@pytest.mark.parametrize("kind", AWAITABLE)
def test_calls_over_each_kind(invoke: Invoke, kind: str) -> None:
    """Calls, streams, uploads and lists work over every HTTP client, with the same headers."""
    client = client_over(invoke, kind)
    assert invoke(client.chat.completions.create, **CHAT).choices
    assert len(invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))) > 1
    assert invoke.collect(client.models.list())
    invoke.upstream.reply(json={})
    invoke(client.post, "/uploads", cast_to=object, files={"file": ("a.txt", b"data")})
    first, *_, last = invoke.upstream.requests
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["user-agent"].startswith("ai_client/")
    assert b"data" in last.body


@pytest.mark.parametrize("kind", AWAITABLE)
def test_errors_over_each_kind(invoke: Invoke, kind: str) -> None:
    """Every HTTP client's failures are the same public exceptions."""
    client = client_over(invoke, kind, max_retries=0)
    invoke.upstream.reply(status=404)
    with pytest.raises(NotFoundError):
        invoke(client.models.retrieve, "m")
    invoke.upstream.reply(disconnect=True)
    with pytest.raises(APIConnectionError, match="Connection error"):
        invoke(client.chat.completions.create, **CHAT)
    invoke.upstream.reply(never=True)
    with pytest.raises(APITimeoutError):
        invoke(client.models.retrieve, "m", timeout=0.1)
    with pytest.raises(APIConnectionError):
        invoke(client.copy(base_url="http://127.0.0.1:1/v1").models.retrieve, "m")
    body = sse({"id": "1", "choices": []})
    invoke.upstream.reply(chunks=[body, body], close_after=len(body) + 5)
    with pytest.raises(StreamInterruptedError):
        invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))


@pytest.mark.parametrize("kind", AWAITABLE)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_call_after_a_stream_has_its_own_time(
    invoke: Invoke, wire: Wire, kind: str, framing: Framing
) -> None:
    """A stream that was read to its end leaves no time limit on the connection that the next call takes."""
    event = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
    streamed = framed([event], framing, content_type=EVENT_STREAM)
    ending = [CLOSE] if framing == "close" else []
    wire.play([b"".join(streamed), *ending], [0.3, *framed([b'{"id": "m"}'])])
    client = client_over(invoke, kind, base_url=wire.base_url, max_retries=0)
    assert len(invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))) == 1
    assert invoke(client.models.retrieve, "m").id == "m"


@pytest.mark.parametrize("kind", AWAITABLE)
@pytest.mark.parametrize(
    "read",
    [
        lambda invoke, client: invoke(client.files.content, "f"),
        lambda invoke, client: invoke(client.chat.completions.create, **CHAT),
        lambda invoke, client: invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True)),
    ],
    ids=["content", "chat", "stream"],
)
def test_a_reset_is_no_end_of_a_body(
    invoke: Invoke, wire: Wire, kind: str, read: Callable[[Invoke, Any], Any]
) -> None:
    """A body that ends with its connection is not whole where that is reset, however it is read."""
    wire.play([b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", b'{"id": "1"}', 0.05, RESET])
    client = client_over(invoke, kind, base_url=wire.base_url, max_retries=0)
    with pytest.raises(APIConnectionError):
        read(invoke, client)


@pytest.mark.parametrize("kind", ["httpx", "httpx2"])
def test_the_http_clients_own_settings_count(invoke: Invoke, kind: str) -> None:
    """Headers, cookies, query, hooks and timeout of the HTTP client apply; redirects only if it follows them."""
    seen: list[str] = []

    def hook(request: Any) -> Any:
        seen.append(request.method)

    async def async_hook(request: Any) -> None:
        seen.append(request.method)

    lib: Any = httpx if kind == "httpx" else httpx2
    http = (lib.Client if invoke.sync else lib.AsyncClient)(
        headers={"X-Mine": "1", "User-Agent": "own"},
        cookies={"c": "1"},
        timeout=7,
        event_hooks={"request": [hook if invoke.sync else async_hook]},
    )
    client = invoke.client(http_client=http)
    assert client.timeout.as_dict()["read"] == 7
    invoke(client.models.retrieve, "gpt-5.5")
    headers = dict(invoke.upstream.requests[0].headers)
    assert (headers["x-mine"], headers["cookie"], headers["x-stainless-read-timeout"]) == ("1", "c=1", "7")
    assert seen == ["GET"]
    http.headers["X-Mine"] = "2"
    http.cookies.clear()
    invoke(client.models.retrieve, "gpt-5.5")
    assert invoke.upstream.requests[1].headers["x-mine"] == "2"
    assert "cookie" not in invoke.upstream.requests[1].headers
    invoke.upstream.reply(status=302, body=b"", headers={"location": "/v1/models/gpt-5.5"})
    with pytest.raises(Exception, match="302"):
        invoke(client.models.retrieve, "m")


@pytest.mark.parametrize("options", [{}, {"params": {"of": "client"}}], ids=["plain", "with a query"])
def test_a_hook_changes_the_timeout_of_its_request_alone(invoke: Invoke, options: dict[str, Any]) -> None:
    """A hook that limits one request changes neither another's time limits nor those of the client."""
    seen: list[dict[str, float]] = []

    def hook(request: Any) -> None:
        limits = request.extensions["timeout"]
        seen.append(dict(limits))
        limits["read"] = 5.0

    async def async_hook(request: Any) -> None:
        hook(request)

    kind: Any = httpx.Client if invoke.sync else httpx.AsyncClient
    http_client = kind(event_hooks={"request": [hook if invoke.sync else async_hook]}, **options)
    client = invoke.client(http_client=http_client, timeout=7.0)
    for _ in range(2):
        invoke(client.chat.completions.create, **CHAT)
        invoke(client.models.retrieve, "gpt-5.5")
    assert {limits["read"] for limits in seen} == {7.0}


@pytest.mark.parametrize("kind", ["our own", "httpx"])
def test_a_shown_request_is_no_other_ones(invoke: Invoke, kind: str) -> None:
    """Who changes the request of a raw response changes no time limit of a later call."""
    client = client_over(invoke, kind, timeout=7.0) if kind == "httpx" else invoke.client(timeout=7.0)
    for _ in range(2):
        raw = invoke(client.chat.completions.with_raw_response.create, **CHAT)
        assert raw.http_request.extensions["timeout"]["read"] == 7.0
        raw.http_request.extensions["timeout"].clear()


def test_the_default_clients_have_the_sdks_defaults() -> None:
    """Timeout and redirects are the SDK's, and what the user gives wins."""
    for make in (DefaultHttpxClient, DefaultAsyncHttpxClient, DefaultHttpx2Client, DefaultAsyncHttpx2Client):
        http: Any = make()
        assert http.timeout.as_dict() == {"connect": 5.0, "read": 600, "write": 600, "pool": 600}
        assert http.follow_redirects
        assert not make(follow_redirects=False).follow_redirects
    assert OpenAI(api_key=KEY, http_client=DefaultHttpxClient(timeout=3)).timeout.read == 3  # type: ignore[union-attr]
    assert OpenAI(api_key=KEY, http_client=httpx.Client()).timeout.read == 600  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("cls", "http_client", "message"),
    [
        (OpenAI, httpx.AsyncClient(), r"not httpx.AsyncClient. It belongs to AsyncOpenAI"),
        (AsyncOpenAI, httpx.Client(), r"not httpx.Client. It belongs to OpenAI"),
        (OpenAI, httpx2.AsyncClient(), r"not httpx2.AsyncClient. It belongs to AsyncOpenAI"),
        (OpenAI, httpx2.AsyncHTTPTransport(), r"not httpx2.AsyncHTTPTransport. It belongs to AsyncOpenAI"),
        (AsyncOpenAI, httpx.HTTPTransport(), r"not httpx.HTTPTransport. It belongs to OpenAI"),
        (OpenAI, object(), "or a transport of theirs, not builtins.object"),
        (OpenAI, httpx.Client, "an instance, not the class"),
        (OpenAI, "http://proxy", "not builtins.str"),
    ],
)
def test_wrong_kinds_are_refused_by_name(cls: Any, http_client: Any, message: str) -> None:
    """What cannot send for this client is a `TypeError` that names it, in copies too."""
    with pytest.raises(TypeError, match=message):
        cls(api_key=KEY, http_client=http_client)
    with pytest.raises(TypeError, match=message):
        cls(api_key=KEY).copy(http_client=http_client)


def test_a_copy_over_another_http_client(invoke: Invoke) -> None:
    """A copy may send through another library, with its own types."""
    client = invoke.client()
    kind: Any = httpx2.Client if invoke.sync else httpx2.AsyncClient
    http = kind()
    twin = client.copy(http_client=http)
    raw = invoke(twin.models.with_raw_response.retrieve, "gpt-5.5")
    assert isinstance(raw.http_response, httpx2.Response)
    assert isinstance(twin.base_url, httpx2.URL)
    assert isinstance(client.base_url, httpx.URL)
    invoke(http.close if invoke.sync else http.aclose)


def test_closing_closes_the_given_client(invoke: Invoke) -> None:
    """The given HTTP client is closed with the client that it was given to."""
    http: Any = httpx.Client() if invoke.sync else httpx.AsyncClient()
    client = invoke.client(http_client=http)
    invoke(client.copy().close)
    assert not http.is_closed
    invoke(client.close)
    assert http.is_closed


@pytest.mark.parametrize("lib", [httpx, httpx2], ids=lambda lib: lib.__name__)
def test_a_transport_takes_the_place_of_the_pool(invoke: Invoke, lib: Any) -> None:
    """A transport is enough: timeouts and redirects are the client's own, and it is closed with it."""

    class Watched(lib.HTTPTransport if invoke.sync else lib.AsyncHTTPTransport):  # type: ignore[misc]
        closed = False

        def close(self) -> None:
            self.closed = True
            super().close()

        async def aclose(self) -> None:
            self.closed = True
            await super().aclose()

    transport = Watched()
    client = invoke.client(http_client=transport)
    assert client.timeout.as_dict()["read"] == 600
    invoke.upstream.reply(status=302, body=b"", headers={"location": "/v1/models/gpt-5.5"})
    raw = invoke(client.models.with_raw_response.retrieve, "m")
    assert isinstance(raw.http_response, lib.Response)
    assert raw.parse().id == "gpt-5.5"
    assert len(invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))) > 1
    invoke.upstream.reply(disconnect=True)
    with pytest.raises(APIConnectionError):
        invoke(client.with_options(max_retries=0).models.retrieve, "m")
    assert not transport.closed
    invoke(client.close)
    assert transport.closed


def test_credentials_of_the_http_client_stay_at_their_origin() -> None:
    """A client-wide authentication of httpx is not sent along to where a redirect points."""
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if request.url.host == "first":
            return httpx.Response(307, headers={"location": "http://second/v1/x"})
        return httpx.Response(200, json={"id": "x"})

    http = httpx.Client(
        transport=httpx.MockTransport(handler), auth=("user", "password"), follow_redirects=True
    )
    OpenAI(api_key=KEY, base_url="http://first/v1", http_client=http).models.retrieve("m")
    assert requests[0].headers["authorization"].startswith("Basic ")
    assert "authorization" not in requests[1].headers


def test_aiohttp_needs_its_extra() -> None:
    """Without aiohttp the error names the command that installs it."""
    code = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "import ai_client\n"
        "try: ai_client.DefaultAioHttpClient()\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "ai-client[aiohttp]"' in done.stdout


def test_many_at_once_over_aiohttp(invoke: Invoke) -> None:
    """Concurrent calls over aiohttp are all answered."""
    if invoke.sync:
        pytest.skip("aiohttp is for the async client")
    client = client_over(invoke, "aiohttp")

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(client.models.retrieve("gpt-5.5") for _ in range(50)))

    assert len(invoke(all_of_them)) == 50


@pytest.mark.parametrize("kind", AWAITABLE)
def test_answers_do_not_wait_for_the_garbage_collector(invoke: Invoke, kind: str) -> None:
    """What was read over an HTTP client is freed once nobody holds it."""
    client = client_over(invoke, kind)
    invoke(client.models.retrieve, "gpt-5.5")
    gc.disable()
    try:
        raw = invoke(client.models.with_raw_response.retrieve, "gpt-5.5")
        response, request = weakref.ref(raw.http_response), weakref.ref(raw.http_request)
        assert response() is raw.http_response
        del raw
        assert (response(), request()) == (None, None)
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", ["httpx", "default httpx", "aiohttp"])
def test_cookies_of_answers_are_kept(invoke: Invoke, kind: str) -> None:
    """A cookie that an answer sets goes out with the next request, as with any client of httpx."""
    client = client_over(invoke, kind)
    invoke.upstream.reply(json={"id": "gpt-5.5"}, headers={"set-cookie": "c=1; Path=/"})
    for _ in range(2):
        invoke(client.models.retrieve, "gpt-5.5")
    first, second = invoke.upstream.requests
    assert "cookie" not in first.headers
    assert second.headers["cookie"] == "c=1"


@pytest.mark.parametrize("status", [200, 204])
def test_empty_answers_over_aiohttp(invoke: Invoke, status: int) -> None:
    """An answer without a body is one over aiohttp too."""
    client = client_over(invoke, "aiohttp")
    invoke.upstream.reply(status=status, body=b"")
    raw = invoke(client.files.with_raw_response.delete, "file-1")
    assert (raw.status_code, raw.http_response.content) == (status, b"")


def test_proxies_over_aiohttp(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxies serve what goes over aiohttp, with their credentials and exemptions."""
    address = invoke.upstream.url.removeprefix("http://")
    invoke.upstream.always(json={"id": "gpt-5.5"})
    with ProxyServer(user="me:p w") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address.replace("://", "://me:p%20w@"))
        assert invoke(client_over(invoke, "aiohttp").models.retrieve, "gpt-5.5").id
        assert [used.partition("/v1")[0] for used in proxy.seen] == [f"GET http://{address}"]
        monkeypatch.setenv("NO_PROXY", address.partition(":")[0])
        assert invoke(client_over(invoke, "aiohttp").models.retrieve, "gpt-5.5").id
        assert len(proxy.seen) == 1


def test_aiohttp_leaves_netrc_alone(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A login that netrc has for the host does not stand in the way of the key."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    invoke.collect(client_over(invoke, "aiohttp").models.list())
    assert invoke.upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_aiohttp_has_no_socks(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy is refused over aiohttp, not passed by."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    client = client_over(invoke, "aiohttp", max_retries=0)
    with pytest.raises(APIConnectionError) as caught:
        invoke(client.models.retrieve, "gpt-5.5")
    assert "SOCKS" in str(caught.value.__cause__)
    assert invoke.upstream.requests == []


def test_redirects_of_a_users_client_are_as_many_as_it_says(invoke: Invoke) -> None:
    """The bound of redirects is that of the user's HTTP client."""
    kind = httpx.Client if invoke.sync else httpx.AsyncClient
    http_client = kind(follow_redirects=True, max_redirects=2)
    invoke.upstream.always(status=307, headers={"location": "/v1/models"})
    client = invoke.client(http_client=http_client, max_retries=0)
    with pytest.raises(APIConnectionError, match="more than 2 times") as caught:
        invoke(client.models.retrieve, "gpt-5.5")
    assert isinstance(caught.value.__cause__, httpx.TooManyRedirects)
    assert len(invoke.upstream.requests) == 3
