"""Clients out of configurations: OpenAI's, Azure's, and the further ones of a chain."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from ai_client import AsyncAzureOpenAI, AzureOpenAI, ClientConfig, ClientProvider, ConfigError, OpenAIError
from ai_client._process.assembly import Assembly
from ai_client._process.factory import FurtherClients
from ai_client.control import Call
from ai_client.control.cache.key import cache_key
from ai_client.control.record import call_record
from ai_client.testing import Upstream
from ai_client.testing.recording import Recorded
from tests.support.invoke import Invoke

ASK: dict[str, Any] = {"model": "smart", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "OPENAI_API_VERSION", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-openai")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-openai")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Yield what plays the first server."""
    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def other() -> Iterator[Upstream]:
    """Yield what plays the other server."""
    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def invoke(sync: bool, upstream: Upstream) -> Iterator[Invoke]:
    """Yield the way to drive each of the two clients, in turn, without retries."""
    with closing(Invoke(upstream, sync=sync, max_retries=0)) as invoke:
        yield invoke


def sent(request: Recorded) -> str:
    """Write out the head of a request as it arrived."""
    return repr([*request.headers.items()])


def name_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set every variable that names something of OpenAI's."""
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-openai")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "admin-of-openai")
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", "secret-of-openai")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "x-custom: custom-of-openai")


def chain(upstream: Upstream, target: str, name: str, options: dict[str, Any]) -> tuple[Any, ...]:
    """Make the policies of a chain that ends at another client, of plain data."""
    controls = {"models": {"smart": ["gpt-4o", target]}, "fallback": {"clients": {name: options}}}
    return layers(base_url=upstream.base_url, api_key="any", controls=controls)


def layers(**options: Any) -> tuple[Any, ...]:
    """Make the policies of a configuration."""
    return Assembly(ClientConfig.make(options)).layers()


def further(**options: Any) -> FurtherClients:
    """Make the clients of some options, as a chain does."""
    return FurtherClients(ClientConfig.make(options, further=True))


@pytest.mark.parametrize("stream", [False, True])
def test_a_chain_goes_over_to_azure(
    invoke: Invoke, upstream: Upstream, other: Upstream, stream: bool
) -> None:
    """Azure is named by endpoint, version and key; the target's model is the deployment, whole and streamed."""
    options = {"azure_endpoint": other.url, "api_version": "2026-01-01", "api_key": "key-of-azure"}
    client = invoke.client(layers=chain(upstream, "azure/gpt-4o-eu", "azure", options))
    upstream.reply(status=503)
    answer = invoke(client.chat.completions.create, **ASK, stream=stream)
    if stream:
        assert invoke.collect(answer)
    record = call_record(answer)
    assert record is not None
    assert record.target == "azure/gpt-4o-eu"
    (request,) = other.requests
    assert request.path == "/openai/deployments/gpt-4o-eu/chat/completions"
    assert request.query == "api-version=2026-01-01"
    assert request.headers["api-key"] == "key-of-azure"
    assert "authorization" not in request.headers


def test_a_deployment_can_be_fixed(invoke: Invoke, upstream: Upstream, other: Upstream) -> None:
    """With `azure_deployment` every call goes to it, whatever the model is called."""
    options = {"azure_endpoint": other.url, "azure_deployment": "prod", "api_version": "v", "api_key": "k"}
    client = invoke.client(layers=chain(upstream, "azure/gpt-4o", "azure", options))
    upstream.reply(status=503)
    invoke(client.chat.completions.create, **ASK)
    assert other.requests[0].path == "/openai/deployments/prod/chat/completions"


def test_azure_reads_the_variables_of_its_own(
    invoke: Invoke, upstream: Upstream, other: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azure's key and version are read from Azure's variables, and OpenAI's are not sent there."""
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "key-of-azure")
    monkeypatch.setenv("OPENAI_API_VERSION", "2026-02-02")
    client = invoke.client(layers=chain(upstream, "azure/d", "azure", {"azure_endpoint": other.url}))
    upstream.reply(status=503)
    invoke(client.chat.completions.create, **ASK)
    (request,) = other.requests
    assert request.headers["api-key"] == "key-of-azure"
    assert request.query == "api-version=2026-02-02"
    assert "of-openai" not in sent(request)


def test_a_local_server_gets_no_key_of_another(invoke: Invoke, upstream: Upstream, other: Upstream) -> None:
    """A further client with an address of its own is not sent what the environment holds for OpenAI."""
    client = invoke.client(layers=chain(upstream, "local/llama", "local", {"base_url": other.base_url}))
    upstream.reply(status=503)
    invoke(client.chat.completions.create, **ASK)
    (request,) = other.requests
    assert request.json()["model"] == "llama"
    assert "of-openai" not in sent(request)


@pytest.mark.parametrize("target", ["local/llama", "azure/d"])
def test_nothing_that_the_environment_names_is_sent_elsewhere(
    invoke: Invoke, upstream: Upstream, other: Upstream, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    """Names, custom headers and keys of the environment reach no further client that has an address of its own."""
    name_everything(monkeypatch)
    place = (
        {"base_url": other.base_url} if target[0] == "l" else {"azure_endpoint": other.url, "api_key": "k"}
    )
    clients = further(**place, api_version="v")
    client = invoke.client(
        layers=chain(upstream, target, target.partition("/")[0], {**place, "api_version": "v"})
    )
    upstream.reply(status=503)
    invoke(client.chat.completions.create, **ASK)
    (request,) = other.requests
    assert "of-openai" in sent(upstream.requests[0])
    assert "of-openai" not in sent(request)
    for sync in (True, False):
        built = clients(sync)
        held = (built.admin_api_key, built.organization, built.project, built.webhook_secret)
        assert held == (None, None, None, None)


def test_a_further_client_is_told_to_take_the_environment(
    invoke: Invoke, upstream: Upstream, other: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `environment` a further client takes what the environment names, wherever it is."""
    name_everything(monkeypatch)
    client = invoke.client(
        layers=chain(upstream, "local/llama", "local", {"base_url": other.base_url, "environment": True})
    )
    upstream.reply(status=503)
    invoke(client.chat.completions.create, **ASK)
    (request,) = other.requests
    assert request.headers["authorization"] == "Bearer key-of-openai"
    assert request.headers["openai-organization"] == "org-of-openai"
    assert request.headers["x-custom"] == "custom-of-openai"


def test_the_policies_of_the_environment_are_not_those_of_a_further_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A chain that the environment configures is made once, for the client that it belongs to."""
    local = '{"local": {"base_url": "http://127.0.0.1:1"}}'
    monkeypatch.setenv("AI_CLIENT_CONTROLS", f'{{"fallback": {{"clients": {local}}}}}')
    assert len(layers()) == 1


def test_azure_variables_of_another_resource_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment names a resource of Azure, its key is for no other."""
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "key-of-azure")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://one.example")
    assert further(azure_endpoint="https://one.example/", api_version="v")(True).api_key == "key-of-azure"
    with pytest.raises(OpenAIError, match="Missing credentials"):
        further(azure_endpoint="https://two.example", api_version="v")(True)


def test_an_alias_elsewhere_takes_nothing_from_the_environment(
    other: Upstream, monkeypatch: pytest.MonkeyPatch, sync: bool
) -> None:
    """An alias with an address of its own is sent what its options say; the default client and others read on."""
    name_everything(monkeypatch)
    aliases = {"there": {"base_url": other.base_url, "api_key": "key-of-there"}, "here": {"timeout": 3}}
    provider = ClientProvider({"base_url": other.base_url}, aliases=aliases)
    kind = "client" if sync else "async_client"
    there, here = getattr(provider["there"], kind), getattr(provider["here"], kind)
    default = getattr(provider, kind)
    assert (there.api_key, there.organization, there.admin_api_key) == ("key-of-there", None, None)
    assert "of-openai" not in str({**there.default_headers, **there.auth_headers})
    for client in (here, default):
        assert (client.api_key, client.organization) == ("key-of-openai", "org-of-openai")
        assert client.default_headers["x-custom"] == "custom-of-openai"
    provider.close()


def test_the_environment_is_read_when_the_configuration_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client built later has what the environment said at the start, and empty variables count as unset."""
    name_everything(monkeypatch)
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", "")
    provider = ClientProvider()
    monkeypatch.setenv("OPENAI_ORG_ID", "another")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "x-custom: another")
    client = provider.client
    assert (client.organization, client.webhook_secret) == ("org-of-openai", None)
    assert client.default_headers["x-custom"] == "custom-of-openai"
    provider.close()


def test_a_provider_of_azure_with_policies(other: Upstream) -> None:
    """The clients of a process can be Azure's, under the same policies as any."""
    controls = {"cost": True, "models": {"smart": "dep"}, "prices": {"dep": {"input": 1, "output": 1}}}
    options = {"azure_endpoint": other.url, "api_version": "v", "api_key": "k", "controls": controls}
    provider = ClientProvider(options)
    assert isinstance(provider.client, AzureOpenAI)
    assert isinstance(provider.async_client, AsyncAzureOpenAI)
    record = call_record(provider.client.chat.completions.create(**ASK))
    assert record is not None
    assert record.usd

    async def ask() -> None:
        await provider.async_client.chat.completions.create(**ASK)
        await provider.aclose()

    asyncio.run(ask())
    assert {request.path for request in other.requests} == {"/openai/deployments/dep/chat/completions"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"azure_deployment": "d"}, "azure_deployment: only for Azure, azure_endpoint is missing"),
        ({"azure_endpoint": "https://x.example"}, "api_version: required with azure_endpoint"),
        (
            {"azure_endpoint": "https://x.example", "api_version": "v", "base_url": "https://y.example"},
            "base_url: excludes azure_endpoint",
        ),
        (
            {
                "azure_endpoint": "https://x.example",
                "api_version": "v",
                "api_key": "k",
                "azure_ad_token_provider": lambda: "t",
            },
            "azure_ad_token_provider: excludes api_key",
        ),
        (
            {"azure_endpoint": "https://x.example", "api_version": "v", "client_class": "openai.OpenAI"},
            "azure_endpoint: needs a client class for Azure",
        ),
    ],
)
def test_contradictions_about_azure_fail_at_start(options: dict[str, Any], message: str) -> None:
    """Options that exclude or need each other are named when the configuration is made."""
    with pytest.raises(ConfigError, match=message):
        ClientConfig.make(options)


def test_clients_are_built_once_and_again_after_they_were_closed(upstream: Upstream) -> None:
    """A further client is built on first use, is the same from then on, and another once it was closed."""
    connection = further(base_url=upstream.base_url)
    assert connection.built(sync=True) is None
    first = connection(True)
    assert connection(True) is connection.built(sync=True) is first
    first.close()
    assert connection(True) is not first
    connection(True).close()


def test_policies_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`AI_CLIENT_CONTROLS` holds the same options as JSON, with the same checks."""
    monkeypatch.setenv("AI_CLIENT_CONTROLS", '{"budgets": [{"usd": 5}], "concurrency": 10}')
    names = [type(layer).__name__ for layer in layers()]
    assert names == ["Budgets", "Concurrency"]
    monkeypatch.setenv("AI_CLIENT_CONTROLS", '{"budgets": [{"usdd": 5}]}')
    with pytest.raises(ConfigError, match=r"controls: budgets\[0\]\.usdd: .*Did you mean 'usd'\?$"):
        ClientConfig.make()
    monkeypatch.setenv("AI_CLIENT_CONTROLS", "budgets=5")
    with pytest.raises(
        ConfigError,
        match=r"^AI_CLIENT_CONTROLS in the environment, controls: text must be a JSON object of options\.$",
    ):
        ClientConfig.make()


def test_a_control_outside_of_its_mapping_is_explained() -> None:
    """Whoever gives a policy beside the options is told where it belongs."""
    with pytest.raises(
        ConfigError, match=r"budgets: unknown option\. Did you mean 'budgets' inside 'controls'"
    ):
        ClientConfig.make({"budgets": []})


def test_cached_answers_of_different_servers_are_told_apart() -> None:
    """The key under which an answer is kept follows all that it depends on, and does not say it."""

    def key(**options: Any) -> str:
        config = ClientConfig.make({"api_key": "k", "controls": {"cache": {"scope": "all"}}, **options})
        client = Assembly(config).client(sync=True)
        call = Call(client.io, "POST", "/embeddings", None, body={"model": "m", "input": "x"}, client=client)
        found = cache_key(call, ())
        client.close()
        assert found is not None
        return found

    azure = {"azure_endpoint": "https://x.example", "api_version": "v", "base_url": None}
    found = [
        key(),
        key(base_url="https://x.example"),
        key(organization="o"),
        key(project="p"),
        key(default_query={"v": 1}),
        key(default_headers={"x-model": "a secret"}),
        key(**azure),
        key(**azure, azure_deployment="d"),
    ]
    assert len(set(found)) == len(found)
    assert key(project="p") == key(project="p", default_headers={"X-Request-ID": "1"})
    assert not any("secret" in name or "example" in name for name in found)


def test_a_server_of_its_own_without_a_key(other: Upstream) -> None:
    """An alias of a local server needs no key, and is sent none of another."""
    provider = ClientProvider({"api_key": "any"}, aliases={"local": {"base_url": other.base_url}})
    provider["local"].client.models.list()
    provider.close()
    (request,) = other.requests
    assert request.headers["authorization"] == "Bearer none"
    assert "of-openai" not in sent(request)


def test_targets_have_the_environment_of_the_start(
    invoke: Invoke, upstream: Upstream, other: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a chain's target takes from the environment is read with the configuration, not when it is first used."""
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "key-of-the-start")
    clients = {"azure": {"azure_endpoint": other.url, "api_version": "v"}}
    controls = {"models": {"smart": ["gpt-4o", "azure/d"]}, "fallback": {"clients": clients}}
    assembly = Assembly(ClientConfig.make(base_url=upstream.base_url, api_key="any", controls=controls))
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "another")
    upstream.reply(status=503)
    invoke(invoke.client(layers=assembly.layers()).chat.completions.create, **ASK)
    assert other.requests[0].headers["api-key"] == "key-of-the-start"
