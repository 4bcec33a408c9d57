"""How clients connect, over real sockets: certificates, proxies, local addresses and unix sockets."""

import json
import logging
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from ai_client import (
    APIConnectionError,
    APITimeoutError,
    AsyncOpenAI,
    AzureOpenAI,
    ConfigError,
    DefaultAioHttpClient,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
    OpenAI,
)
from ai_client._http.library import may_have_been_sent
from tests.support.certificates import PASSWORD, Office
from tests.support.forks import in_child
from tests.support.invoke import KEY, Invoke
from tests.support.known_servers import MODELS, KnownServer, answer_with, socket_server
from tests.support.proxy_server import ProxyServer
from tests.support.waiting import until

VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
USER = "user:pr0xy-pass"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests say all that the environment says."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Make an authority."""
    return Office(tmp_path_factory.mktemp("office"))


@pytest.fixture
def mutual(office: Office) -> Iterator[KnownServer]:
    """Yield a server that demands a certificate of the client."""
    with KnownServer(office.server()) as server:
        yield server


@pytest.fixture
def asking(office: Office) -> Iterator[KnownServer]:
    """Yield another server, which takes a certificate but does without."""
    with KnownServer(office.server(asks=True)) as server:
        yield server


def listed(invoke: Invoke, client: Any, path: str = "/models") -> None:
    """Make a request."""
    invoke(client.get, path, cast_to=httpx.Response)


def greeted(invoke: Invoke, client: Any, **options: Any) -> None:
    """Open a realtime session and one of responses, and read what each is greeted with."""
    for manager in (client.realtime.connect(model="m", **options), client.responses.connect(**options)):
        with invoke.within(manager) as connection:
            assert json.loads(invoke(connection.recv_bytes)) == {"type": "hello"}


FORMS = ("two files", "password", "one file", "list")


@pytest.mark.parametrize("form", FORMS)
def test_mutual_tls(invoke: Invoke, office: Office, mutual: KnownServer, form: str) -> None:
    """A server of a private authority that demands a certificate is called with one, in any of its forms."""
    chain, key = office.client(password=PASSWORD if form == "password" else None)
    whole = office.folder / "whole.pem"
    whole.write_bytes(chain.read_bytes() + key.read_bytes())
    cert: Any = {
        "two files": (chain, str(key)),
        "password": (chain, key, PASSWORD),
        "one file": whole,
        "list": [str(chain), str(key)],
    }[form]
    client = invoke.client(base_url=f"{mutual.url}/v1", verify=office.authority, cert=cert)
    listed(invoke, client)
    assert mutual.names == ["client"]


def test_without_certificate(invoke: Invoke, office: Office, mutual: KnownServer) -> None:
    """Without the certificate, or without the authority, the same server cannot be called: the error is ours."""
    for options in ({"verify": office.authority}, {"cert": office.client()}):
        client = invoke.client(base_url=f"{mutual.url}/v1", max_retries=0, **options)
        with pytest.raises(APIConnectionError):
            listed(invoke, client)
    assert mutual.seen == []


@pytest.mark.parametrize("form", ["directory", "context", "off", "variable", "variable of directory"])
def test_trust(
    invoke: Invoke, office: Office, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A private authority is trusted by a directory, by a context, and by the variables; or nothing is checked."""
    (tmp_path / "notes.txt").write_text("no certificate")
    (tmp_path / "one.pem").write_bytes(office.authority.read_bytes())
    context = ssl.create_default_context(cafile=office.authority)
    options: dict[str, Any] = {"directory": {"verify": tmp_path}, "context": {"verify": context}}
    if form == "variable":
        monkeypatch.setenv("SSL_CERT_FILE", str(office.authority))
    elif form == "variable of directory":
        monkeypatch.setenv("SSL_CERT_DIR", str(hashed(office, tmp_path)))
    with KnownServer(office.plain_server()) as server:
        client = invoke.client(
            base_url=f"{server.url}/v1", **options.get(form, {"verify": False} if form == "off" else {})
        )
        listed(invoke, client)
        assert len(server.seen) == 1


def hashed(office: Office, folder: Path) -> Path:
    """Make a directory of certificates as OpenSSL wants it: named by the hash of the subject."""
    if shutil.which("openssl") is None:
        pytest.skip("the command openssl, which tells the hash, is not installed")
    said = subprocess.run(
        ["openssl", "x509", "-noout", "-hash", "-in", str(office.authority)],
        check=True,
        capture_output=True,
        text=True,
    )
    place = folder / "hashed"
    place.mkdir()
    (place / f"{said.stdout.strip()}.0").write_bytes(office.authority.read_bytes())
    return place


def test_option_before_variables(
    invoke: Invoke, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`verify` counts before `SSL_CERT_FILE` and `proxy` before `HTTPS_PROXY`, an empty one included."""
    monkeypatch.setenv("SSL_CERT_FILE", str(Office(tmp_path).authority))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with KnownServer(office.plain_server()) as server, ProxyServer() as proxy:
        for address in ("", proxy.address):
            client = invoke.client(base_url=f"{server.url}/v1", verify=office.authority, proxy=address)
            listed(invoke, client)
        assert len(server.seen) == 2
        assert len(proxy.seen) == 1


def test_other_servers_see_no_certificate(
    invoke: Invoke, office: Office, mutual: KnownServer, asking: KnownServer
) -> None:
    """A redirect to another origin, an absolute address, a copy and a tenant elsewhere show no certificate there."""
    mutual.elsewhere = asking.url
    options: dict[str, Any] = {"verify": str(office.authority), "cert": office.client()}
    client = invoke.client(base_url=mutual.url, **options)
    listed(invoke, client, "/moved")
    listed(invoke, client, f"{asking.url}/v1/models")
    listed(invoke, client.with_options(base_url=f"{asking.url}/v1", api_key="other"))
    listed(invoke, client.with_options(timeout=30), "/v1/models")
    tenants = invoke.client(
        base_url=mutual.url,
        credentials=lambda _labels: {"api_key": "theirs", "base_url": f"{asking.url}/v1"},
        **options,
    )
    listed(invoke, tenants)
    assert mutual.names == ["client"] * 2
    assert asking.names == [None] * 4


def test_certificate_within_the_origin(invoke: Invoke, office: Office, mutual: KnownServer) -> None:
    """A redirect within the origin shows the certificate again."""
    mutual.elsewhere = ""
    client = invoke.client(base_url=mutual.url, verify=str(office.authority), cert=office.client())
    listed(invoke, client, "/moved")
    assert mutual.names == ["client"] * 2


@pytest.mark.parametrize("kind", ["http", "socks5", "https"])
def test_proxy(invoke: Invoke, office: Office, mutual: KnownServer, kind: str) -> None:
    """Certificates go together with a proxy that wants a password, which comes from the local address."""
    tls = office.plain_server() if kind == "https" else None
    with ProxyServer("socks5" if kind == "socks5" else "http", user=USER, ssl_context=tls) as proxy:
        client = invoke.client(
            base_url=f"{mutual.url}/v1",
            verify=str(office.authority),
            cert=office.client(),
            proxy=proxy.address.replace("://", f"://{USER}@"),
            local_address="127.0.0.1",
        )
        listed(invoke, client)
        verb = "SOCKS" if kind == "socks5" else "CONNECT"
        assert proxy.seen == [f"{verb} 127.0.0.1:{mutual.port}"]
        assert mutual.names == ["client"]


WAYS = ("direct", "http", "socks5", "https", "local address")


@pytest.mark.parametrize("way", WAYS)
def test_websockets(invoke: Invoke, office: Office, way: str) -> None:
    """WebSockets go the way of requests: authority, certificate, proxy and local address."""
    kind = way if way in {"http", "socks5", "https"} else ""
    tls = office.plain_server() if kind == "https" else None
    with (
        socket_server(office.server()) as server,
        ProxyServer("socks5" if kind == "socks5" else "http", user=USER, ssl_context=tls) as proxy,
    ):
        options: dict[str, Any] = {}
        if kind:
            options["proxy"] = proxy.address.replace("://", f"://{USER}@")
            options["local_address"] = "127.0.0.1"
        if way == "local address":
            options["local_address"] = "127.0.0.2"
        client = invoke.client(
            base_url="https://127.0.0.1:9/v1",
            websocket_base_url=server.url,
            verify=str(office.authority),
            cert=office.client(),
            **options,
        )
        greeted(invoke, client)
        assert [name for _, name, _ in server.seen] == ["client"] * 2
        assert len(proxy.seen) == (2 if kind else 0)
        if way == "local address":
            assert {address for *_, address in server.seen} == {"127.0.0.2"}


def test_websockets_of_copies(invoke: Invoke, office: Office) -> None:
    """A copy at another address shows no certificate over WebSockets either."""
    with socket_server(office.server()) as server, socket_server(office.server(asks=True)) as other:
        client = invoke.client(
            base_url=server.url.replace("wss", "https"), verify=str(office.authority), cert=office.client()
        )
        greeted(invoke, client)
        greeted(invoke, client.with_options(base_url=other.url.replace("wss", "https"), api_key="other"))
        assert [name for _, name, _ in server.seen] == ["client"] * 2
        assert [name for _, name, _ in other.seen] == [None] * 2


def test_websockets_of_no_proxy(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of proxies count for WebSockets as for requests, and an empty `proxy` takes them away."""
    with socket_server() as server, ProxyServer() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        address = server.url.replace("ws", "http")
        greeted(invoke, invoke.client(base_url=address))
        assert len(proxy.seen) == 2
        greeted(invoke, invoke.client(base_url=address, proxy=""))
        monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
        greeted(invoke, invoke.client(base_url=address))
        assert len(proxy.seen) == 2


def test_keywords_of_websockets_come_first(invoke: Invoke, office: Office) -> None:
    """What is given for one WebSocket counts before the client's options."""
    context = ssl.create_default_context(cafile=office.authority)
    with socket_server(office.plain_server()) as server:
        client = invoke.client(base_url=server.url.replace("wss", "https"), proxy="http://127.0.0.1:9")
        greeted(invoke, client, websocket_connection_options={"ssl": context, "proxy": None})
        with pytest.raises(APIConnectionError):
            greeted(invoke, client)


@pytest.mark.parametrize("fault", ["refused", "closed", "password"])
def test_websockets_whose_proxy_fails(invoke: Invoke, fault: str, caplog: pytest.LogCaptureFixture) -> None:
    """A proxy that refuses a WebSocket is an error of ours that says why, without the proxy's password."""
    caplog.set_level(logging.DEBUG)
    answers = {"refused": b"HTTP/1.1 403 Forbidden\r\n\r\n", "closed": b"", "password": None}
    with ProxyServer(user="other:one" if fault == "password" else None, answer=answers[fault]) as proxy:
        client = invoke.client(
            base_url="http://127.0.0.1:9/v1", proxy=proxy.address.replace("://", f"://{USER}@")
        )
        with pytest.raises(APIConnectionError, match="The proxy") as caught:
            greeted(invoke, client)
    assert (
        "pr0xy-pass"
        not in f"{caught.value!r} {caught.value} {client!r} {client._connections!r} {caplog.text}"
    )


def test_unix_socket(invoke: Invoke, tmp_path: Path, asking: KnownServer, office: Office) -> None:
    """The server of `base_url` is behind the unix socket; redirects elsewhere, other addresses and copies are not."""
    path = tmp_path / "api.sock"
    with KnownServer(path=path) as server:
        server.elsewhere = asking.url
        client = invoke.client(base_url="http://api.test", uds=path, verify=office.authority, proxy="")
        listed(invoke, client, "/v1/models")
        listed(invoke, client, "/moved")
        listed(invoke, client.with_options(base_url=asking.url))
        assert [target for target, *_ in server.seen] == ["/v1/models", "/moved"]
        assert len(asking.seen) == 2


CHUNK = {
    "id": "1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "delta": {"content": "hi"}}],
}


async def talking(scope: Any, receive: Any, send: Any) -> None:
    """Stream one chunk over HTTP, and greet over a WebSocket."""
    await receive()
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": '{"type": "hello"}'})
        await send({"type": "websocket.close"})
    elif scope["type"] == "http":
        headers = [(b"content-type", b"text/event-stream"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        end = {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        text = "".join(f"data: {json.dumps(each)}\n\n" for each in (CHUNK, end)) + "data: [DONE]\n\n"
        await send({"type": "http.response.body", "body": text.encode()})


def test_uvicorn_on_a_unix_socket(invoke: Invoke, tmp_path: Path) -> None:
    """A stream and WebSockets of uvicorn behind a unix socket arrive whole."""
    path = tmp_path / "api.sock"
    server = uvicorn.Server(
        uvicorn.Config(talking, uds=str(path), lifespan="off", log_level="error", ws="websockets-sansio")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        client = invoke.client(base_url="http://localhost/v1", uds=path, proxy="http://127.0.0.1:9")
        stream = invoke(
            client.chat.completions.create,
            model="m",
            messages=[{"role": "user", "content": "Hello"}],
            stream=True,
        )
        assert [each.choices[0].delta.content for each in invoke.collect(stream)] == ["hi", None]
        greeted(invoke, client)
    finally:
        server.should_exit = True
        thread.join()


def test_missing_unix_socket(invoke: Invoke, tmp_path: Path) -> None:
    """Where nothing listens the error names the option and the path, for requests and WebSockets."""
    path = tmp_path / "api.sock"
    client = invoke.client(base_url="http://localhost/v1", uds=str(path), max_retries=0)
    for ask in (listed, greeted):
        with pytest.raises(APIConnectionError, match=f"uds: nothing answers at '{path}'"):
            ask(invoke, client)


@contextmanager
def crowded(path: Path) -> Iterator[socket.socket]:
    """Yield a listening unix socket whose queue is full, of connections that have been closed."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(0)
        listener.settimeout(60)
        while True:
            with socket.socket(socket.AF_UNIX) as waiting:
                waiting.setblocking(False)
                try:
                    waiting.connect(str(path))
                except BlockingIOError:
                    break
        yield listener


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse where the queue is full")
def test_crowded_unix_socket(invoke: Invoke, tmp_path: Path) -> None:
    """A unix socket whose queue is full is waited for, for as long as connecting may take."""
    path = tmp_path / "api.sock"
    answer = answer_with(MODELS)

    def serve() -> None:
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(60)
                if connection.recv(65536):
                    connection.sendall(answer)
                    return

    with crowded(path) as listener:
        timeout = httpx.Timeout(5, connect=0.01)
        client = invoke.client(base_url="http://localhost/v1", uds=path, max_retries=0, timeout=timeout)
        with pytest.raises(APITimeoutError) as caught:
            listed(invoke, client)
        assert not may_have_been_sent(caught.value.__cause__)
        with pytest.raises(APITimeoutError):
            greeted(invoke, client, websocket_connection_options={"open_timeout": 0.01})
    path.unlink()
    with crowded(path) as listener:
        server = threading.Timer(0.1, serve)
        server.start()
        try:
            listed(invoke, client.with_options(timeout=30))
        finally:
            server.join()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_websockets_over_a_unix_socket(invoke: Invoke, tmp_path: Path, office: Office, secure: bool) -> None:
    """WebSockets of the server of `base_url` go through its unix socket, whatever proxy there is."""
    path = tmp_path / "api.sock"
    with socket_server(office.server() if secure else None, path) as server:
        client = invoke.client(
            base_url=server.url.replace("ws", "http"),
            uds=path,
            proxy="http://127.0.0.1:9",
            verify=office.authority,
            cert=office.client(),
        )
        greeted(invoke, client)
        assert [name for _, name, _ in server.seen] == ["client" if secure else None] * 2


def test_local_address(invoke: Invoke) -> None:
    """The server sees the local address; one that this machine does not have is an error by its name."""
    with KnownServer() as server:
        listed(invoke, invoke.client(base_url=server.url, local_address="127.0.0.2"))
        assert [address for *_, address in server.seen] == ["127.0.0.2"]
        client = invoke.client(base_url=server.url, local_address="192.0.2.7", max_retries=0)
        for ask in (listed, greeted):
            with pytest.raises(
                APIConnectionError, match=r"local_address: nothing can be sent from 192\.0\.2\.7"
            ):
                ask(invoke, client)


def test_token_of_a_workload(
    invoke: Invoke, office: Office, tmp_path: Path, asking: KnownServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workload's token goes to its own server, through the proxy, without the certificate or the unix socket."""
    monkeypatch.setattr("ai_client.auth.TOKEN_EXCHANGE_URL", f"{asking.url}/token")
    asking.body = b'{"access_token": "short-lived", "expires_in": 3600}'
    identity = {
        "identity_provider_id": "p",
        "service_account_id": "s",
        "provider": {"token_type": "jwt", "get_token": lambda: "token"},
    }
    path = tmp_path / "api.sock"
    with KnownServer(path=path) as server, ProxyServer() as proxy:
        client = invoke.client(
            OpenAI if invoke.sync else AsyncOpenAI,
            api_key=None,
            workload_identity=identity,
            base_url="http://api.test/v1",
            uds=path,
            verify=office.authority,
            cert=office.client(),
            proxy=proxy.address,
        )
        listed(invoke, client)
        assert asking.seen == [("/token", None, "127.0.0.1")]
        assert proxy.seen == [f"CONNECT 127.0.0.1:{asking.port}"]
        assert len(server.seen) == 1


def test_children_of_a_fork(office: Office, mutual: KnownServer) -> None:
    """The child of a fork calls with the same certificate over connections of its own."""
    with OpenAI(
        api_key=KEY, base_url=f"{mutual.url}/v1", verify=office.authority, cert=office.client()
    ) as client:
        client.models.list()
        assert in_child(lambda: client.models.list().data == [])
    assert mutual.names == ["client"] * 2


def test_azure(office: Office, mutual: KnownServer) -> None:
    """Azure's clients take the same options."""
    with AzureOpenAI(
        api_key=KEY,
        azure_endpoint=mutual.url,
        api_version="v",
        verify=office.authority,
        cert=office.client(),
    ) as client:
        client.models.list()
    assert mutual.names == ["client"]


def broken(folder: Path, office: Office) -> dict[str, tuple[dict[str, Any], str]]:
    """Make options that can never work, and what is said of each."""
    chain, key = office.client("whole")
    other = office.client("other")[1]
    secret = office.client("secret", password=PASSWORD)
    empty, junk, missing = folder / "empty", folder / "junk.pem", folder / "missing.pem"
    empty.mkdir()
    junk.write_text("junk")
    return {
        "missing authority": ({"verify": missing}, f"verify: there is no file or directory '{missing}'"),
        "junk authority": ({"verify": junk}, f"verify: no certificates can be read from '{junk}'"),
        "key for authority": ({"verify": key}, f"verify: no certificates can be read from '{key}'"),
        "empty directory": ({"verify": empty}, f"verify: the directory '{empty}' holds no certificates"),
        "verify of no kind": ({"verify": 3}, "verify: must be true, false, a path"),
        "empty verify": ({"verify": ""}, "verify: must be true, false, a path"),
        "missing certificate": ({"cert": missing}, f"cert: there is no file '{missing}'"),
        "missing key": ({"cert": (chain, missing)}, f"cert: there is no file '{missing}'"),
        "folder": ({"cert": empty}, f"cert: there is no file '{empty}'"),
        "no key": ({"cert": chain}, f"cert: no certificate with its key can be read from '{chain}'"),
        "junk": (
            {"cert": (chain, junk)},
            f"cert: no certificate with its key can be read from '{chain}' and",
        ),
        "other key": (
            {"cert": (chain, other)},
            f"cert: the key in '{other}' does not fit the certificate in '{chain}'",
        ),
        "no password": ({"cert": secret}, f"cert: the key in '{secret[1]}' is encrypted: give its password"),
        "wrong password": (
            {"cert": (*secret, "planted-wrong")},
            f"cert: the key in '{secret[1]}' cannot be read with this password",
        ),
        "long password": (
            {"cert": (*secret, "planted-wrong" * 1000)},
            f"cert: the key in '{secret[1]}' cannot be read with this password",
        ),
        "bytes": ({"cert": (*secret, PASSWORD.encode())}, "cert: the key's password must be text, not bytes"),
        "too many": ({"cert": (chain, key, "planted-wrong", 4)}, "cert: must be a path, "),
        "number": ({"cert": 3}, "cert: must be a path, "),
        "context": (
            {"verify": ssl.create_default_context(), "cert": (chain, key)},
            "cert: verify is a context, which is used as it is",
        ),
        "text of a certificate": ({"cert": f"planted-wrong{'x' * 5000}"}, "cert: there is no file ***."),
        "text of a key": ({"cert": (chain, f"planted-wrong{'x' * 5000}")}, "cert: there is no file ***."),
        "text of an authority": (
            {"verify": f"planted-wrong{'x' * 5000}"},
            "verify: there is no file or directory ***.",
        ),
        "verify of no Unicode": ({"verify": "/no/\ud800"}, "verify: there is no file or directory"),
        "context of servers": (
            {"verify": ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)},
            "verify: is a context of servers",
        ),
        "proxy of no kind": ({"proxy": 3}, "proxy: must be the address of a proxy, or '' for none, not int"),
        "ftp proxy": ({"proxy": "ftp://user:planted-wrong@h"}, "proxy: A proxy's address begins with http"),
        "proxy without host": (
            {"proxy": "http://user:planted-wrong@"},
            "proxy: The proxy's address names no host",
        ),
        "local name": ({"local_address": "localhost"}, "local_address: must be an IP address"),
        "local number": ({"local_address": 1}, "local_address: must be an IP address"),
        "long path": ({"uds": "/" + "x" * 120}, "uds: the path of a unix socket has 10"),
        "empty path": ({"uds": ""}, "uds: must be the path of a unix socket"),
        "http2": ({"http2": True}, r"http2: the built-in connections speak HTTP/1.1. Give http_client="),
        "http2 of no kind": ({"http2": "yes"}, "http2 must be true or false, not str"),
    }


def test_options_that_can_never_work(sync: bool, office: Office, tmp_path: Path) -> None:
    """Each fails when the client is built, by its name and the path of the file, without a password."""
    for name, (options, said) in broken(tmp_path, office).items():
        with pytest.raises(ConfigError) as caught:
            (OpenAI if sync else AsyncOpenAI)(api_key=KEY, **options)
        assert str(caught.value).startswith(said), name
        assert "planted-wrong" not in f"{caught.value!r} {caught.value}"
        assert PASSWORD not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize(
    ("option", "value", "where"),
    [
        ("verify", False, "DefaultHttpxClient(verify=...)"),
        ("cert", "x.pem", "DefaultHttpxClient(cert=...)"),
        ("proxy", "", "DefaultHttpxClient(proxy=...)"),
        ("local_address", "127.0.0.1", "httpx.HTTPTransport(local_address=...)"),
        ("uds", "/x.sock", "httpx.HTTPTransport(uds=...)"),
        ("http2", True, "DefaultHttpxClient(http2=True)"),
    ],
)
@pytest.mark.parametrize("kind", ["httpx", "pool", "aiohttp"])
def test_beside_an_http_client(invoke: Invoke, kind: str, option: str, value: Any, where: str) -> None:
    """Options of connections beside an HTTP client, which has its own, fail with where to give them."""
    kinds: dict[str, Any] = (
        {"httpx": httpx.Client, "pool": DefaultHttpxClient, "aiohttp": DefaultHttpxClient}
        if invoke.sync
        else {"httpx": httpx.AsyncClient, "pool": DefaultAsyncHttpxClient, "aiohttp": DefaultAioHttpClient}
    )
    http_client = invoke(kinds[kind])
    with pytest.raises(ConfigError) as caught:
        invoke.client(http_client=http_client, **{option: value})
    assert str(caught.value).startswith(f"{option}: ")
    assert where in str(caught.value)
    invoke(http_client.close if invoke.sync else http_client.aclose)


def test_http2_of_an_http_client(invoke: Invoke) -> None:
    """`http2=True` is right beside an HTTP client that speaks it, and a transport that does."""
    kinds: list[Any] = (
        [httpx.Client, DefaultHttpxClient, httpx.HTTPTransport]
        if invoke.sync
        else [httpx.AsyncClient, DefaultAsyncHttpxClient, httpx.AsyncHTTPTransport]
    )
    for kind in kinds:
        invoke.client(http_client=kind(http2=True), http2=True)


def test_nothing_secret_is_shown(invoke: Invoke, office: Office) -> None:
    """Neither a client nor its options show the password of a key or of a proxy."""
    client = invoke.client(
        cert=(*office.client(password=PASSWORD), PASSWORD), proxy=f"http://{USER}@127.0.0.1:9", max_retries=0
    )
    with pytest.raises(APIConnectionError) as caught:
        listed(invoke, client)
    shown = f"{client!r} {client._connections!r} {vars(client)!r} {caught.value!r} {caught.value}"
    assert PASSWORD not in shown
    assert "pr0xy-pass" not in shown
