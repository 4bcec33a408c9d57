"""How the clients of an application connect: options in settings of each framework, per alias, target and variable."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask
import httpx
import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ai_client import (
    AsyncOpenAI,
    ClientConfig,
    ClientProvider,
    ConfigError,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
    OpenAI,
)
from ai_client.adapter import Settings
from ai_client.doctor import Subject, examine_all, line_of
from ai_client_fastapi import AIClientDep, SyncAIClientDep, ai_client_lifespan
from ai_client_flask import AIClient
from tests.support.certificates import PASSWORD, Office
from tests.support.known_servers import KnownServer, socket_server

KEY = "sk-verysecret"
USER = "user:pr0xy-pass"
IDENTITY: Any = {
    "identity_provider_id": "p",
    "service_account_id": "s",
    "provider": {"token_type": "jwt", "get_token": lambda: "token"},
}


def make_sync() -> httpx.Client:
    """Make an HTTP client with a header by which it is known."""
    return httpx.Client(headers={"x-made": "here"})


def make_async() -> httpx.AsyncClient:
    """Make the same, async."""
    return httpx.AsyncClient(headers={"x-made": "here"})


def make_nothing() -> None:
    """Make no HTTP client."""


def who() -> Any:
    """Return the identity of the workload."""
    return IDENTITY


SHARED = httpx.Client()
HERE = f"{__name__}."


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the environment a key, and nothing about networks."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
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


def known(office: Office, server: KnownServer, **more: Any) -> dict[str, Any]:
    """Return the options for a server that demands a certificate, its key encrypted."""
    cert = [*map(str, office.client(password=PASSWORD)), PASSWORD]
    return {
        "base_url": f"{server.url}/v1",
        "api_key": KEY,
        "verify": str(office.authority),
        "cert": cert,
        "controls": {"cost": True, "concurrency": 2},
        **more,
    }


def in_fastapi(options: dict[str, Any], alias: dict[str, Any]) -> None:
    """Ask from routes of FastAPI, with both clients."""
    app = FastAPI(lifespan=ai_client_lifespan(options, aliases={"other": alias}))

    @app.get("/sync")
    def ask(client: SyncAIClientDep) -> None:
        client.models.list()

    @app.get("/async")
    async def ask_async(client: AIClientDep) -> None:
        [each async for each in client.models.list()]
        [each async for each in app.state.ai_client["other"].async_client.models.list()]

    with TestClient(app) as caller:
        assert caller.get("/sync").status_code == 200
        assert caller.get("/async").status_code == 200


def in_flask(options: dict[str, Any], alias: dict[str, Any]) -> None:
    """Ask from views of Flask, with both clients."""
    app = flask.Flask("app")
    app.config.update({f"AI_CLIENT_{name.upper()}": value for name, value in options.items()})
    app.config["AI_CLIENT_CLIENTS"] = {"other": alias}
    ext = AIClient(app)

    @app.get("/sync")
    def ask() -> str:
        ext.client.models.list()
        return ""

    @app.get("/async")
    async def ask_async() -> str:
        [each async for each in ext.async_client.models.list()]
        [each async for each in ext["other"].async_client.models.list()]
        return ""

    caller = app.test_client()
    assert caller.get("/sync").status_code == 200
    assert caller.get("/async").status_code == 200
    with app.app_context():
        ext.provider.close()


def in_settings(options: dict[str, Any], alias: dict[str, Any]) -> None:
    """Ask with the clients of a setting such as Django's."""
    provider = Settings.from_mapping({"default": options, "other": alias}).make_provider()

    async def ask() -> None:
        for clients in (provider["default"], provider["other"]):
            [each async for each in clients.async_client.models.list()]
        await provider.aclose()

    provider.client.models.list()
    asyncio.run(ask())


@pytest.mark.parametrize("ask", [in_fastapi, in_flask, in_settings])
def test_mutual_tls_in_each_framework(
    ask: Callable[..., None], office: Office, mutual: KnownServer, tmp_path: Path
) -> None:
    """Certificates go together with controls, and an alias has connections of its own: here a unix socket."""
    path = tmp_path / "api.sock"
    with KnownServer(path=path) as behind:
        alias = {"base_url": "http://api.test/v1", "api_key": KEY, "uds": str(path)}
        ask(known(office, mutual, local_address="127.0.0.1"), alias)
        assert mutual.names == ["client"] * 2
        assert len(behind.seen) == 1


@pytest.mark.parametrize("sync", [True, False])
def test_official_clients(office: Office, mutual: KnownServer, sync: bool) -> None:
    """The official SDK's clients, which stand on ours, show the certificate too."""
    classes = {"client_class": "openai.OpenAI", "async_client_class": "openai.AsyncOpenAI"}
    provider = ClientProvider({**known(office, mutual), **classes})

    async def ask() -> None:
        await provider.async_client.models.list()
        await provider.aclose()

    if sync:
        provider.client.models.list()
        provider.close()
    else:
        asyncio.run(ask())
    assert mutual.names == ["client"]


def test_websockets_in_settings(office: Office) -> None:
    """Sessions of a provider's clients go to `websocket_base_url` with the same certificate."""
    with socket_server(office.server()) as server:
        options = known(office, KnownServer(), base_url="https://127.0.0.1:9/v1")
        provider = ClientProvider({**options, "websocket_base_url": server.url})
        with provider.client.realtime.connect(model="m") as connection:
            connection.recv_bytes()
        provider.close()
        assert [name for _, name, _ in server.seen] == ["client"]


@pytest.mark.parametrize("sync", [True, False])
def test_target_of_a_fallback(office: Office, mutual: KnownServer, sync: bool) -> None:
    """A target has its own certificate, and nothing of the client that falls back to it."""
    mutual.body = (
        b'{"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices":'
        b' [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}]}'
    )
    target = known(office, mutual)
    del target["controls"]
    controls = {"models": {"best": ["nowhere", "own/m"]}, "fallback": {"clients": {"own": target}}}
    provider = ClientProvider(
        base_url="http://127.0.0.1:9/v1", max_retries=0, controls=controls, local_address="127.0.0.2"
    )
    call: dict[str, Any] = {"model": "best", "messages": [{"role": "user", "content": "Hello"}]}

    async def ask() -> None:
        await provider.async_client.chat.completions.create(**call)
        await provider.aclose()

    if sync:
        provider.client.chat.completions.create(**call)
        provider.close()
    else:
        asyncio.run(ask())
    assert mutual.seen == [("/v1/chat/completions", "client", "127.0.0.1")]


def test_variables(office: Office, mutual: KnownServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each option that fits in a variable has one; a further client with an address of its own takes no certificate."""
    chain, key = office.client()
    variables = {
        "VERIFY": str(office.authority),
        "CERT": f'["{chain}", "{key}"]',
        "LOCAL_ADDRESS": "127.0.0.2",
        "TIMEOUT": '{"connect": 1, "read": 9}',
        "HTTP_BACKEND": "httpx2",
        "WEBSOCKET_BASE_URL": "wss://sockets.test/v1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"AI_CLIENT_{name}", value)
    further = {"base_url": "https://elsewhere.test/v1"}
    provider = ClientProvider(base_url=f"{mutual.url}/v1", aliases={"further": further, "same": {}})
    provider.client.models.list()
    assert mutual.seen == [("/v1/models", "client", "127.0.0.2")]
    timeout: Any = provider.client.timeout
    assert timeout == httpx2.Timeout(connect=1, read=9, write=600, pool=600)
    assert provider.config.websocket_base_url == "wss://sockets.test/v1"
    elsewhere, same = provider["further"].config, provider["same"].config
    assert (elsewhere.verify, elsewhere.cert, elsewhere.websocket_base_url) == (True, None, None)
    assert (elsewhere.local_address, elsewhere.http_backend) == ("127.0.0.2", "httpx2")
    assert same.cert == provider.config.cert
    provider.close()


@pytest.mark.parametrize(
    ("value", "verify"), [("false", False), ("TRUE", True), ("0", False), ("certificates", "path")]
)
def test_verify_in_a_variable(
    value: str, verify: object, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable holds a truth value or a path."""
    monkeypatch.setenv("AI_CLIENT_VERIFY", str(office.authority) if verify == "path" else value)
    assert ClientConfig.make().verify == (str(office.authority) if verify == "path" else verify)


def test_timeout_apart() -> None:
    """Steps have timeouts of their own, as a mapping or an object of either library; others have the default."""
    apart = {"connect": 2.0, "read": 30.0, "write": 600.0, "pool": None}
    for given in (
        {"connect": 2, "read": 30, "pool": None},
        httpx.Timeout(600, connect=2, read=30, pool=None),
        httpx2.Timeout(600, connect=2, read=30, pool=None),
    ):
        provider = ClientProvider(timeout=given)
        assert provider.config.timeout == apart
        assert provider.client.timeout == httpx.Timeout(**apart)
        assert ClientConfig.make(provider.config, max_retries=1).timeout == apart
        provider.close()
        with OpenAI(api_key=KEY, timeout=given) as client:
            for each in (client, client.with_options(timeout=5).with_options(timeout=given)):
                assert isinstance(each.timeout, httpx.Timeout | httpx2.Timeout)
                assert each.timeout.as_dict() == apart


def test_default_timeout() -> None:
    """Where no timeout is given a client waits 5 seconds to connect, as one that no provider made."""
    provider = ClientProvider()
    assert provider.client.timeout == OpenAI().timeout == httpx.Timeout(600, connect=5)
    provider.close()


@pytest.mark.parametrize(
    ("timeout", "said"),
    [
        ({"conect": 3}, "timeout: 'conect' is no step: there are connect, read, write, pool"),
        ({"connect": 0}, "timeout: 'connect' must be a number of seconds above 0"),
        ({"connect": True}, "timeout: 'connect' must be a number of seconds above 0"),
        ({"read": "soon"}, "timeout: 'read' must be a number of seconds above 0"),
        ({"read": float("nan")}, "timeout: 'read' must be a number of seconds above 0"),
        ("{", "timeout: text must be a number or a JSON object of steps"),
        ("{}", "timeout: must name one of connect"),
    ],
)
def test_timeout_that_is_none(timeout: Any, said: str) -> None:
    """A step that does not exist, and seconds that are none, fail by their name."""
    with pytest.raises(ConfigError) as caught:
        ClientProvider(timeout=timeout)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("identity", [IDENTITY, f"{HERE}IDENTITY", f"{HERE}who", who])
def test_workload_identity(identity: Any) -> None:
    """A workload's identity is a mapping, what returns one, or a dotted path; the environment's key is left out."""
    provider = ClientProvider(workload_identity=identity)
    assert provider.config.workload_identity is IDENTITY
    assert provider.client.workload_identity is IDENTITY
    assert provider.client.api_key == ""
    assert "get_token" not in repr(provider.config)
    provider.close()


def test_data_residency(monkeypatch: pytest.MonkeyPatch) -> None:
    """A region stands for an address, also against one in the environment."""
    monkeypatch.setenv("OPENAI_BASE_URL", "https://gateway.test/v1")
    provider = ClientProvider(data_residency="eu", aliases={"jp": {"api_key": "k", "data_residency": "jp"}})
    assert str(provider.client.base_url) == "https://eu.api.openai.com/v1/"
    assert str(provider["jp"].client.base_url) == "https://jp.api.openai.com/v1/"
    provider.close()
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.setenv("AI_CLIENT_DATA_RESIDENCY", "us")
    provider = ClientProvider()
    assert str(provider.client.base_url) == "https://us.api.openai.com/v1/"
    provider.close()
    assert ClientConfig.make(base_url="https://gateway.test/v1").data_residency is None


def test_further_client_in_a_region_takes_no_key() -> None:
    """A region is an address of its own: the environment's key, which is for another place, does not go there."""
    assert ClientConfig.make({"data_residency": "eu"}, further=True).api_key is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"data_residency": "eu", "base_url": "https://h/v1"}, "data_residency: excludes base_url"),
        ({"data_residency": "eu", "websocket_base_url": "wss://h/v1"}, "data_residency: excludes websocket_"),
        ({"data_residency": "mars"}, "data_residency: "),
        ({"websocket_base_url": "ftp://h"}, "websocket_base_url: must be an absolute ws, wss, http or https"),
        ({"websocket_base_url": 3}, "websocket_base_url: must be an absolute ws, wss, http or https"),
        ({"workload_identity": IDENTITY, "api_key": KEY}, "workload_identity: excludes api_key"),
        ({"workload_identity": {}}, "workload_identity: `provider` must hold"),
        (
            {"workload_identity": "no.where"},
            "workload_identity: The workload identity 'no.where' cannot be imp",
        ),
        (
            {"workload_identity": lambda: {}["none"]},
            "workload_identity: the function of the identity failed (KeyError",
        ),
        (
            {"workload_identity": IDENTITY, "azure_endpoint": "https://h", "api_version": "1"},
            "workload_identity: not for Azure",
        ),
        (
            {"azure_ad_token": "t", "api_key": "k", "azure_endpoint": "https://h", "api_version": "1"},
            "azure_ad_token: excludes api_key",
        ),
        ({"azure_ad_token": "t"}, "azure_ad_token: only for Azure"),
        ({"http_backend": "requests"}, "http_backend: "),
        ({"http2": True}, "http2: the built-in connections speak HTTP/1.1. Give http_client="),
        ({"verify": "/no/where"}, "verify: there is no file or directory '/no/where'."),
        ({"cert": "/no/where"}, "cert: there is no file '/no/where'."),
        ({"cert": "["}, "cert: text must be a path or a JSON list."),
        ({"cert": {}}, "cert: must be a path, (certificate, key) or (certificate, key, password)."),
        ({"verify": ssl.create_default_context(), "cert": "x"}, "cert: verify is a context"),
        ({"proxy": f"ftp://{USER}@h"}, "proxy: A proxy's address begins with"),
        ({"proxy": 3}, "proxy: must be the address of a proxy, or '' for none, not int."),
        ({"local_address": "h"}, "local_address: must be an IP address of this machine"),
        ({"uds": 3}, "uds: must be the path of a unix socket."),
        ({"http_client": 3}, "http_client: int is no client or transport of httpx or httpx2"),
        ({"http_client": "no.where"}, "http_client: The HTTP client 'no.where' cannot be imported"),
        (
            {"http_client": f"{HERE}KEY"},
            f"http_client: The HTTP client '{HERE}KEY' is no client or transport",
        ),
        (
            {"http_client": httpx.AsyncClient, "async_http_client": make_async},
            "http_client: is an async HTTP",
        ),
        (
            {"async_http_client": make_sync, "verify": False},
            "verify: the connections are those of http_client",
        ),
        ({"async_http_client": httpx.Client}, "async_http_client: is a sync HTTP client"),
        (
            {"http_client": SHARED, "uds": "/x"},
            "uds: the connections are those of http_client: give uds to its",
        ),
        ({"http_client": SHARED, "proxy": ""}, "proxy: the connections are those of http_client"),
    ],
)
def test_options_that_can_never_work(options: dict[str, Any], said: str) -> None:
    """Each fails at the start by its name, in a configuration, an alias, a target, and a framework's setting."""
    for make in (
        lambda: ClientConfig.make(options),
        lambda: ClientProvider(aliases={"other": {"api_key": KEY, **options}}),
        lambda: ClientProvider(
            controls={"models": {"m": "own/m"}, "fallback": {"clients": {"own": options}}}
        ),
        lambda: Settings.from_mapping(options).make_configs(),
    ):
        with pytest.raises(ConfigError) as caught:
            make()
        shown = str(caught.value)
        assert said.partition(":")[0] in shown
        assert "pr0xy-pass" not in shown
    with pytest.raises(ConfigError) as caught:
        ClientConfig.make(options)
    assert str(caught.value).startswith(said)


def test_http_client_beside_a_class() -> None:
    """A class of the application makes its HTTP client itself."""
    with pytest.raises(ConfigError, match=r"^http_client: excludes client_class"):
        ClientProvider(http_client=SHARED, client_class=OpenAI)


def test_http_client_by_path(mutual: KnownServer) -> None:
    """A function makes an HTTP client for each client, closed with it; an object stays open, which its owner closes."""
    del mutual
    with KnownServer() as server:
        options: dict[str, Any] = {"base_url": f"{server.url}/v1", "api_key": KEY}
        provider = ClientProvider(
            {**options, "http_client": f"{HERE}make_sync", "async_http_client": make_async},
            aliases={"kept": {**options, "http_client": f"{HERE}SHARED"}},
        )

        async def ask() -> Any:
            client = provider.async_client
            [each async for each in client.models.list()]
            await provider.aclose()
            return client

        provider.client.models.list()
        provider["kept"].client.models.list()
        made = provider.client
        made_async = asyncio.run(ask())
        assert made._sender.client.is_closed
        assert made_async._sender.client.is_closed
        assert not SHARED.is_closed
        provider.start()
        provider.client.models.list()
        provider["kept"].client.models.list()
        provider.close()
        assert len(server.seen) == 5


@pytest.mark.parametrize("running", [True, False], ids=["in a loop", "without one"])
def test_async_http_client_is_closed_from_a_thread(running: bool) -> None:
    """A provider that is closed outside of the loop closes the async HTTP client that it made."""
    with KnownServer() as server:
        provider = ClientProvider(
            base_url=f"{server.url}/v1",
            async_http_client=DefaultAsyncHttpxClient,
            http_client=DefaultHttpxClient,
        )
        found: list[Any] = []

        async def ask() -> None:
            found.append(provider.async_client)
            [each async for each in provider.async_client.models.list()]
            if running:
                await asyncio.to_thread(provider.close)

        asyncio.run(ask())
        provider.close()
        assert found[0].is_closed()
        assert found[0]._sender.client.is_closed


def test_one_http_client_is_for_one_kind() -> None:
    """An async HTTP client finds its place, and the sync client then fails rather than pass by it."""
    shared = httpx.AsyncClient()
    provider = ClientProvider(http_client=shared)
    assert provider.async_client._sender.client is shared  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match=r"^http_client: missing, while async_http_client is set"):
        _ = provider.client
    asyncio.run(provider.aclose())
    assert not shared.is_closed
    asyncio.run(shared.aclose())


def test_function_that_makes_none() -> None:
    """A function that fails is an error by the option's name."""
    provider = ClientProvider(http_client=dict[str, int]().popitem)
    with pytest.raises(ConfigError, match=r"^http_client: making it failed \(KeyError"):
        _ = provider.client
    provider.close()


def test_function_that_makes_something_else() -> None:
    """What a function makes must be an HTTP client of the kind."""
    provider = ClientProvider(http_client=make_async, async_http_client=make_nothing)
    with pytest.raises(ConfigError, match=r"^http_client: .*not httpx.AsyncClient"):
        _ = provider.client
    with pytest.raises(ConfigError, match=r"^async_http_client: .*not builtins.NoneType"):
        _ = provider.async_client
    provider.close()


def test_variables_give_way_to_an_http_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside an HTTP client in the settings the variables of connections do not count."""
    monkeypatch.setenv("AI_CLIENT_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("AI_CLIENT_UDS", "/x.sock")
    config = ClientConfig.make(http_client=make_sync)
    assert (config.proxy, config.uds) == (None, None)


def test_http2_with_an_http_client() -> None:
    """`http2` holds where the HTTP client speaks it, and fails where it does not."""
    provider = ClientProvider(http2=True, http_client=lambda: httpx.Client(http2=True))
    provider.client  # noqa: B018
    provider.close()
    provider = ClientProvider(http2=True, http_client=httpx.Client)
    with pytest.raises(ConfigError, match=r"^http2: this http_client speaks"):
        _ = provider.client
    provider.close()


def test_nothing_secret_is_shown(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Neither configurations nor the doctor nor logs show the password of a key, of a proxy or of an address."""
    caplog.set_level(logging.DEBUG)
    options = {
        "cert": (*office.client(password=PASSWORD), PASSWORD),
        "proxy": f"http://{USER}@proxy.test:3128",
        "websocket_base_url": f"wss://{USER}@sockets.test/v1",
        "timeout": {"connect": 2},
    }
    lines = list(map(line_of, examine_all(Subject({"default": options}), offline=True)))
    shown = "\n".join([*lines, repr(ClientConfig.make(options)), caplog.text])
    assert PASSWORD not in shown
    assert "pr0xy-pass" not in shown
    assert any("http://proxy.test:3128" in line for line in lines)
    assert any(str(office.folder / "client.key") in line for line in lines)
    assert any("'connect': 2.0" in line for line in lines)
    assert "<Client>" in repr(ClientConfig.make(http_client=SHARED))


def test_risks() -> None:
    """Certificates that are not checked are a risk of a deployment; a workload's identity is as good as a key."""
    settings = Settings.from_mapping({"verify": False, "workload_identity": IDENTITY})
    assert {finding.id for finding in settings.examine()} - {"W003"} == {"W005"}
    settings = Settings.from_mapping({"base_url": "http://api.test/v1", "uds": "/x.sock", "api_key": KEY})
    assert {finding.id for finding in settings.examine()} - {"W003"} == set()


def test_clients_share_a_context(office: Office, mutual: KnownServer) -> None:
    """Both clients of an alias, and an alias with the same files, share one TLS context."""
    options = known(office, mutual)
    provider = ClientProvider(options, aliases={"same": options})
    clients: list[Any] = [provider.client, provider.async_client, provider["same"].client]
    assert len({id(client._tls()) for client in clients}) == 1
    provider.close()
    assert isinstance(clients[1], AsyncOpenAI)
