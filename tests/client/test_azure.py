"""Azure's clients: addresses, deployments and credentials, as the official SDK has them."""

import inspect
from typing import Any

import openai
import pytest

from ai_client import AsyncAzureOpenAI, AzureOpenAI, ConfigError, OpenAIError
from ai_client.azure import MutuallyExclusiveAuthError
from ai_client.testing import Upstream
from tests.support.invoke import CHAT, KEY, Invoke

TWINS = [(AzureOpenAI, openai.AzureOpenAI), (AsyncAzureOpenAI, openai.AsyncAzureOpenAI)]
VARIABLES = [
    "AZURE_OPENAI_API_KEY",
    "AZURE_OPENAI_AD_TOKEN",
    "AZURE_OPENAI_ENDPOINT",
    "OPENAI_API_VERSION",
    "OPENAI_API_KEY",
]
ENDPOINT = "https://res.openai.azure.com"
USUAL = {"azure_endpoint": ENDPOINT, "api_version": "v", "api_key": KEY}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the variables of the machine that the tests run on."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def azure(invoke: Invoke, **options: Any) -> Any:
    """Make a client of the upstream's Azure."""
    cls = AzureOpenAI if invoke.sync else AsyncAzureOpenAI
    usual: dict[str, Any] = {
        "azure_endpoint": invoke.upstream.url,
        "api_version": "2026-01-01",
        "base_url": None,
    }
    if not {"azure_ad_token", "azure_ad_token_provider"} & options.keys():
        usual["api_key"] = KEY
    else:
        usual["api_key"] = None
    return invoke.client(cls, **{**usual, **options})


@pytest.mark.parametrize(("ours", "theirs"), TWINS)
def test_every_option_of_the_official_client_is_there(ours: type[Any], theirs: type[Any]) -> None:
    """The constructor takes the official names."""
    names = set(inspect.signature(theirs.__init__).parameters)
    assert names <= set(inspect.signature(ours.__init__).parameters)


CASES: list[tuple[dict[str, Any], Any]] = [
    ({}, lambda client: client.chat.completions.create(**CHAT)),
    ({}, lambda client: client.embeddings.create(model="an embedder", input="a", encoding_format="float")),
    ({}, lambda client: client.models.list()),
    ({}, lambda client: client.get("/files?x=1", cast_to=object)),
    ({"azure_deployment": "dep"}, lambda client: client.chat.completions.create(**CHAT)),
    ({"azure_deployment": "dep"}, lambda client: client.models.list()),
    ({"azure_deployment": "dep"}, lambda client: client.with_options(timeout=3).models.list()),
    (
        {"azure_deployment": "dep"},
        lambda client: client.with_options(api_version="v2").chat.completions.create(**CHAT),
    ),
    (
        {"default_query": {"a": 1}},
        lambda client: client.chat.completions.create(**CHAT, extra_query={"b": 2}),
    ),
    ({"azure_ad_token": "token-1234"}, lambda client: client.chat.completions.create(**CHAT)),
    (
        {"azure_ad_token_provider": lambda: "token-1234"},
        lambda client: client.chat.completions.create(**CHAT),
    ),
    ({"azure_ad_token": "token-1234"}, lambda client: client.copy(api_key="sk-azure-key").models.list()),
    ({}, lambda client: client.copy(azure_ad_token="token-1234").models.list()),
    ({}, lambda client: client.copy(azure_ad_token_provider=lambda: "token-1234").models.list()),
    ({}, lambda client: client.chat.completions.create(**CHAT, extra_headers={"api-key": "own"})),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_calls_are_the_official_ones(case: int) -> None:
    """Path, query and credentials are those of the official client."""
    options, call = CASES[case]
    usual = {} if {"azure_ad_token", "azure_ad_token_provider"} & options.keys() else {"api_key": KEY}
    sent: list[Any] = []
    with Upstream() as upstream:
        upstream.always(json={"object": "list", "data": [], "choices": []})
        for cls in (openai.AzureOpenAI, AzureOpenAI):
            made: Any = cls(azure_endpoint=upstream.url, api_version="2026-01-01", **usual, **options)
            with made as client:
                call(client)
            recorded = upstream.requests[-1]
            headers = {
                name: recorded.headers.get(name) for name in ("authorization", "api-key", "content-type")
            }
            sent.append((recorded.method, recorded.path, recorded.query, headers, recorded.body))
    assert sent[1] == sent[0]


def test_an_answer_from_azure(invoke: Invoke) -> None:
    """The upstream's Azure paths answer both clients."""
    assert invoke(azure(invoke).chat.completions.create, **CHAT).choices
    (recorded,) = invoke.upstream.requests
    assert recorded.path == "/openai/deployments/gpt-5.5/chat/completions"
    assert recorded.params == {"api-version": "2026-01-01"}
    assert recorded.headers["api-key"] == KEY
    assert "authorization" not in recorded.headers


def test_an_async_token_provider(invoke: Invoke) -> None:
    """The async client awaits a token; the sync one says that it cannot."""

    async def token() -> str:
        return "token-async"

    client = azure(invoke, azure_ad_token_provider=token)
    if invoke.sync:
        with pytest.raises(ValueError, match="only AsyncAzureOpenAI"):
            invoke(client.chat.completions.create, **CHAT)
        return
    invoke(client.chat.completions.create, **CHAT)
    assert invoke.upstream.requests[0].headers["authorization"] == "Bearer token-async"


@pytest.mark.parametrize("token", ["", None, 3])
def test_a_provider_without_a_token(invoke: Invoke, token: Any) -> None:
    """A provider that gives no token is an error, not a request without credentials."""
    client = azure(invoke, azure_ad_token_provider=lambda: token)
    with pytest.raises(ValueError, match="must return a token"):
        invoke(client.chat.completions.create, **CHAT)
    assert not invoke.upstream.requests


def test_a_key_function(invoke: Invoke) -> None:
    """The resource's key may come from a function, for each attempt."""
    keys = iter(["key-number-1", "key-number-2"])
    client = azure(invoke, api_key=lambda: next(keys))
    invoke.upstream.reply(status=500, headers={"retry-after-ms": "1"})
    invoke(client.chat.completions.create, **CHAT)
    assert [each.headers["api-key"] for each in invoke.upstream.requests] == ["key-number-1", "key-number-2"]


@pytest.mark.parametrize("cls", [AzureOpenAI, AsyncAzureOpenAI])
@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"azure_endpoint": ENDPOINT, "api_version": "v"}, OpenAIError, "AZURE_OPENAI_API_KEY"),
        ({"azure_endpoint": ENDPOINT, "api_key": KEY}, ValueError, "OPENAI_API_VERSION"),
        ({"api_version": "v", "api_key": KEY}, ValueError, "AZURE_OPENAI_ENDPOINT"),
        (
            {"azure_endpoint": ENDPOINT, "base_url": ENDPOINT, "api_version": "v", "api_key": KEY},
            ValueError,
            "exclude",
        ),
        (
            {"azure_endpoint": ENDPOINT, "api_version": "v", "api_key": KEY, "azure_ad_token": "t"},
            MutuallyExclusiveAuthError,
            "exclude each other",
        ),
        (
            {"azure_endpoint": ENDPOINT, "api_version": "v", "api_key": KEY, "workload_identity": {}},
            ConfigError,
            "Azure does not support",
        ),
    ],
)
def test_contradictions_are_refused(
    cls: Any, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """What is missing or contradicts itself is refused by name."""
    with pytest.raises(kind, match=message):
        cls(**options)


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Endpoint, version and credentials come from Azure's variables, the token before the key."""
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", f"{ENDPOINT}/")
    monkeypatch.setenv("OPENAI_API_VERSION", "v7")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai-itself")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key")
    client = AzureOpenAI(azure_deployment="dep")
    assert str(client.base_url) == f"{ENDPOINT}/openai/deployments/dep/"
    assert client.default_query == {"api-version": "v7"}
    assert client.auth_headers == {"api-key": "azure-key"}
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", "azure-token")
    assert AzureOpenAI().auth_headers == {"Authorization": "Bearer azure-token"}
    assert AzureOpenAI(api_key=KEY).auth_headers == {"api-key": KEY}


def test_copies_exclude_contradictions() -> None:
    """A copy, too, has one credential."""
    client = AzureOpenAI(azure_endpoint=ENDPOINT, api_version="v", api_key=KEY)
    with pytest.raises(MutuallyExclusiveAuthError):
        client.copy(api_key="k", azure_ad_token="t")
    with pytest.raises(ConfigError, match="Azure does not support"):
        client.copy(data_residency="eu")
