"""Policies from plain data."""

import os
from pathlib import Path
from typing import Any

import pytest

from ai_client import BudgetExceeded, ClientConfig, ClientProvider, ConfigError
from ai_client._process.assembly import Assembly
from ai_client.control.assembly import OPTIONS, make_layers
from ai_client.control.record import call_record
from ai_client.testing import Upstream
from tests.support.invoke import Invoke

EVERYTHING: dict[str, Any] = {
    "store": "memory://",
    "on_store_failure": "closed",
    "policies": ["tests.support.own_policies.pass_on"],
    "redaction": {"content": False, "patterns": ["email"]},
    "hooks": {"on_call": "tests.control.test_options.hear"},
    "logs": True,
    "telemetry": True,
    "guardrails": {"max_output_tokens": 100, "endpoints": {"/x": {"max_output_tokens": 10}}},
    "cache": {"scope": "tenant", "ttl": 60},
    "models": {"fast": "gpt-4o-mini", "smart": ["gpt-4o", "local/any"]},
    "fallback": {"clients": {"local": {"base_url": "http://127.0.0.1:1/v1", "api_key": "any"}}},
    "breaker": {"failures": 3},
    "budgets": [
        {"usd": 5, "per": "day", "scope": "tenant"},
        {"requests": 1000, "per": "hour", "hard": False},
    ],
    "budget_options": {"output_tokens": 100},
    "cost": True,
    "metrics": True,
    "journal": True,
    "statistics": True,
    "dashboard": True,
    "prices": {"gpt-4o-mini": {"input": 1, "output": 2}},
    "price_options": {"library": False},
    "rate_limits": [{"requests": 100, "per": "minute", "scope": ["tenant", "model"]}],
    "rate_limit_options": {"max_wait": 1},
    "concurrency": 10,
    "retry_budget": {"share": 0.1},
    "alerts": [{"on": "errors", "to": "logging"}],
}
heard: list[Any] = []


def hear(details: object) -> None:
    """Take down what a hook is told."""
    heard.append(details)


def test_the_order_of_policies() -> None:
    """Whatever the order of the options, policies are around each other in the documented one."""
    watching = "function CallMetrics CallJournal Alerts ErrorShare Telemetry Logs Hooks"
    others = "Guardrails Cache Fallback TargetMetrics TargetJournal Budgets Cost RateLimits Concurrency RetryBudget"
    expected = f"{watching} {others}".split()
    reverse = dict(reversed(EVERYTHING.items()))

    def connect(options: object, source: str) -> Any:
        del options, source

    assert [type(layer).__name__ for layer in make_layers(EVERYTHING, connect=connect)] == expected
    assert [type(layer).__name__ for layer in make_layers(reverse, connect=connect)] == expected


def test_everything_at_once(invoke: Invoke, upstream: Upstream) -> None:
    """A client with every policy answers, whole and streamed, and knows what it did."""
    from ai_client import labels

    config = ClientConfig(base_url=upstream.base_url, api_key="any", controls=EVERYTHING)
    client = invoke.client(layers=Assembly(config).layers())
    heard.clear()
    with labels(tenant="acme", endpoint="/y"):
        record = call_record(invoke.chat(client, model="fast", seed=1))
        again = call_record(invoke.chat(client, model="fast", seed=1))
        invoke.collect(invoke.chat(client, model="fast", stream=True))
    assert record is not None
    assert again is not None
    assert (record.target, record.cache, again.cache) == ("gpt-4o-mini", "miss", "hit")
    assert record.usd
    assert [recorded.json()["max_completion_tokens"] for recorded in upstream.requests] == [100, 100]
    assert len(heard) == 3


def test_nothing_is_nothing() -> None:
    """Without controls there is no policy, and no policy's module is needed."""
    assert make_layers({}) == ()
    assert make_layers({"cost": False, "logs": None}) == ()
    assert Assembly(ClientConfig(api_key="any")).layers() == ()


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"budget": []}, r"budget: unknown option. Did you mean 'budgets'\?"),
        ({"budgets": [{"usdd": 5}]}, r"budgets\[0\]\.usdd: unknown option\. Did you mean 'usd'\?"),
        ({"budgets": [{"usd": "much"}]}, r"budgets\[0\]\.usd: Input should be a valid number"),
        ({"budgets": [{"usd": 1, "scope": "galaxy"}]}, r"budgets\[0\]\.scope: Input should be 'all'"),
        ({"budgets": {"usd": 1}}, "budgets: expected a list, not dict"),
        ({"cache": {}}, r"cache\.scope: this option is required"),
        ({"cache": {"scope": "tenant", "tll": 1}}, r"cache\.tll: unknown option\. Did you mean 'ttl'"),
        (
            {"concurrency": {"max_in_flight": "x"}},
            r"concurrency\.max_in_flight: Input should be a valid integer",
        ),
        ({"store": "postgres://x"}, "unknown scheme 'postgres'"),
        ({"on_store_failure": "maybe"}, "'open' or 'closed'"),
        ({"hooks": {"on_call": "no.such.thing"}}, "cannot import the dotted path 'no.such.thing'"),
        (
            {"fallback": {"clients": {"x": {"base_ur": "y"}}}},
            r"fallback\.clients\.x\.base_ur: unknown option",
        ),
        ({"prices": {"m": {"in": 1}}}, r"prices\.m\.in: unknown option\. Valid options: input, output"),
        ({"prices": {"m": {"input": "much"}}}, r"prices\.m\.input: Input should be a valid number"),
        ({"prices": {"m": 1}}, r"prices\.m: expected a mapping of options, not int"),
        ({"price_options": {"libary": 1}}, r"price_options\.libary: unknown option\. Did you mean 'library'"),
        ({"logs": 5}, "logs: expected a mapping of options, not int"),
        ({"budgets": [{"usd": 1, "scope": "tennant"}]}, r"budgets\[0\]\.scope: .*Did you mean 'tenant'\?"),
        ({"budgets": [{"usd": 1, "per": "moth"}]}, r"budgets\[0\]\.per: .*Did you mean 'month'\?"),
        (
            {"budgets": [{"usd": 1, "on_warning": "no.thing"}]},
            r"budgets\[0\]\.on_warning: cannot import the dotted path 'no\.thing'",
        ),
        ({"concurrency": True}, r"concurrency\.max_in_flight: this option is required"),
        ({"store": 5}, "store: expected an address or a store, not int"),
        ({"models": {"fast": 5}}, r"models\['fast'\]: Input should be a valid string"),
        ({"models": ["fast"]}, "models: expected a mapping of options, not list"),
        (
            {"fallback": {"clients": {"x": 5}}},
            r"fallback\.clients\.x: expected options, a client, or a function",
        ),
        (
            {"fallback": {"clients": {"x": "no.thing"}}},
            r"fallback\.clients\.x: cannot import the dotted path 'no\.thing'",
        ),
        (
            {"fallback": {"clients": {"x": {"base_url": "y", "controls": {}}}}},
            r"fallback\.clients\.x\.controls: set this on the client that the chain belongs to",
        ),
        (
            {"fallback": {"clients": {"x": {"azure_endpoint": "https://x.example", "api_key": "k"}}}},
            r"fallback\.clients\.x\.api_version: required with azure_endpoint",
        ),
        ({"fallback": {"on": ["timeouts"]}}, r"fallback\.on\[0\]: .*Did you mean 'timeout'\?"),
        (
            {"guardrails": {"endpoints": {"/x": {"max_tokens": 1}}}},
            r"guardrails\.endpoints\./x\.max_tokens: unknown option\. Did you mean 'max_input_tokens'",
        ),
        (
            {"guardrails": {"endpoints": {"/x": {"deadline": "soon"}}}},
            r"guardrails\.endpoints\./x\.deadline: Input should be a valid number",
        ),
    ],
)
def test_faults_are_found_at_start(controls: dict[str, Any], message: str) -> None:
    """An unknown or ill-typed option fails when the configuration is made, with its name and the nearest valid one."""
    with pytest.raises(ConfigError, match=message) as caught:
        ClientConfig.make({"api_key": "any", "controls": controls}, source="AI_CLIENT.")
    assert str(caught.value).startswith("AI_CLIENT.controls: ")


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"concurrency": {"max_in_flight": 1, "max_queue": -1}}, "concurrency: max_queue must be 0 or more"),
        ({"concurrency": {"max_in_flight": 1, "queue_timeout": 0}}, "queue_timeout must be more than 0"),
        ({"rate_limit_options": {"max_wait": -1}}, "rate limits: max_wait must be 0 or more"),
        ({"budgets": [{"usd": 1, "warn_at": 0}]}, "budget: warn_at must be more than 0"),
        ({"budgets": [{"usd": float("nan")}]}, "budget: usd must be 0 or more"),
        ({"budgets": [{"usd": 1}], "budget_options": {"expires": 0}}, "budgets: expires must be more than 0"),
        (
            {"budgets": [{"usd": 1}, {"usd": 2, "hard": False}]},
            "budgets: two have the same unit, window and scope",
        ),
        (
            {"rate_limits": [{"requests": 1}, {"requests": 2, "tokens": 1}]},
            "rate limits: two limits of requests",
        ),
        ({"breaker": {"cool_down": -5}}, "breaker: cool_down must be more than 0"),
        ({"cache": {"scope": "all", "stale_if_error": -1}}, "cache: stale_if_error must be 0 or more"),
        ({"cache": {"scope": "all", "ttl": float("inf")}}, "cache: ttl must be more than 0"),
        ({"fallback": {"retries": -1}}, "fallback: retries must be 0 or more"),
        ({"cost": {"retention": 0}}, "cost: retention must be more than 0"),
        ({"prices": {"m": {"input": -1}}}, "price: input must be 0 or more"),
        ({"guardrails": {"deadline": 0}}, "guardrails: deadline must be more than 0"),
        ({"retry_budget": {"share": float("nan")}}, "retry_budget: share must be 0 or more"),
    ],
)
def test_senseless_amounts_are_found_at_start(controls: dict[str, Any], message: str) -> None:
    """A number that makes no sense, and two limits that would count as one, fail when the configuration is made."""
    with pytest.raises(ConfigError, match=message):
        ClientConfig.make({"api_key": "any", "controls": controls})


def test_two_budgets_of_one_kind_have_names(invoke: Invoke) -> None:
    """A hard and a soft budget of one window and scope count apart where one of them has a name."""
    budgets = [
        {"requests": 3, "per": "total"},
        {"requests": 1, "per": "total", "hard": False, "name": "soft"},
    ]
    layers = make_layers({"budgets": budgets})
    client = invoke.client(layers=layers)
    for _ in range(3):
        invoke.chat(client)
    with pytest.raises(BudgetExceeded, match="budget of 3 requests"):
        invoke.chat(client)


def test_clients_of_a_chain_are_built_and_closed(invoke: Invoke, upstream: Upstream) -> None:
    """A client that a chain names by its options is built when needed, and closed with the one it belongs to."""
    other = {"base_url": upstream.base_url, "api_key": "any"}
    controls = {"models": {"m": ["a", "other/b"]}, "fallback": {"clients": {"other": other}}}
    layers = Assembly(ClientConfig(api_key="any", controls=controls)).layers()
    (policy,) = layers
    client = invoke.client(layers=layers)
    sync = invoke.sync
    assert policy._built_clients(sync=sync) == []
    upstream.reply(status=500)
    invoke.chat(client, model="m")
    (built,) = policy._built_clients(sync=sync)
    invoke(client.close)
    assert built.is_closed()


@pytest.mark.parametrize("made_by", ["functools.partial", dict, lambda **_: None])
def test_controls_need_clients_over_ours(made_by: Any) -> None:
    """A class that is neither this package's nor the official SDK's has no place for policies, and says so at start."""
    with pytest.raises(ConfigError, match="controls: supported only by this package's client classes"):
        ClientConfig.make(api_key="any", client_class=made_by, controls={"cost": True})


def test_both_clients_of_a_process_share_their_state(upstream: Upstream) -> None:
    """What one client of a provider spends, the other cannot spend again."""
    import asyncio

    controls = {"budgets": [{"requests": 1, "per": "total"}]}
    provider = ClientProvider({"api_key": "any", "base_url": upstream.base_url, "controls": controls})
    provider.client.embeddings.create(model="m", input="x")

    async def other() -> None:
        with pytest.raises(BudgetExceeded):
            await provider.async_client.embeddings.create(model="m", input="x")
        await provider.aclose()

    asyncio.run(other())


def test_aliases_of_one_configuration_share_their_state(upstream: Upstream) -> None:
    """What is spent under one alias cannot be spent again under another that was given the same configuration."""
    controls = {"budgets": [{"requests": 1, "per": "total"}]}
    config = ClientConfig(api_key="any", base_url=upstream.base_url, controls=controls)
    provider = ClientProvider(config, aliases={"other": config})
    provider.client.embeddings.create(model="m", input="x")
    with pytest.raises(BudgetExceeded):
        provider["other"].client.embeddings.create(model="m", input="x")
    provider.close()


@pytest.mark.parametrize("awaited", [False, True])
def test_the_store_is_closed_with_the_provider(upstream: Upstream, tmp_path: Path, awaited: bool) -> None:
    """A closed provider leaves no file open, and one that starts again counts on from where it was."""
    import asyncio

    controls = {"store": f"sqlite:///{tmp_path}/s.db", "budgets": [{"requests": 2, "per": "total"}]}
    provider = ClientProvider({"api_key": "any", "base_url": upstream.base_url, "controls": controls})
    for _ in range(2):
        provider.client.embeddings.create(model="m", input="x")
        if awaited:
            asyncio.run(provider.aclose())
        else:
            provider.close()
        assert not [path for path in tmp_path.iterdir() if path.name != "s.db"]  # no journal: it is closed
        provider.start()
    with pytest.raises(BudgetExceeded):
        provider.client.embeddings.create(model="m", input="x")
    provider.close()


def test_a_store_that_was_given_stays_open(tmp_path: Path) -> None:
    """A store that the application made is its own to close."""
    from ai_client.stores import open_store

    store = open_store(f"sqlite:///{tmp_path}/s.db")
    store.backend.get("key", 0.0)
    assembly = Assembly(ClientConfig(api_key="any", controls={"store": store, "cost": True}))
    assert assembly.layers()
    assembly.close_store()
    assert len(list(tmp_path.iterdir())) > 1
    store.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_its_own_state(tmp_path: Path) -> None:
    """After a fork policies are made anew, so that no lock or thread of the parent is waited for."""
    assembly = Assembly(ClientConfig(api_key="any", controls={"concurrency": 1}))
    before = assembly.layers()
    assert assembly.layers() is before
    child = os.fork()
    if child == 0:
        (tmp_path / "said").write_text(str(assembly.layers()[0] is before[0]))
        os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "said").read_text() == "False"


def test_every_option_is_tried_here() -> None:
    """The example of these tests uses every option there is."""
    assert set(OPTIONS) == set(EVERYTHING)
