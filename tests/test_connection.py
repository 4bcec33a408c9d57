"""Clients out of configurations: OpenAI's, Azure's, and the further ones of a chain."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ai_client import AsyncAzureOpenAI, AzureOpenAI, ClientConfig, ClientProvider, ConfigError
from ai_client._connection import Connection
from ai_client.control.record import call_record
from ai_client.testing import Upstream
from tests.control.support import Both

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


@pytest.fixture(params=["blocking", "async"])
def both(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Both]:
    """Yield each of the two clients in turn."""
    both = Both(request.param, upstream.base_url)
    yield both
    both.close()


def chain(upstream: Upstream, target: str, name: str, options: dict[str, Any]) -> tuple[Any, ...]:
    """Make the policies of a chain that ends at another client, of plain data."""
    controls = {"models": {"smart": ["gpt-4o", target]}, "fallback": {"clients": {name: options}}}
    return ClientConfig.make(base_url=upstream.base_url, api_key="any", controls=controls).layers()


@pytest.mark.parametrize("stream", [False, True])
def test_a_chain_goes_over_to_azure(both: Both, upstream: Upstream, other: Upstream, stream: bool) -> None:
    """Azure is named by endpoint, version and key; the target's model is the deployment, whole and streamed."""
    options = {"azure_endpoint": other.url, "api_version": "2026-01-01", "api_key": "key-of-azure"}
    client = both.client(chain(upstream, "azure/gpt-4o-eu", "azure", options))
    upstream.reply(status=503)
    answer = both.call(client.chat.completions.create, **ASK, stream=stream)
    if stream:
        assert both.items(answer)
    record = call_record(answer)
    assert record is not None
    assert record.target == "azure/gpt-4o-eu"
    (request,) = other.requests
    assert request.path == "/openai/deployments/gpt-4o-eu/chat/completions"
    assert request.query == "api-version=2026-01-01"
    assert request.headers["api-key"] == "key-of-azure"
    assert "authorization" not in request.headers


def test_a_deployment_can_be_fixed(both: Both, upstream: Upstream, other: Upstream) -> None:
    """With `azure_deployment` every call goes to it, whatever the model is called."""
    options = {"azure_endpoint": other.url, "azure_deployment": "prod", "api_version": "v", "api_key": "k"}
    client = both.client(chain(upstream, "azure/gpt-4o", "azure", options))
    upstream.reply(status=503)
    both.call(client.chat.completions.create, **ASK)
    assert other.requests[0].path == "/openai/deployments/prod/chat/completions"


def test_azure_reads_the_variables_of_its_own(
    both: Both, upstream: Upstream, other: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azure's key and version are read from Azure's variables, and OpenAI's are not sent there."""
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "key-of-azure")
    monkeypatch.setenv("OPENAI_API_VERSION", "2026-02-02")
    client = both.client(chain(upstream, "azure/d", "azure", {"azure_endpoint": other.url}))
    upstream.reply(status=503)
    both.call(client.chat.completions.create, **ASK)
    (request,) = other.requests
    assert request.headers["api-key"] == "key-of-azure"
    assert request.query == "api-version=2026-02-02"
    assert "of-openai" not in str(request.headers)


def test_a_local_server_gets_no_key_of_another(both: Both, upstream: Upstream, other: Upstream) -> None:
    """A further client with an address of its own is not sent what the environment holds for OpenAI."""
    client = both.client(chain(upstream, "local/llama", "local", {"base_url": other.base_url}))
    upstream.reply(status=503)
    both.call(client.chat.completions.create, **ASK)
    (request,) = other.requests
    assert request.json()["model"] == "llama"
    assert "of-openai" not in str(request.headers)


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
        ({"azure_endpoint": "https://x.example"}, "api_version: required beside azure_endpoint"),
        (
            {"azure_endpoint": "https://x.example", "api_version": "v", "base_url": "https://y.example"},
            "base_url: not beside azure_endpoint",
        ),
        (
            {
                "azure_endpoint": "https://x.example",
                "api_version": "v",
                "api_key": "k",
                "azure_ad_token_provider": lambda: "t",
            },
            "azure_ad_token_provider: not beside api_key",
        ),
        (
            {"azure_endpoint": "https://x.example", "api_version": "v", "client_class": "openai.OpenAI"},
            "azure_endpoint: not beside a client class",
        ),
    ],
)
def test_contradictions_about_azure_fail_at_start(options: dict[str, Any], message: str) -> None:
    """Options that exclude or need each other are named when the configuration is made."""
    with pytest.raises(ConfigError, match=message):
        ClientConfig.make(options)


def test_clients_are_built_once_and_again_after_they_were_closed(upstream: Upstream) -> None:
    """A further client is built on first use, is the same from then on, and another once it was closed."""
    connection = Connection({"base_url": upstream.base_url}, "")
    assert connection.built(blocking=True) is None
    first = connection(True)
    assert connection(True) is connection.built(blocking=True) is first
    first.close()
    assert connection(True) is not first
    connection(True).close()


def test_policies_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`AI_CLIENT_CONTROLS` holds the same options as JSON, with the same checks."""
    monkeypatch.setenv("AI_CLIENT_CONTROLS", '{"budgets": [{"usd": 5}], "concurrency": 10}')
    names = [type(layer).__name__ for layer in ClientConfig.make().layers()]
    assert names == ["Budgets", "Concurrency"]
    monkeypatch.setenv("AI_CLIENT_CONTROLS", '{"budgets": [{"usdd": 5}]}')
    with pytest.raises(ConfigError, match=r"controls: budgets\[0\]\.usdd: .*Did you mean 'usd'\?$"):
        ClientConfig.make()
    monkeypatch.setenv("AI_CLIENT_CONTROLS", "budgets=5")
    with pytest.raises(ConfigError, match=r"^controls: text must be a JSON object of options\.$"):
        ClientConfig.make()


def test_a_control_outside_of_its_mapping_is_explained() -> None:
    """Whoever gives a policy beside the options is told where it belongs."""
    with pytest.raises(
        ConfigError, match=r"budgets: unknown option\. Did you mean 'budgets' inside of 'controls'"
    ):
        ClientConfig.make({"budgets": []})


def test_cached_answers_of_different_servers_are_told_apart() -> None:
    """The name under which answers are kept follows all that they depend on, and does not say it."""

    def namespace(**options: Any) -> str:
        options = {"api_key": "k", "controls": {"cache": {"scope": "all"}}, **options}
        found: str = ClientConfig.make(options).layers()[0].namespace
        return found

    azure = {"azure_endpoint": "https://x.example", "api_version": "v", "base_url": None}
    found = [
        namespace(),
        namespace(base_url="https://x.example"),
        namespace(project="p"),
        namespace(default_query={"v": 1}),
        namespace(default_headers={"x-model": "a secret"}),
        namespace(**azure),
        namespace(**azure, azure_deployment="d"),
    ]
    assert len(set(found)) == len(found)
    assert namespace(project="p") == namespace(project="p")
    assert not any("secret" in name or "example" in name for name in found)
