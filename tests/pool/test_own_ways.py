"""The ways of the pools that options choose: a certificate of the client, a unix socket, a local address, no proxy."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_client._http.certificates import Certificate
from ai_client._http.library import may_have_been_sent
from ai_client._http.options import PoolOptions
from tests.support.both_pools import Pools
from tests.support.certificates import Office, shown_name
from tests.support.raw_server import OK, Exchange, RawServer

Seen = list[Any]
OK_AND_CLOSE = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Make an authority."""
    return Office(tmp_path_factory.mktemp("office"))


def place(server: RawServer) -> tuple[str, str, int]:
    """Return a server as the options name it."""
    scheme, _, rest = server.url.partition("://")
    return scheme, rest.rpartition(":")[0], server.port


def noting(seen: Seen, name: str) -> Any:
    """Answer, and keep what is known of the connection."""

    def answer(exchange: Exchange) -> None:
        seen.append(exchange.info(name))
        exchange.write(OK)

    return answer


@pytest.fixture
def certified() -> Seen:
    """Collect the names of the clients that the servers saw."""
    return []


def naming(certified: Seen) -> Any:
    """Answer, and keep the name in the certificate of the client."""

    def answer(exchange: Exchange) -> None:
        certified.append(shown_name(exchange.info("ssl_object")))
        exchange.write(OK_AND_CLOSE)

    return answer


@pytest.fixture
def mutual(office: Office, certified: Seen) -> Iterator[RawServer]:
    """Yield a server that demands a certificate."""
    with RawServer(naming(certified), office.server()) as server:
        yield server


def test_certificate(both: type[Pools], office: Office, mutual: RawServer, certified: Seen) -> None:
    """A server that demands the client's certificate gets it, and refuses a client without."""
    cert = Certificate.of(office.client())
    trusting: dict[str, Any] = {"verify": str(office.authority)}

    async def known(pools: Pools) -> None:
        assert await pools.ask(mutual.url) == b"{}"

    both.run(known, cert=cert, places=(place(mutual),), **trusting)
    assert certified == ["client"]

    async def unknown(pools: Pools) -> None:
        with pytest.raises(
            (httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError)
        ):
            await pools.ask(mutual.url)

    both.run(unknown, **trusting)
    assert certified == ["client"]


def test_certificate_is_for_one_server(
    both: type[Pools], office: Office, mutual: RawServer, certified: Seen
) -> None:
    """Another server that asks for a certificate sees none, on the same pool, and neither does a proxy."""
    cert = Certificate.of(office.client())
    with RawServer(naming(certified), office.server(asks=True)) as other:

        async def scenario(pools: Pools) -> None:
            for server in (mutual, other, mutual):
                assert await pools.ask(server.url) == b"{}"

        both.run(scenario, cert=cert, places=(place(mutual),), verify=str(office.authority))
    assert certified[0] == "client"
    assert certified[1] is None


def test_replaced_certificate(both: type[Pools], mutual: RawServer, certified: Seen, office: Office) -> None:
    """New connections show a certificate that took the place of the former one; one that is broken takes no place."""
    chain, key = office.client("first")
    second = office.client("second")
    cert = Certificate.of((chain, key))

    async def scenario(pools: Pools) -> None:
        assert await pools.ask(mutual.url) == b"{}"
        chain.write_bytes(b"no certificate")
        assert await pools.ask(mutual.url) == b"{}"
        chain.write_bytes(second[0].read_bytes())
        key.write_bytes(second[1].read_bytes())
        assert await pools.ask(mutual.url) == b"{}"

    both.run(scenario, cert=cert, places=(place(mutual),), verify=str(office.authority))
    assert certified == ["first", "first", "second"]


@pytest.mark.parametrize("form", ["file", "directory", "variable"])
def test_replaced_authority(
    both: type[Pools], office: Office, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An authority that is written in the place of another, in a directory too, counts for new connections."""
    file = tmp_path / "authorities.pem"
    (tmp_path / "other").mkdir()
    other = Office(tmp_path / "other").authority.read_bytes()
    file.write_bytes(other + b"\n" * 64)  # of another size, as clocks of files are coarse
    options: dict[str, Any] = {"verify": str(file if form == "file" else tmp_path)}
    if form == "variable":
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        options = {"trust_env": True}

    async def scenario(pools: Pools) -> None:
        with pytest.raises(httpx.ConnectError):
            await pools.ask(server.url)
        file.write_bytes(office.authority.read_bytes())
        assert await pools.ask(server.url) == b"{}"
        file.write_bytes(b"no certificate")
        assert await pools.ask(server.url) == b"{}"

    with RawServer(lambda exchange: exchange.write(OK_AND_CLOSE), office.plain_server()) as server:
        both.run(scenario, **options)


def test_local_address(both: type[Pools]) -> None:
    """Connections come from the local address, and fail by its name where this machine does not have it."""
    seen: Seen = []

    async def scenario(pools: Pools) -> None:
        assert await pools.ask(server.url) == b"{}"

    async def elsewhere(pools: Pools) -> None:
        with pytest.raises(httpx.ConnectError, match=r"local_address: nothing can be sent from 192\.0\.2\.7"):
            await pools.ask(server.url)

    async def other_family(pools: Pools) -> None:
        with pytest.raises(httpx.ConnectError, match="no IPv6 address") as caught:
            await pools.ask(server.url)
        assert not may_have_been_sent(caught.value)

    with RawServer(noting(seen, "peername")) as server:
        both.run(scenario, local_address="127.0.0.2")
        both.run(elsewhere, local_address="192.0.2.7")
        both.run(other_family, local_address="::1")
    assert [address for address, _ in seen] == ["127.0.0.2"]


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_unix_socket(both: type[Pools], tmp_path: Path, office: Office, secure: bool) -> None:
    """The first place is behind the unix socket, whatever proxy there is, and every other server where it always is."""
    path = tmp_path / "api.sock"
    context = office.plain_server("api.test") if secure else None
    scheme = "https" if secure else "http"
    places = ((scheme, "api.test", 443 if secure else 80), (scheme, "api.test", 8000))

    async def scenario(pools: Pools) -> None:
        for _ in range(2):
            assert await pools.ask(f"{scheme}://api.test/v1") == b"{}"
        assert pools.stats.opened_total == 1

    async def others(pools: Pools) -> None:
        assert await pools.ask(elsewhere.url) == b"{}"
        with pytest.raises(httpx.ConnectError):
            await pools.ask(f"{scheme}://api.test:8000/v1")

    with RawServer(ssl_context=context, path=path) as server, RawServer() as elsewhere:
        options: dict[str, Any] = {"uds": str(path), "places": places, "verify": str(office.authority)}
        both.run(scenario, proxy="http://127.0.0.1:9", **options)
        both.run(others, **options)
        assert (server.opened, elsewhere.opened) == (1, 1)


def test_missing_unix_socket(both: type[Pools], tmp_path: Path) -> None:
    """Where nothing listens on the unix socket nothing is sent, and the error holds what to say."""
    path = str(tmp_path / "api.sock")

    async def scenario(pools: Pools) -> None:
        with pytest.raises(httpx.ConnectError) as caught:
            await pools.ask("http://localhost/v1")
        assert caught.value.said == f"uds: nothing answers at {path!r} (No such file or directory)."
        assert not may_have_been_sent(caught.value)

    both.run(scenario, uds=path, places=(("http", "localhost", 80),))


def test_no_proxy_at_all(both: type[Pools], server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty proxy is none, whatever the environment says."""
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def scenario(pools: Pools) -> None:
        assert await pools.ask(server.url) == b"{}"

    both.run(scenario, proxy="", trust_env=True)


def test_contexts_are_shared(office: Office) -> None:
    """Pools with the same files share a context, and others have another."""
    cert = Certificate.of(office.client("shared"))
    here = ("https", "h", 443)
    one, same = (PoolOptions(verify=str(office.authority), cert=cert, places=(here,)) for _ in range(2))
    assert one.tls(here) is same.tls(here)
    assert one.tls(("https", "other", 443)) is same.tls() is not one.tls(here)
    assert one.tls().verify_mode is ssl.CERT_REQUIRED
    assert len(one.tls().get_ca_certs()) == 1
