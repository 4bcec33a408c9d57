"""The HTTP clients that this package ships: cancellation and timeouts leave them whole, and they are the library's."""

import asyncio
import gc
import random
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import trustme

from ai_client import (
    AsyncOpenAI,
    ConfigError,
    DefaultAioHttpClient,
    DefaultAsyncHttpx2Client,
    DefaultAsyncHttpxClient,
    DefaultHttpx2Client,
    DefaultHttpxClient,
    OpenAI,
    OpenAIError,
)
from ai_client._exchange.transports import _LoopTransport
from ai_client._pool.sync_pool import SyncPool
from ai_client.interop import official
from tests.support.hostile.framing import apart, script, whole
from tests.support.hostile.wire import CLOSE, HOLD, RESET, Wire
from tests.support.invoke import KEY, Invoke
from tests.support.proxy_server import ProxyServer
from tests.support.raw_server import HEAD_OF_STREAM, OK, Exchange, RawServer, chunk

REQUESTS = 2400
AWAITABLE: dict[str, Callable[..., Any]] = {
    "httpx": DefaultAsyncHttpxClient,
    "httpx2": DefaultAsyncHttpx2Client,
    "aiohttp": DefaultAioHttpClient,
}
BLOCKING: dict[str, Callable[..., Any]] = {"httpx": DefaultHttpxClient, "httpx2": DefaultHttpx2Client}
LIBRARIES: dict[str, Any] = {"httpx": httpx, "httpx2": httpx2, "aiohttp": httpx}
MODEL = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"id":"m"}'


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A server whose answers a test writes."""
    with RawServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def dawdle(chance: random.Random) -> Callable[[Exchange], None]:
    """Answer within some milliseconds, at once or in pieces, so that a call can end at any of its stages."""

    def answer(exchange: Exchange) -> None:
        kind = chance.randrange(4)
        if kind == 0:
            exchange.write(MODEL)
        elif kind == 1:
            exchange.later(chance.uniform(0, 0.004), MODEL)
        else:
            exchange.write(HEAD_OF_STREAM + chunk(b'{"id"'))
            exchange.later(chance.uniform(0, 0.004), chunk(b':"m"'))
            exchange.later(0.005, chunk(b"}") + chunk(b""))

    return answer


def limited(kind: str, **options: Any) -> Any:
    """Make a client of a kind with 5 connections, for which a call waits 5 seconds."""
    library = LIBRARIES[kind]
    limits = library.Limits(max_connections=5, max_keepalive_connections=5)
    return AWAITABLE[kind](limits=limits, timeout=library.Timeout(20, pool=5), **options)


async def storm(
    call: Callable[[], Any], chance: random.Random, users: int = 40, calls: int = REQUESTS
) -> int:
    """Cancel calls at random moments; return how many were cancelled."""
    loop = asyncio.get_running_loop()
    cancelled = 0

    async def user() -> None:
        nonlocal cancelled
        for _ in range(calls // users):
            task = loop.create_task(call())
            loop.call_later(chance.uniform(0, 0.03), task.cancel)
            try:
                await task
            except asyncio.CancelledError:
                cancelled += 1

    await asyncio.gather(*(user() for _ in range(users)))
    return cancelled


async def ten_more(call: Callable[[], Any], server: RawServer) -> list[Any]:
    """Make ten fresh calls at once; return their errors."""
    server.answer = lambda exchange: exchange.write(MODEL)
    done = await asyncio.gather(*(call() for _ in range(10)), return_exceptions=True)
    return [each for each in done if isinstance(each, BaseException)]


@pytest.mark.parametrize("kind", AWAITABLE)
@pytest.mark.parametrize("through", ["itself", "AsyncOpenAI"])
def test_cancelled_calls_leave_the_clients_whole(server: RawServer, kind: str, through: str) -> None:
    """After 2,400 calls cancelled at random moments on 5 connections, ten fresh ones are all answered."""
    chance = random.Random(11)
    server.answer = dawdle(chance)

    async def main() -> None:
        async with limited(kind) as http:
            if through == "itself":
                call = partial(http.get, f"{server.url}/v1/models/m")
            else:
                client = AsyncOpenAI(
                    api_key=KEY, base_url=f"{server.url}/v1", http_client=http, max_retries=0
                )
                call = partial(client.models.retrieve, "m")
            assert await storm(call, chance) > REQUESTS / 4
            assert await ten_more(call, server) == []
            assert server.open <= 5
        server.wait_for(lambda: server.open == 0)

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["httpx", "httpx2"])
def test_one_client_in_loops_that_come_and_go(server: RawServer, kind: str) -> None:
    """One client serves a loop after the other and two at once, with connections that cancellation leaves."""
    chance = random.Random(12)
    http = limited(kind)
    call = partial(http.get, f"{server.url}/v1/models/m")
    failed: list[Any] = []

    async def main() -> None:
        await storm(call, chance, users=20, calls=400)
        failed.extend(await ten_more(call, server))

    for _ in range(3):
        server.answer = dawdle(chance)
        asyncio.run(main())
    server.answer = lambda exchange: exchange.write(MODEL)
    both = threading.Barrier(2, timeout=20)

    async def side() -> None:
        await call()
        await asyncio.to_thread(both.wait)
        failed.extend(await ten_more(call, server))

    threads = [threading.Thread(target=asyncio.run, args=(side(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    asyncio.run(http.aclose())
    server.wait_for(lambda: server.open == 0)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of connections of aiohttp whose loop has ended
def test_one_client_of_aiohttp_in_loops_that_come_and_go(wire: Wire) -> None:
    """A client over aiohttp serves one loop after the other, and two at once."""
    wire.play([OK])
    http = DefaultAioHttpClient()
    for _ in range(2):
        assert asyncio.run(http.get(wire.url)).status_code == 200
    got: list[int] = []

    async def two_loops() -> None:
        got.append((await http.get(wire.url)).status_code)
        got.append((await asyncio.to_thread(asyncio.run, http.get(wire.url))).status_code)
        got.append((await http.get(wire.url)).status_code)
        await http.aclose()

    asyncio.run(two_loops())
    assert got == [200, 200, 200]
    gc.collect()  # finds the connections that warn


@pytest.mark.parametrize("kind", BLOCKING)
def test_timeouts_leave_the_sync_clients_whole(server: RawServer, kind: str) -> None:
    """After 2,400 calls with random short timeouts on 5 connections, ten fresh ones are all answered."""
    chance = random.Random(13)
    server.answer = dawdle(chance)
    library = LIBRARIES[kind]
    ends: set[str] = set()
    with BLOCKING[kind](limits=library.Limits(max_connections=5)) as http:

        def user() -> None:
            for _ in range(REQUESTS // 40):
                timeout = library.Timeout(
                    5, read=chance.uniform(0.0005, 0.004), pool=chance.uniform(0.001, 0.02)
                )
                try:
                    http.get(server.url, timeout=timeout)
                    ends.add("answered")
                except library.TimeoutException as error:
                    ends.add(type(error).__name__)

        threads = [threading.Thread(target=user) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {"answered", "ReadTimeout"} <= ends
        server.answer = lambda exchange: exchange.write(MODEL)
        late = library.Timeout(20, pool=5)
        assert [http.get(server.url, timeout=late).status_code for _ in range(10)] == [200] * 10
        assert server.open <= 5
    server.wait_for(lambda: server.open == 0)


class Make:
    """Makes HTTP clients of the kinds that fit the way of a test, and closes them."""

    def __init__(self, invoke: Invoke) -> None:
        self.invoke = invoke
        self._made: list[Any] = []

    def __call__(self, kind: str, **options: Any) -> Any:
        """Make one, or skip."""
        kinds = BLOCKING if self.invoke.sync else AWAITABLE
        if kind not in kinds:
            pytest.skip("aiohttp is for the async client")
        self._made.append(self.invoke(lambda: kinds[kind](**options)))
        return self._made[-1]

    def close(self) -> None:
        """Close them all."""
        for made in self._made:
            self.invoke(made.close if self.invoke.sync else made.aclose)


@pytest.fixture
def make(invoke: Invoke) -> Iterator[Make]:
    """What makes HTTP clients."""
    make = Make(invoke)
    yield make
    make.close()


def pooled(transport: Any) -> bool:
    """Tell whether a transport is one of ours."""
    return isinstance(transport, SyncPool | _LoopTransport)


@pytest.mark.parametrize("kind", ["httpx", "httpx2"])
def test_options_that_the_pool_has_go_to_the_pool(make: Make, kind: str) -> None:
    """Only another protocol, a transport and mounts send requests past the pool, each only what it is given for."""
    library = LIBRARIES[kind]
    mounted = library.MockTransport(lambda _: library.Response(200))
    own = library.MockTransport(lambda _: library.Response(200))
    context = ssl.create_default_context()
    for options in (
        {},
        {"verify": False},
        {"verify": context},
        {
            "limits": library.Limits(
                max_connections=None, max_keepalive_connections=None, keepalive_expiry=None
            )
        },
        {"timeout": None, "trust_env": False, "http1": True},
        {"mounts": {"https://": mounted}},
    ):
        assert pooled(make(kind, **options)._transport), options
    assert not pooled(make(kind, http2=True)._transport)
    assert make(kind, transport=own)._transport is own
    with_mounts = make(kind, mounts={"https://": mounted})
    assert with_mounts._transport_for_url(library.URL("https://a")) is mounted
    for proxy in (
        "http://p:1",
        library.Proxy("socks5://p:1", auth=("u", "p")),
        library.Proxy("https://p", headers={"a": "b"}),
    ):
        through = make(kind, proxy=proxy)
        assert pooled(through._transport_for_url(library.URL("http://a")))


@pytest.mark.parametrize("kind", AWAITABLE)
@pytest.mark.parametrize("framing", ["whole", "apart"])
def test_answers_are_the_librarys(make: Make, wire: Wire, kind: str, framing: str) -> None:
    """Body, stream, time, version and connection of an answer are where users of the library look for them."""
    http, invoke, library = make(kind), make.invoke, LIBRARIES[kind]
    wire.play(script([b"one", b"two"], "chunked", whole if framing == "whole" else apart))
    response = invoke(http.post, f"{wire.url}/x?y=1", json={"a": 1})
    assert isinstance(response, library.Response)
    assert (response.text, response.http_version, response.reason_phrase) == ("onetwo", "HTTP/1.1", "OK")
    assert response.elapsed.total_seconds() > 0
    assert str(response.url) == f"{wire.url}/x?y=1"
    assert (wire.requests[0].method, wire.requests[0].body) == ("POST", b'{"a":1}')

    def streamed() -> tuple[bytes, Any]:
        with http.stream("GET", wire.url) as answer:
            info = answer.extensions["network_stream"].get_extra_info("server_addr")
            return b"".join(answer.iter_bytes()), info

    async def streamed_on_a_loop() -> tuple[bytes, Any]:
        async with http.stream("GET", wire.url) as answer:
            info = ("127.0.0.1", wire.port)
            if kind != "aiohttp":
                info = answer.extensions["network_stream"].get_extra_info("server_addr")
            return b"".join([part async for part in answer.aiter_bytes()]), info

    assert invoke(streamed if invoke.sync else streamed_on_a_loop) == (
        b"onetwo",
        ("127.0.0.1", wire.port),
    )
    assert wire.opened == 1


HOSTILE: dict[str, list[Any]] = {
    "closed": [CLOSE],
    "reset": [RESET],
    "no http": [b"220 smtp.example ESMTP\r\n", CLOSE],
    "half a head": [b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE],
    "status": [b"HTTP/1.1 abc OK\r\n\r\n", CLOSE],
    "header": [b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", CLOSE],
    "long head": [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000 + b"\r\n\r\n", CLOSE],
    "two lengths": [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", CLOSE],
    "short body": [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", CLOSE],
    "reset body": [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", 0.01, RESET],
    "bad chunk": [HEAD_OF_STREAM + b"zz\r\n{}\r\n0\r\n\r\n", CLOSE],
    "half a chunk": [HEAD_OF_STREAM + b"9\r\n{}", CLOSE],
    "no last chunk": [HEAD_OF_STREAM + chunk(b"{}"), CLOSE],
    "not gzip": [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n{..}", CLOSE],
    "switched": [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", CLOSE],
    "silence": [HOLD],
    "silent body": [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", HOLD],
    "redirect to nowhere": [b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n"],
    "redirect to ftp": [b"HTTP/1.1 302 Found\r\nLocation: ftp://x/\r\nContent-Length: 0\r\n\r\n"],
}


@pytest.mark.parametrize("kind", AWAITABLE)
@pytest.mark.parametrize("fault", HOSTILE)
def test_hostile_answers_raise_what_is_promised(make: Make, wire: Wire, kind: str, fault: str) -> None:
    """Whatever a server does, the library's own error is raised by the client itself, and ours through ours."""
    library, invoke = LIBRARIES[kind], make.invoke
    http = make(kind, timeout=library.Timeout(0.3 if "silen" in fault else 10))
    wire.play(HOSTILE[fault])
    for path in ("/v1/models/m", "/v1/models/m"):  # on a connection that may have been left over as well
        with pytest.raises(library.RequestError):
            invoke(http.get, wire.url + path)
    client = invoke.client(http_client=http, base_url=wire.base_url, max_retries=0)
    with pytest.raises(OpenAIError):
        invoke(client.models.retrieve, "m")
    if HOSTILE[fault][-1] in (CLOSE, RESET):  # what the client kept is not to go away under its next request
        wire.wait_for(lambda: not wire.open)
    wire.play([MODEL])
    assert invoke(client.models.retrieve, "m").id == "m"


def test_an_error_of_the_callers_own_stays_its_own(make: Make, wire: Wire) -> None:
    """An exception out of the body that a caller gives is raised as it is, and the connection is closed."""
    invoke = make.invoke

    class MineError(Exception):
        pass

    def body() -> Iterator[bytes]:
        yield b"a"
        raise MineError

    async def body_on_a_loop() -> Any:
        yield b"a"
        raise MineError

    http = make("httpx")
    with pytest.raises(MineError):
        invoke(http.post, wire.url, content=body() if invoke.sync else body_on_a_loop())
    wire.wait_for(lambda: wire.open == 0)


@pytest.mark.parametrize("kind", AWAITABLE)
@pytest.mark.parametrize(("kept", "left"), [(0, 0), (1, 1), (None, 3)])
def test_limits_are_the_pools(make: Make, kind: str, kept: int | None, left: int) -> None:
    """No more connections are open than `max_connections`, nor idle than `max_keepalive_connections`."""
    if kind == "aiohttp" and kept:
        pytest.skip("aiohttp keeps all or none")
    library, invoke = LIBRARIES[kind], make.invoke
    limits = library.Limits(max_connections=3, max_keepalive_connections=kept)
    http = make(kind, limits=limits)
    seen: list[int] = []

    def answer(exchange: Exchange) -> None:
        seen.append(server.open)
        exchange.later(0.02, OK)

    with RawServer(answer) as server:

        def all_of_them() -> None:
            threads = [threading.Thread(target=http.get, args=(server.url,)) for _ in range(9)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        async def all_on_a_loop() -> None:
            await asyncio.gather(*(http.get(server.url) for _ in range(9)))

        invoke(all_of_them if invoke.sync else all_on_a_loop)
        assert len(seen) == 9
        if kept is None:
            assert max(seen) == 3  # a connection that is being replaced still counts for the server
        server.wait_for(lambda: server.open <= left)


@pytest.mark.parametrize("kind", AWAITABLE)
def test_proxies_are_chosen_as_the_library_does(
    make: Make, wire: Wire, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies of the environment and their exemptions, of `proxy` with credentials and headers, and none at all."""
    library, invoke = LIBRARIES[kind], make.invoke
    wire.play([OK])
    with ProxyServer(user="me:p w") as proxy:
        address = proxy.address.replace("://", "://me:p%20w@")
        monkeypatch.setenv("HTTP_PROXY", address)
        assert invoke(make(kind).get, wire.url).status_code == 200
        assert len(proxy.seen) == 1
        assert invoke(make(kind, trust_env=False).get, wire.url).status_code == 200
        assert invoke(make(kind, mounts={"all://127.0.0.1": None}).get, wire.url).status_code == 200
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert invoke(make(kind).get, wire.url).status_code == 200
        assert len(proxy.seen) == 1
        given = library.Proxy(proxy.address, auth=("me", "p w"), headers={"x-for-the-proxy": "1"})
        assert invoke(make(kind, proxy=given).get, wire.url).status_code == 200
        assert len(proxy.seen) == 2
        assert invoke(make(kind, proxy=address, trust_env=False).get, wire.url).status_code == 200
        assert len(proxy.seen) == 3


@pytest.mark.parametrize("kind", AWAITABLE)
def test_trust_is_what_was_asked_for(
    make: Make, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A server is trusted by the context given, the environment's authorities, or without a check."""
    library, invoke = LIBRARIES[kind], make.invoke
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    pem = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(pem))
    mine = tmp_path / "mine.pem"
    authority.issue_cert("me@example.org").private_key_and_cert_chain_pem.write_to_path(str(mine))
    known = ssl.create_default_context(cafile=str(pem))
    known.load_cert_chain(str(mine))
    with RawServer(ssl_context=context) as server:
        assert invoke(make(kind, verify=known).get, server.url).status_code == 200
        with pytest.raises(library.ConnectError):
            invoke(make(kind).get, server.url)
        with pytest.raises(library.RequestError):  # no certificate of the client
            invoke(make(kind, verify=False).get, server.url)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            assert invoke(make(kind, verify=False, cert=str(mine)).get, server.url).status_code == 200
            monkeypatch.setenv("SSL_CERT_FILE", str(pem))
            assert invoke(make(kind, cert=str(mine)).get, server.url).status_code == 200
            with pytest.raises(library.ConnectError):
                invoke(make(kind, cert=str(mine), trust_env=False).get, server.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        with pytest.raises(ConfigError, match="SSL_CERT_FILE"):
            make(kind)


@pytest.mark.parametrize("kind", AWAITABLE)
def test_cookies_redirects_hooks_and_auth_are_the_librarys(make: Make, wire: Wire, kind: str) -> None:
    """What stands above the transport works as in any client of the library."""
    invoke = make.invoke
    seen: list[int] = []

    def hook(response: Any) -> None:
        seen.append(response.status_code)

    async def hook_on_a_loop(response: Any) -> None:
        seen.append(response.status_code)

    hooks = {"response": [hook if invoke.sync else hook_on_a_loop]}
    http = make(kind, auth=("u", "p"), event_hooks=hooks, base_url=wire.url, params={"k": "v"})
    wire.play(
        [b"HTTP/1.1 302 Found\r\nLocation: /next\r\nSet-Cookie: c=1\r\nContent-Length: 0\r\n\r\n"], [OK]
    )
    response = invoke(http.get, "/first")
    assert [each.status_code for each in response.history] == [302]
    assert seen == [302, 200]
    first, second = wire.requests
    assert (first.target, second.target) == ("/first?k=v", "/next")
    assert first.header("authorization") == second.header("authorization") == "Basic dTpw"
    assert (first.header("cookie"), second.header("cookie")) == (None, "c=1")
    wire.play([b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"])
    assert invoke(http.get, "/first", follow_redirects=False).status_code == 302
    assert len(wire.requests) == 1


def test_closed_clients_send_nothing(make: Make, wire: Wire) -> None:
    """A closed client refuses to send, as the library does, and its transport opens nothing any more."""
    invoke, http = make.invoke, make("httpx")
    wire.play([OK])
    invoke(http.get, wire.url)
    invoke(http.close if invoke.sync else http.aclose)
    wire.wait_for(lambda: wire.open == 0)
    with pytest.raises(RuntimeError):
        invoke(http.get, wire.url)
    transport = http._transport
    send = transport.handle_request if invoke.sync else transport.handle_async_request
    with pytest.raises(RuntimeError, match="closed"):
        invoke(send, httpx.Request("GET", wire.url))
    assert wire.opened == 1


def test_without_an_asyncio_loop_the_librarys_transport_sends() -> None:
    """A client that no asyncio loop runs, but trio's say, sends through the transport of the library."""
    http = DefaultAsyncHttpxClient()
    transport = http._transport
    assert isinstance(transport, _LoopTransport)
    transport._elsewhere = lambda: httpx.MockTransport(lambda _: httpx.Response(204))
    answering = transport.handle_async_request(httpx.Request("GET", "http://x"))
    with pytest.raises(StopIteration) as done:
        answering.send(None)
    assert done.value.value.status_code == 204
    closing = transport.aclose()
    with pytest.raises(StopIteration):
        closing.send(None)


def test_clients_of_other_sdks_follow_redirects_by_themselves(wire: Wire, sync: bool) -> None:
    """The HTTP client of the official client over ours shows a redirect where it is not to be followed."""
    wire.play([b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"], [OK])
    if sync:
        with OpenAI(api_key=KEY, base_url=wire.base_url) as client:
            status = official(client)._client.get(wire.url, follow_redirects=False).status_code
    else:

        async def ask() -> int:
            async with AsyncOpenAI(api_key=KEY, base_url=wire.base_url) as client:
                answer = await official(client)._client.get(wire.url, follow_redirects=False)
                return answer.status_code

        status = asyncio.run(ask())
    assert (status, len(wire.requests)) == (302, 1)
