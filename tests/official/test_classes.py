"""Classes that a configuration names: the official SDK's, derived ones and another SDK's, over a client of ours."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import httpx
import openai
import pytest

import ai_client
from ai_client import AsyncOpenAI, ClientProvider, ConfigError, OpenAI
from ai_client.credentials import Credentials
from ai_client.interop.official_client import PLACEHOLDER
from ai_client.testing import Upstream
from tests.support.invoke import CHAT, KEY, Invoke

BUDGET = {"budgets": [{"requests": 1, "per": "total"}]}


class Mine(OpenAI):
    """A class derived from ours, with a keyword of its own."""

    def __init__(self, *, base_url: str, api_key: str) -> None:
        super().__init__(base_url=base_url, api_key=api_key)


class AsyncMine(AsyncOpenAI):
    """Its async counterpart."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)


class Theirs(openai.OpenAI):
    """A class derived from the official one."""


class AsyncTheirs(openai.AsyncOpenAI):
    """Its async counterpart."""


class OwnHTTP(openai.OpenAI):
    """A class with an HTTP client of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(http_client=openai.DefaultHttpxClient(), **options)


Make = Callable[..., Any]


@pytest.fixture
def make(invoke: Invoke) -> Iterator[Make]:
    """Yield a function that makes a client of a class by a provider."""
    made: list[ClientProvider] = []

    def make(sync_class: Any, async_class: Any, **options: Any) -> Any:
        given = {"base_url": invoke.upstream.base_url, "api_key": KEY, **options}
        classes = {"client_class": sync_class, "async_client_class": async_class}
        made.append(provider := ClientProvider({**given, **classes}))
        return provider.client if invoke.sync else provider.async_client

    yield make
    for provider in made:
        provider.close()


@pytest.mark.parametrize(
    ("classes", "error"),
    [
        (("openai.OpenAI", "openai.AsyncOpenAI"), openai.RateLimitError),
        ((Theirs, AsyncTheirs), openai.RateLimitError),
        ((Mine, AsyncMine), ai_client.BudgetExceeded),
        ((OpenAI, "ai_client.AsyncOpenAI"), ai_client.BudgetExceeded),
    ],
    ids=["official", "derived from official", "derived from ours", "ours"],
)
def test_controls(invoke: Invoke, make: Make, upstream: Upstream, classes: Any, error: Any) -> None:
    """A budget holds for each class, whose errors are those of its package."""
    client = make(*classes, controls=BUDGET)
    assert invoke(client.chat.completions.create, **CHAT).choices
    with pytest.raises(error):
        invoke(client.with_options(max_retries=3).chat.completions.create, **CHAT)
    assert len(upstream.requests) == 1
    assert upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_credentials_of_tenants(invoke: Invoke, make: Make, upstream: Upstream) -> None:
    """The official client's calls go with their tenant's key."""

    def of(labels: Any) -> Credentials:
        return Credentials(api_key=f"sk-{labels.tenant}")

    client = make("openai.OpenAI", "openai.AsyncOpenAI", credentials=of, credentials_by=["tenant"])
    for tenant in ("a", "b"):
        with ai_client.labels(tenant=tenant):
            invoke(client.models.list)
        assert upstream.requests[-1].headers["authorization"] == f"Bearer sk-{tenant}"


def test_azure(invoke: Invoke, make: Make, upstream: Upstream) -> None:
    """The SDK's client of Azure stands on ours: deployments in the path, its version in the query, and its key."""
    options = {"azure_endpoint": upstream.url, "api_version": "2024-10-21", "base_url": None}
    for more in ({}, {"azure_deployment": "gpt-4o"}):
        seen = make("openai.AzureOpenAI", "openai.AsyncAzureOpenAI", **options, **more, controls=BUDGET)
        assert isinstance(seen, openai.AzureOpenAI | openai.AsyncAzureOpenAI)
        assert invoke(seen.chat.completions.create, **{**CHAT, "model": "gpt-4o"}).choices
        request = upstream.requests[-1]
        assert request.path == "/openai/deployments/gpt-4o/chat/completions"
        assert request.query == "api-version=2024-10-21"
        assert request.headers["api-key"] == KEY
        assert PLACEHOLDER not in str(list(request.headers.items()))
        with pytest.raises(openai.RateLimitError):
            invoke(seen.with_options(timeout=3).chat.completions.create, **CHAT)
    seen = make("openai.AzureOpenAI", "openai.AsyncAzureOpenAI", **options, azure_deployment="gpt-4o")
    upstream.always(json={"object": "list", "data": []})
    invoke(seen.models.list)
    assert upstream.requests[-1].path == "/openai/models"


def test_an_own_http_client_has_no_controls(upstream: Upstream) -> None:
    """A class that brings its own HTTP client works without controls, and says that it can have none."""
    options = {"base_url": upstream.base_url, "api_key": KEY, "client_class": OwnHTTP}
    provider = ClientProvider(options)
    assert provider.client.chat.completions.create(**CHAT).choices
    provider.close()
    provider = ClientProvider({**options, "controls": BUDGET})
    with pytest.raises(ConfigError, match="OwnHTTP brings an HTTP client"):
        _ = provider.client
    provider.close()


@pytest.fixture
def other_sdk(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the module of another SDK of the family, on httpx, whose key goes into a header of its own."""
    module = ModuleType("other_sdk")

    class DefaultHttpxClient(httpx.Client):
        pass

    class DefaultAsyncHttpxClient(httpx.AsyncClient):
        pass

    class Other:
        def __init__(self, *, api_key: str, base_url: str, http_client: Any, max_retries: int = 2) -> None:
            self._client = http_client
            self._headers = {"x-api-key": api_key}
            self._url = base_url
            self.max_retries = max_retries

        def ask(self) -> Any:
            return self._client.post(f"{self._url}/messages", json={"stream": False}, headers=self._headers)

        def close(self) -> Any:
            self._client.close()

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *exc: object) -> None:
            self.close()

    for each in (DefaultHttpxClient, DefaultAsyncHttpxClient, Other):
        each.__module__ = "other_sdk"
        setattr(module, each.__name__, each)
    monkeypatch.setitem(sys.modules, "other_sdk", module)
    return module


def test_another_sdk(other_sdk: Any, upstream: Upstream) -> None:
    """Another SDK keeps its key and addresses, over connections of ours, which retry for it."""
    provider = ClientProvider(
        {
            "base_url": upstream.base_url,
            "api_key": "sk-theirs",
            "client_class": other_sdk.Other,
            "max_retries": 1,
        }
    )
    client: Any = provider.client
    upstream.reply(status=503, headers={"retry-after-ms": "1"})
    upstream.always(json={"answer": 42})
    with client:
        assert client.ask().json() == {"answer": 42}
    assert client.ask().status_code == 200
    assert client.max_retries == 0
    assert len(upstream.requests) == 3
    headers = upstream.requests[-1].headers
    assert headers["x-api-key"] == "sk-theirs"
    assert "authorization" not in headers
    assert upstream.connections_opened <= 2
    provider.close()
    with pytest.raises(httpx.ConnectError):
        client.ask()


def test_environment_of_a_derived_class(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class derived from ours takes nothing from the environment where its alias does not."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-environment")
    own = {"base_url": upstream.base_url, "api_key": "sk-other", "client_class": Mine}
    provider = ClientProvider({"api_key": KEY}, aliases={"other": own})
    provider["other"].client.models.list()
    assert "openai-organization" not in upstream.requests[-1].headers
    provider.close()


def test_other_loops(upstream: Upstream) -> None:
    """The async client of a provider serves loops that come and go, over one pool."""
    provider = ClientProvider(
        {"base_url": upstream.base_url, "api_key": KEY, "async_client_class": "openai.AsyncOpenAI"}
    )

    async def ask() -> None:
        client: Any = provider.async_client
        await client.chat.completions.create(**CHAT)
        async for _ in await client.chat.completions.create(**CHAT, stream=True):
            pass

    for _ in range(3):
        asyncio.run(ask())
    assert upstream.connections_opened == 1
    provider.close()
