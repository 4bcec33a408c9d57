"""The ways of the pools to a server: TLS, proxies, and which of them the environment asks for."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.request import getproxies

import httpx
import pytest
import trustme

from ai_client._http.library import may_have_been_sent
from ai_client._pool.proxy import Proxies, Proxy, _environment
from tests.support.both_pools import AsyncPools, Pools, chance, descriptors_to, request
from tests.support.proxy_server import ProxyServer
from tests.support.raw_server import HEAD_OF_STREAM, OK, Exchange, RawServer, chunk


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Make an authority of our own."""
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """Serve as localhost and 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """Trust that authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def secure(server_tls: ssl.SSLContext) -> Iterator[RawServer]:
    """Yield a server with TLS."""
    with RawServer(ssl_context=server_tls) as server:
        yield server


def test_tls(both: type[Pools], secure: RawServer, trusting: ssl.SSLContext) -> None:
    """An https server is asked over TLS, on one connection, with bodies of any size both ways."""

    def answer(exchange: Exchange) -> None:
        exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(exchange.body) + exchange.body)

    secure.answer = answer

    async def scenario(pools: Pools) -> None:
        for size in (0, 10, 1_000_000):
            body = chance.randbytes(size)
            assert await pools.ask(secure.url, content=body) == body
        assert pools.stats.opened_total == 1

    both.run(scenario, verify=trusting)


def test_certificate_is_checked(both: type[Pools], secure: RawServer) -> None:
    """A server whose certificate nobody vouches for is a ConnectError, unsent; without checks it is accepted."""

    async def scenario(pools: Pools) -> None:
        with pytest.raises(httpx.ConnectError, match="certificate verify failed") as caught:
            await pools.ask(secure.url)
        assert not may_have_been_sent(caught.value)
        assert (pools.stats.in_use, pools.stats.open) == (0, 0)

    both.run(scenario)

    async def unchecked(pools: Pools) -> None:
        assert await pools.ask(secure.url) == b"{}"

    both.run(unchecked, verify=False)


def test_name_is_checked_and_can_be_given(
    both: type[Pools], authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    """A certificate for another name is refused, unless `sni_hostname` asks for that name, on its own connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.test").configure_cert(context)

    async def scenario(pools: Pools) -> None:
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await pools.ask(named.url)
        message = request(named.url)
        message.extensions["sni_hostname"] = "api.test"
        assert await pools.read(await pools.send(message)) == b"{}"
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await pools.ask(named.url)

    with RawServer(ssl_context=context) as named:
        both.run(scenario, verify=trusting)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""], ids=["speaks", "hangs up"])
def test_server_that_speaks_no_tls(both: type[Pools], answer: bytes) -> None:
    """Asking a plain server over https is a ConnectError, whether it answers something or hangs up."""

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(10_000)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        port = listening.getsockname()[1]

        async def scenario(pools: Pools) -> None:
            with pytest.raises(httpx.ConnectError):
                await pools.ask(f"https://127.0.0.1:{port}")
            assert (pools.stats.in_use, pools.stats.open) == (0, 0)

        both.run(scenario)
        thread.join()


def test_handshake_times_out(both: type[Pools]) -> None:
    """A server that accepts and says nothing ends the handshake with ConnectTimeout."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]

        async def scenario(pools: Pools) -> None:
            with pytest.raises(httpx.ConnectTimeout) as caught:
                await pools.ask(f"https://127.0.0.1:{port}", connect=0.05)
            assert not may_have_been_sent(caught.value)
            assert (pools.stats.in_use, pools.stats.open) == (0, 0)

        both.run(scenario)
        assert descriptors_to(port) == 0


def test_next_address_is_tried(both: type[Pools], server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one address of a name refuses, the next one is connected to."""
    usual = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **fields: Any) -> Any:
        if host != "several.test":
            return usual(host, port, *args, **fields)
        if fields.get("flags"):
            raise socket.gaierror("not a number")
        found = [usual(address, port, *args, **fields) for address in ("::1", "127.0.0.1", "127.0.0.2")]
        return [entry for entries in found for entry in entries]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    async def scenario(pools: Pools) -> None:
        assert await pools.ask(f"http://several.test:{server.port}") == b"{}"
        assert pools.stats.open == 1

    both.run(scenario)
    assert descriptors_to(server.port) == 0


def test_address_that_does_not_answer_is_raced(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An async pool tries the next address when the first says nothing for a moment, and drops the first."""
    monkeypatch.setattr("ai_client._pool.async_connecting._NEXT_ADDRESS_SECONDS", 0.01)

    async def scenario(pools: Pools) -> None:
        loop = asyncio.get_running_loop()
        tried: list[str] = []
        usual = loop.sock_connect

        async def connect(connection: socket.socket, address: Any) -> None:
            tried.append(address[0])
            if address[0] == "127.0.0.2":
                await asyncio.Event().wait()
            await usual(connection, address)

        async def resolve(_host: str, port: int, **_fields: Any) -> Any:
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in ("127.0.0.2", "127.0.0.1")
            ]

        monkeypatch.setattr(loop, "sock_connect", connect)
        monkeypatch.setattr(loop, "getaddrinfo", resolve)
        assert await pools.ask(f"http://several.test:{server.port}") == b"{}"
        assert tried == ["127.0.0.2", "127.0.0.1"]

    AsyncPools.run(scenario)


def proxied(proxy: ProxyServer, user: str = "") -> str:
    """Give the proxy's address with credentials."""
    return proxy.address.replace("://", f"://{user}@") if user else proxy.address


@pytest.mark.parametrize("kind", ["http", "socks5"])
@pytest.mark.parametrize("user", ["", "me:s3cr%20et"])
def test_tunnel(both: type[Pools], secure: RawServer, trusting: ssl.SSLContext, kind: str, user: str) -> None:
    """An https server is reached through a tunnel, with or without credentials, and the tunnel is reused."""

    async def scenario(pools: Pools) -> None:
        assert await pools.ask(secure.url) == b"{}"
        assert await pools.ask(secure.url) == b"{}"
        assert pools.stats.opened_total == 1

    with ProxyServer(kind, user=user.replace("%20", " ") or None) as proxy:
        both.run(scenario, verify=trusting, proxy=proxied(proxy, user))
        verb = "CONNECT" if kind == "http" else "SOCKS"
        assert proxy.seen == [f"{verb} 127.0.0.1:{secure.port}"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_plain_requests_over_socks(both: type[Pools], server: RawServer, host: str) -> None:
    """A SOCKS proxy is given names to resolve as they are, and addresses as such."""

    async def scenario(pools: Pools) -> None:
        assert await pools.ask(f"http://{host}:{server.port}") == b"{}"

    with ProxyServer("socks5") as proxy:
        both.run(scenario, proxy=proxied(proxy).replace("socks5", "socks5h"))
        assert proxy.seen == [f"SOCKS {host}:{server.port}"]


@pytest.mark.parametrize("user", ["", "me:secret"])
def test_plain_requests_are_forwarded(both: type[Pools], server: RawServer, user: str) -> None:
    """An HTTP proxy gets plain requests with the whole address, and the credentials in each."""
    heads: list[bytes] = []

    def answer(exchange: Exchange) -> None:
        heads.append(exchange.head)
        exchange.write(OK)

    server.answer = answer

    async def scenario(pools: Pools) -> None:
        for _ in range(2):
            assert await pools.ask(server.url + "/path?query=1") == b"{}"

    with ProxyServer(user=user or None) as proxy:
        both.run(scenario, proxy=proxied(proxy, user))
        assert proxy.seen == [f"POST {server.url}/path?query=1"]
    assert [head.count(b"Proxy-Authorization: Basic ") for head in heads] == [bool(user)] * 2


def test_tunnel_through_an_https_proxy(
    both: type[Pools], secure: RawServer, server_tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    """The way to the proxy may be TLS itself, with TLS to the server inside, and large bodies fit through."""

    def answer(exchange: Exchange) -> None:
        exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(exchange.body) + exchange.body)

    secure.answer = answer

    async def scenario(pools: Pools) -> None:
        for size in (1, 400_000):
            body = chance.randbytes(size)
            assert await pools.ask(secure.url, content=body) == body
        assert pools.stats.opened_total == 1

    with ProxyServer(ssl_context=server_tls) as proxy:
        both.run(scenario, verify=trusting, proxy=proxied(proxy))
        assert proxy.seen == [f"CONNECT 127.0.0.1:{secure.port}"]


@pytest.mark.parametrize(
    ("kind", "answer", "message"),
    [
        ("http", b"HTTP/1.1 403 Not You\r\nContent-Length: 0\r\n\r\n", "403 Not You"),
        ("http", b"HTTP/1.1 200 OK\r\n\r\nand more", "on its own"),
        ("http", b"what?\r\n\r\n", "not HTTP"),
        ("http", b"", "closed the connection"),
        ("socks5", b"\x05\x05\x00\x01" + bytes(6), "connection refused"),
        ("socks5", b"\x05", "closed the connection"),
    ],
)
def test_proxy_that_refuses(
    both: type[Pools], secure: RawServer, kind: str, answer: bytes, message: str
) -> None:
    """A proxy that opens no tunnel is a ProxyError that says why, unsent."""

    async def scenario(pools: Pools) -> None:
        with pytest.raises(httpx.ProxyError, match=message) as caught:
            await pools.ask(secure.url)
        assert not may_have_been_sent(caught.value)
        assert (pools.stats.in_use, pools.stats.open) == (0, 0)

    with ProxyServer(kind, answer=answer) as proxy:
        both.run(scenario, proxy=proxied(proxy))
        assert descriptors_to(proxy.port) == 0


@pytest.mark.parametrize("kind", ["http", "socks5"])
@pytest.mark.parametrize("user", ["", "me:wrong"])
def test_credentials_are_refused(both: type[Pools], secure: RawServer, kind: str, user: str) -> None:
    """Missing or wrong credentials are a ProxyError that does not show them."""

    async def scenario(pools: Pools) -> None:
        with pytest.raises(httpx.ProxyError) as caught:
            await pools.ask(secure.url)
        assert "wrong" not in str(caught.value)
        assert "wrong" not in repr(pools.pool._options)

    with ProxyServer(kind, user="me:right") as proxy:
        both.run(scenario, proxy=proxied(proxy, user))


def test_cancellations_through_a_proxy(secure: RawServer, trusting: ssl.SSLContext) -> None:
    """After 600 cancelled requests through a tunnel on 5 connections the next 10 succeed and nothing is left."""

    def answer(exchange: Exchange) -> None:
        exchange.write(HEAD_OF_STREAM)
        exchange.later(chance.uniform(0, 0.01), chunk(b"{}") + chunk(b""))

    secure.answer = answer

    async def scenario(pools: Pools) -> None:
        loop = asyncio.get_running_loop()

        async def user() -> None:
            for _ in range(30):
                task = loop.create_task(pools.ask(secure.url))
                loop.call_later(chance.uniform(0, 0.08), task.cancel)
                with suppress(asyncio.CancelledError):
                    await task

        await asyncio.gather(*(user() for _ in range(20)))
        assert await pools.together([lambda: pools.ask(secure.url)] * 10) == [b"{}"] * 10
        assert (pools.stats.in_use, pools.stats.waiting) == (0, 0)

    with ProxyServer() as proxy:
        AsyncPools.run(scenario, verify=trusting, proxy=proxied(proxy), max_connections=5)
        assert descriptors_to(proxy.port) == 0


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Take away every variable about proxies."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "request_method"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_proxy_of_the_environment(
    both: type[Pools], server: RawServer, environment: pytest.MonkeyPatch
) -> None:
    """The environment's proxy is used, unless NO_PROXY names the server or the environment is not trusted."""

    async def scenario(pools: Pools) -> None:
        assert await pools.ask(server.url) == b"{}"

    with ProxyServer() as proxy:
        environment.setenv("HTTP_PROXY", proxy.address)
        both.run(scenario)
        assert len(proxy.seen) == 0
        both.run(scenario, trust_env=True)
        assert len(proxy.seen) == 1
        environment.setenv("NO_PROXY", "127.0.0.1")
        both.run(scenario, trust_env=True)
        assert len(proxy.seen) == 1


@pytest.mark.parametrize(
    ("entries", "scheme", "host", "direct"),
    [
        ("", "https", "api.test", False),
        ("*", "https", "api.test", True),
        ("api.test", "https", "api.test", True),
        ("API.test", "https", "api.test", True),
        ("api.test", "https", "eu.api.test", True),
        ("api.test", "https", "notapi.test", False),
        (".api.test", "https", "eu.api.test", True),
        (".api.test", "https", "api.test", False),
        ("*.api.test", "https", "eu.api.test", True),
        ("other.test, api.test", "https", "api.test", True),
        ("api.test:443", "https", "api.test", True),
        ("api.test:8443", "https", "api.test", False),
        ("10.1.2.3", "https", "10.1.2.3", True),
        ("10.1.0.0/16", "https", "10.1.2.3", True),
        ("10.1.0.0/16", "https", "10.2.2.3", False),
        ("10.1.0.0/16", "https", "api.test", False),
        ("10.1.2.3:443", "https", "10.1.2.3", True),
        ("10.1.2.3:80", "https", "10.1.2.3", False),
        ("::1", "https", "::1", True),
        ("[::1]", "https", "::1", True),
        ("[::1]:443", "https", "::1", True),
        ("localhost", "https", "localhost", True),
        ("http://api.test", "https", "api.test", False),
        ("https://api.test", "https", "api.test", True),
        ("all://api.test", "https", "api.test", True),
    ],
)
def test_no_proxy(
    environment: pytest.MonkeyPatch, entries: str, scheme: str, host: str, direct: bool
) -> None:
    """NO_PROXY exempts names with their subdomains, addresses, networks, ports and schemes."""
    environment.setenv("ALL_PROXY", "http://proxy.test:3128")
    environment.setenv("NO_PROXY", entries)
    assert (Proxies(None, trust_env=True).find(scheme, host, 443) is None) is direct


def test_proxies_by_scheme(environment: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY and HTTPS_PROXY count before ALL_PROXY, each for its scheme."""
    environment.setenv("ALL_PROXY", "socks5://all.test")
    environment.setenv("https_proxy", "secure.test:8080")
    proxies = Proxies(None, trust_env=True)
    assert proxies.find("https", "api.test", 443) == Proxy("http", "secure.test", 8080)
    assert proxies.find("http", "api.test", 80) == Proxy("socks5", "all.test", 1080)
    assert Proxies(None, trust_env=False).find("https", "api.test", 443) is None


@pytest.mark.parametrize("name", ["http_proxy", "https_proxy", "all_proxy", "no_proxy"])
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_every_variable_about_proxies_is_read(
    environment: pytest.MonkeyPatch, name: str, case: Callable[[str], str]
) -> None:
    """What is found is what the standard library finds, whichever variable is the only one."""
    environment.setenv(case(name), "there.test:8080")
    assert getproxies()
    assert _environment() == getproxies()


def test_given_proxy_counts_before_the_environment(environment: pytest.MonkeyPatch) -> None:
    """An option wins over the variables, NO_PROXY included."""
    environment.setenv("HTTPS_PROXY", "http://other.test")
    environment.setenv("NO_PROXY", "*")
    proxies = Proxies("http://mine.test", trust_env=True)
    assert proxies.find("https", "api.test", 443) == Proxy("http", "mine.test", 80)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ftp://me:s3cret@proxy.test", "begins with http, https, socks5 or socks5h"),
        ("http://me:s3cret@:3128", "names no host"),
        ("http://me:s3cret@proxy.test:99999", "not a number from 1 to 65535"),
        ("http://me:s3cret@proxy.test:port", "not a number from 1 to 65535"),
        ("http://me:s3cret@proxy.test:0", "not a number from 1 to 65535"),
        ("http://me:s3cret\u2100@proxy.test:3128", "percent-encoded"),
        ("http://me:pass[s3cret]word@proxy.test:3128", "percent-encoded"),
        ("http://me:12/s3cret@proxy.test:3128", "percent-encoded"),
        ("http://me:12?s3cret@proxy.test:3128", "percent-encoded"),
        ("http://me:12#s3cret@proxy.test:3128", "percent-encoded"),
        ("me:12#s3cret@proxy.test:3128", "percent-encoded"),
        ("http://me:s3cret\n@proxy.test:3128", "percent-encoded"),
        ("http://me:s3cret\udce9@proxy.test:3128", "percent-encoded"),
        ("http://me%3As3cret:other@proxy.test:3128", "has no colon"),
        (f"socks5://s3cret{'x' * 255}@proxy.test", "255 bytes"),
    ],
)
def test_bad_address_of_a_proxy(environment: pytest.MonkeyPatch, address: str, message: str) -> None:
    """A malformed address is refused when the pool is made, with the reason and without the password."""
    with pytest.raises(ValueError, match=message) as caught:
        Proxies(address, trust_env=True)
    assert "s3cret" not in str(caught.value)
    environment.setenv("ALL_PROXY", address)
    with pytest.raises(ValueError, match=f"ALL_PROXY in the environment: .*{message}") as caught:
        Proxies(None, trust_env=True)
    assert "s3cret" not in str(caught.value)


def test_credentials_of_a_proxy_are_not_shown() -> None:
    """A proxy's repr holds neither its user nor its password."""
    shown = repr(Proxy.parse("http://someone:s3cret@proxy.test:3128"))
    assert "someone" not in shown
    assert "s3cret" not in shown
    assert "proxy.test" in shown


@pytest.mark.parametrize("login", ["", "me:@", "me:pass!word*@", "m%40e:%2F%3A%25@"])
def test_address_with_credentials(login: str) -> None:
    """A proxy's address is written with its user and password, of which only what is special is encoded."""
    address = f"https://{login}proxy.test:3128"
    assert Proxy.parse(address).address == address
