"""Policies of one's own among the controls: each form, each place, once a process, and their faults."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from ai_client import ClientConfig, ClientProvider, ConfigError, OpenAI
from ai_client._process.assembly import Assembly
from ai_client.control import (
    Budget,
    Budgets,
    Call,
    Cost,
    Next,
    Prices,
    Reply,
    answer,
    call_record,
    make_layers,
)
from ai_client.stores import open_store
from ai_client.testing import Upstream
from tests.support import own_policies as own
from tests.support.invoke import CHAT, KEY, Invoke
from tests.support.own_policies import MADE, WATCH, Watch

pytestmark = pytest.mark.usefixtures("no_loop_left")

HOME = "tests.support.own_policies"
FORMS: dict[str, Callable[[], Any]] = {
    "object": Watch,
    "class": lambda: Watch,
    "factory": lambda: own.make,
    "lambda": lambda: lambda: Watch(),  # noqa: PLW0108 - one of the forms
    "partial": lambda: partial(Watch, calls=0),
    "path of a class": lambda: f"{HOME}.Watch",
    "path of a factory": lambda: f"{HOME}.make",
    "path of a partial": lambda: f"{HOME}.make_partly",
    "path of an object": lambda: f"{HOME}.WATCH",
    "path of a function": lambda: f"{HOME}.watch",
    "function": lambda: own.watch,
    "function that passes on": lambda: own.pass_on,
}
PLACES = ("outermost", "target", "innermost")


@contextmanager
def provided(upstream: Upstream, *policies: Any, **controls: Any) -> Iterator[ClientProvider]:
    """Make a provider with policies of its own, and close it."""
    options = {"base_url": upstream.base_url, "api_key": KEY, "max_retries": 0}
    provider = ClientProvider({**options, "controls": {"policies": [*policies], **controls}})
    try:
        yield provider
    finally:
        provider.close()


def read(client: OpenAI) -> int:
    """Read a stream to its end, and count its items."""
    return len(list(client.chat.completions.create(**CHAT, stream=True)))


async def aread(provider: ClientProvider) -> int:
    """Read a stream of the async client to its end, and count its items."""
    stream = await provider.async_client.chat.completions.create(**CHAT, stream=True)
    return len([item async for item in stream])


@pytest.mark.parametrize(("form", "place"), list(product(FORMS, (None, *PLACES))))
def test_every_form_in_every_place(upstream: Upstream, form: str, place: str | None) -> None:
    """A policy in any form and place sees calls and streams of both clients and of their copies, and is one of each."""
    given = FORMS[form]()
    item = given if place is None else {"policy": given, "place": place}
    before = WATCH.calls, WATCH.events
    del MADE[1:]
    with provided(upstream, item) as provider:
        client = provider.client
        assert client.chat.completions.create(**CHAT)
        items = read(client.with_options(timeout=5))
        items += asyncio.run(aread(provider))
    made = [given] if form == "object" else MADE[1:]
    if made:
        (policy,) = made
        seen = policy.calls, policy.events
        assert [end.complete for end in policy.ends] == [True, True]
    else:
        seen = WATCH.calls - before[0], WATCH.events - before[1]
    assert seen == (3, items)


def test_the_order_of_places() -> None:
    """Own policies stand where they say among all others, those of one place in the order of the list."""
    everything: dict[str, Any] = {
        "logs": True,
        "cache": {"scope": "all"},
        "models": {"a": "b"},
        "cost": True,
        "concurrency": 1,
        "retry_budget": True,
    }
    policies = {place: (Watch(), Watch()) for place in PLACES}
    items = [
        {"policy": policies[place][turn], "place": place} for turn in (0, 1) for place in reversed(PLACES)
    ]
    layers = list(make_layers({**everything, "policies": items}))
    names = [type(layer).__name__ for layer in layers if not isinstance(layer, Watch)]
    assert names == "Logs Cache Fallback Cost Concurrency RetryBudget".split()  # noqa: SIM905 - reads as a list
    assert layers[:2] == [*policies["outermost"]]
    assert layers[5:7] == [*policies["target"]]
    assert layers[-2:] == [*policies["innermost"]]


def test_what_each_place_sees(upstream: Upstream) -> None:
    """The outermost sees a call once by its alias, those further in each target, and none of them a cached answer."""
    outer, target, inner = Watch(), Watch(), Watch()
    items = [
        {"policy": policy, "place": place}
        for policy, place in zip((outer, target, inner), PLACES, strict=True)
    ]
    controls = {"models": {"smart": ["one", "two"]}, "cache": {"scope": "all"}, "retry_budget": True}
    upstream.reply(status=503)
    with provided(upstream, *items, **controls) as provider:
        for _ in range(2):
            provider.client.chat.completions.create(model="smart", messages=CHAT["messages"], seed=1)
    assert (outer.models, outer.replies) == (["smart", "smart"], 2)
    assert (target.models, target.replies) == (["one", "two"], 1)
    assert (inner.models, inner.replies) == (["one", "two"], 1)
    assert len(upstream.requests) == 2


def test_a_factory_is_called_once_a_process(upstream: Upstream) -> None:
    """Checking calls no factory, and a process calls each once, whatever is closed, started, copied and built."""
    calls: list[int] = []

    def factory() -> Watch:
        calls.append(1)
        return Watch()

    controls = {"policies": [factory]}
    config = ClientConfig.make({"base_url": upstream.base_url, "api_key": KEY, "controls": controls})
    ClientConfig.make(config, timeout=3)
    assert calls == []
    with provided(upstream, factory) as provider:
        assert calls == []
        assert provider.client.with_options(timeout=1).models.list()
        provider.close()
        provider.start()
        assert provider.client.models.list()
        assert provider.async_client is not None
    assert calls == [1]


FORK = """
import os, sys
from ai_client import ClientProvider
provider = ClientProvider({"api_key": "any", "controls": {"policies": ["own.Trail", "own.SHARED"]}})
import own
def trails():
    assert provider.client is not None
    return [id(layer) for layer in provider["default"]._assembly.layers()]
first, again = trails(), trails()
assert first == again and own.made == [os.getpid()], own.made
child = os.fork()
if not child:
    inherited = own.made[:]
    mine = trails()
    assert mine[1] == first[1] and own.made == [*inherited, os.getpid()], own.made
    sys.stdout.flush()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert trails() == first
provider.close()
"""
OWN = """
import os
made = []
class Trail:
    def __init__(self):
        made.append(os.getpid())
    async def __call__(self, call, proceed):
        return await proceed(call)
async def SHARED(call, proceed):
    return await proceed(call)
"""


def test_a_child_makes_its_own(tmp_path: Path) -> None:
    """After a fork the child's factory makes one for the child, while the parent keeps its own."""
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "fork.py").write_text(FORK)
    run = subprocess.run(
        [sys.executable, str(tmp_path / "fork.py")], capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stderr


FAULTS: list[tuple[Any, str]] = [
    ("tests.support.own_policies.Watch", "controls.*policies: expected a list, not str"),
    ([5], r"policies\[0\]: a policy is called with .*; this is int\."),
    ([None], r"policies\[0\]: .*; this is NoneType\."),
    (
        [Watch(), "no_such_module.Trail"],
        r"policies\[1\]: cannot import .*'no_such_module\.Trail'.* No module named",
    ),
    ([f"{HOME}.Wach"], rf"policies\[0\]: .* Did you mean '{HOME}.Watch'\?"),
    ([f"{HOME}:Watch"], rf"policies\[0\]: .* Did you mean '{HOME}.Watch'\?"),
    (["Watch"], r"policies\[0\]: cannot import"),
    ([f"{HOME}.HOME_OF_NOTHING"], r"policies\[0\]: cannot import"),
    ([{"policy": Watch(), "place": "inermost"}], r"policies\[0\]\.place: .*Did you mean 'innermost'\?"),
    (
        [{"policy": Watch(), "place": 3}],
        r"policies\[0\]\.place: Input should be 'outermost', 'target' or 'innermost'",
    ),
    (
        [{"policy": Watch(), "plaice": "target"}],
        r"policies\[0\]\.plaice: unknown option\. Did you mean 'place'\?",
    ),
    ([{"place": "target"}], r"policies\[0\]\.policy: this option is required"),
    ([{"policy": 5}], r"policies\[0\]\.policy: a policy is called with"),
    ([own.NoPolicy()], rf"policies\[0\]: .*; this is {HOME}\.NoPolicy"),
    ([own.NoPolicy], rf"policies\[0\]: .*; objects of {HOME}\.NoPolicy take no call"),
    ([own.TakesOne], rf"policies\[0\]: .*; objects of {HOME}\.TakesOne take no call"),
    ([own.TakesOne()], rf"policies\[0\]: .*; {HOME}\.TakesOne takes other arguments"),
    ([own.Needy], rf"policies\[0\]: {HOME}\.Needy cannot be called without arguments"),
    ([partial(own.Needy)], r"policies\[0\]: functools\.partial cannot be called without arguments"),
    ([own.either], rf"policies\[0\]: {HOME}\.either can be called with a call and without arguments"),
    ([own.makes_late], rf"policies\[0\]: .*; {HOME}\.makes_late takes other arguments"),
    ([lambda one: one], r"policies\[0\]: .* takes other arguments"),
    ([f"{HOME}.KINDLESS"], r"policies\[0\]: cannot import"),
]


@pytest.mark.parametrize(("policies", "message"), FAULTS, ids=[message for _, message in FAULTS])
def test_faults_are_found_at_start(policies: Any, message: str) -> None:
    """What is no policy and makes none fails when the configuration is made, with its place in the list."""
    with pytest.raises(ConfigError, match=message) as caught:
        ClientConfig.make({"api_key": "any", "controls": {"policies": policies}}, source="AI_CLIENT.")
    assert str(caught.value).startswith("AI_CLIENT.controls: policies")


def test_a_module_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that cannot be imported is a fault of the option that names it, told without its error's text."""
    (tmp_path / "failing_policies.py").write_text("raise LookupError('sk-planted')")
    monkeypatch.syspath_prepend(str(tmp_path))
    message = r"policies\[0\]: cannot import .* Importing it fails \(LookupError\)\."
    with pytest.raises(ConfigError, match=message) as caught:
        ClientConfig(api_key="any", controls={"policies": ["failing_policies.Trail"]})
    assert "sk-planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (own.fails, rf"controls: policies\[0\]: {HOME}.fails failed to make a policy \(LookupError\)\.$"),
        (own.makes_none, rf"controls: policies\[0\]: {HOME}.makes_none made NoneType, which is no policy"),
        (lambda: own.makes_late(), r"controls: policies\[0\]: .* made coroutine, which is no policy"),  # noqa: PLW0108
        (lambda: Watch, r"controls: policies\[0\]: .* made .*Watch, which is no policy"),
        (lambda: own.make, r"controls: policies\[0\]: .* made .*make, which is no policy"),
    ],
)
def test_a_factory_that_makes_no_policy(upstream: Upstream, factory: Any, message: str) -> None:
    """A factory that fails or makes no policy is named where the client is first used, without its error's text."""
    with provided(upstream, factory) as provider:
        for _ in range(2):
            with pytest.raises(ConfigError, match=message):
                _ = provider.client
    assert upstream.requests == []


def test_a_factory_that_uses_its_own_client(upstream: Upstream) -> None:
    """A factory that asks for the client whose policies it makes is told so."""
    providers: list[ClientProvider] = []

    def factory() -> Watch:
        assert providers[0].client
        return Watch()

    with provided(upstream, factory) as provider:
        providers.append(provider)
        with pytest.raises(ConfigError, match="failed to make a policy") as caught:
            _ = provider.client
    assert "uses the client that the policy is for" in str(caught.value.__cause__.__cause__)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": [Watch()]}, r"layers: unknown option\. .*\{'policies': \[\.\.\.\]\} in 'controls'"),
        (
            {"policies": [Watch()]},
            r"policies: unknown option\. Did you mean 'policies' inside 'controls'\?",
        ),
        (
            {"controls": {"layers": [Watch()]}},
            r"controls: layers: unknown option\. Did you mean 'policies'\?",
        ),
        ({"controls": {"policy": Watch()}}, r"controls: policy: unknown option\. Did you mean 'policies'\?"),
    ],
)
def test_the_wrong_option(options: dict[str, Any], message: str) -> None:
    """Policies under another name are told where they belong."""
    with pytest.raises(ConfigError, match=message):
        ClientProvider({"api_key": "any", **options})


@dataclass
class WithStore:
    """A policy of one's own with a store, and with names that policies of ours have among themselves."""

    store: Any
    joined: bool = True
    apart: bool = True
    built_clients: bool = True
    part: str = "budgets"
    for_sessions: bool = True

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        """Pass a call on."""
        return await proceed(call)


class Store:
    """What must not be closed by anyone else."""

    def close(self) -> None:
        """Be closed."""
        raise AssertionError("it was closed")


def test_attributes_of_a_policy_are_its_own(upstream: Upstream) -> None:
    """What a policy calls its attributes is its business: nothing in it is called or closed."""
    with provided(upstream, WithStore(Store())) as provider:
        assert provider.client.with_options(organization="other").models.list()


def test_a_configuration_keeps_its_objects() -> None:
    """A configuration that is made out of another has the same policies, dataclasses included."""
    policy = WithStore(Store())
    config = ClientConfig(api_key="any", controls={"policies": [policy], "logs": True})
    more = ClientConfig.make(config, timeout=3)
    assert Assembly(more).layers()[0] is policy


def retrying(call: Call, proceed: Next) -> Any:
    """Ask twice, the second time otherwise, and keep the second answer."""

    async def ask() -> Reply:
        await proceed(call)
        return await proceed(call.with_members({"temperature": 1, "seed": None}))

    return ask()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("place", PLACES)
def test_each_answer_is_counted(invoke: Invoke, upstream: Upstream, place: str, *, stream: bool) -> None:
    """Where a policy asks twice both answers are counted: as two calls, or as one whose first answer is unknown."""
    store = open_store()
    controls = {
        "policies": [{"policy": retrying, "place": place}],
        "store": store,
        "budgets": [{"tokens": 10**6, "per": "total"}],
        "cost": True,
        "prices": {"gpt-4o-mini": {"input": 1, "output": 1}},
    }
    layers = make_layers(controls)
    result = invoke.chat(invoke.client(layers=layers), stream=stream)
    if stream:
        invoke.collect(result)
    (cost,) = [layer for layer in layers if isinstance(layer, Cost)]
    (row,) = cost.report()
    assert len(upstream.requests) == 2
    assert row.calls == 2
    other = "unknown" if place == "innermost" else "estimated" if stream else "reported"
    assert {row.sums["reported"], row.sums[other]} == ({2} if other == "reported" else {1})
    record = call_record(result)
    assert record is not None
    assert record.attempts == 2
    assert [account.held for account in store.backend._state().accounts.values()] == [0]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_a_policy_answers_costs_nothing(
    invoke: Invoke, upstream: Upstream, place: str, *, stream: bool
) -> None:
    """A call that a policy answers itself is sent nowhere, and counts for no budget and no cost."""
    told: list[Any] = []
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    choice = {"index": 0, "finish_reason": "stop"}
    whole = {"choices": [{**choice, "message": {"role": "assistant", "content": "No."}}], "usage": usage}
    event = {"choices": [{**choice, "delta": {"content": "No."}}], "usage": usage}

    async def refuse(call: Call, proceed: Next) -> Reply:
        del proceed
        return answer(call, [event] if call.stream is not None else whole)

    store = open_store()
    layers = make_layers(
        {
            "policies": [{"policy": refuse, "place": place}],
            "store": store,
            "budgets": [{"tokens": 10**6, "per": "total"}, {"requests": 5}],
            "cost": True,
            "prices": {"gpt-4o-mini": {"input": 1, "output": 1}},
            "hooks": {"on_result": told.append},
            "concurrency": 1,
        }
    )
    client = invoke.client(layers=layers)
    for _ in range(2):
        result = invoke.chat(client, stream=stream)
        said = invoke.collect(result)[0].choices[0].delta if stream else result.choices[0].message
        assert said.content == "No."
    assert upstream.requests == []
    (cost,) = [layer for layer in layers if isinstance(layer, Cost)]
    assert cost.report() == []
    accounts = store.backend._state().accounts.values()
    assert [(account.used, account.held) for account in accounts if account.used or account.held] == []
    assert [details.usage for details in told] == ([] if place == "outermost" else [None, None])


def test_hooks_hear_of_each_attempt_once(invoke: Invoke) -> None:
    """Where a policy around hooks asks again, they hear of each ask, and of its attempt once."""
    told: list[Any] = []
    hooks = {"on_attempt": told.append, "on_result": told.append}
    invoke.chat(invoke.client(layers=make_layers({"policies": [retrying], "hooks": hooks})))
    assert [type(one).__name__ for one in told] == ["AttemptDetails", "ResultDetails"] * 2


def test_an_answer_after_a_cached_one_is_none(invoke: Invoke, upstream: Upstream) -> None:
    """Where a policy rejects a cached answer and asks again, the call counts as answered upstream, and not for free."""
    client = invoke.client(layers=make_layers({"policies": [retrying], "cache": {"scope": "all"}}))
    records = [call_record(invoke.chat(client, seed=1)) for _ in range(2)]
    assert len(upstream.requests) == 3
    assert [(record and record.cache, record and record.usd) for record in records] == [(None, None)] * 2


def test_what_a_policy_passes_on_is_of_its_call(invoke: Invoke) -> None:
    """What is known of a call that a policy changed on its way belongs to the result that the caller gets."""

    async def change(call: Call, proceed: Next) -> Reply:
        return await proceed(call.with_members({"temperature": 0}))

    result = invoke.chat(
        invoke.client(layers=[change, Cost(Prices({"gpt-4o-mini": {"input": 1, "output": 1}}))])
    )
    record = call_record(result)
    assert record is not None
    assert (record.attempts, record.usage and record.usage.source) == (1, "reported")


def test_a_policy_that_hides_the_record(invoke: Invoke, upstream: Upstream) -> None:
    """A call that a policy passes on without its record is counted all the same."""
    store = open_store()
    budgets = Budgets([Budget(tokens=10**6, per="total")], store)

    async def forget(call: Call, proceed: Next) -> Reply:
        return await proceed(call.changed(record=None))

    invoke.chat(invoke.client(layers=[budgets, forget]))
    assert len(upstream.requests) == 1
    (account,) = store.backend._state().accounts.values()
    assert account.used > 0
    assert account.held == 0


def test_paths_in_the_environment(monkeypatch: pytest.MonkeyPatch, upstream: Upstream) -> None:
    """The environment names policies by their paths, in JSON."""
    del MADE[1:]
    monkeypatch.setenv("AI_CLIENT_CONTROLS", f'{{"policies": ["{HOME}.Watch"]}}')
    provider = ClientProvider({"base_url": upstream.base_url, "api_key": KEY})
    assert provider.client.models.list()
    provider.close()
    assert [policy.calls for policy in MADE[1:]] == [1]


def test_faults_name_the_option_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A faulty path in the environment is told with the variable's name."""
    monkeypatch.setenv("AI_CLIENT_CONTROLS", '{"policies": ["no_such_module.Trail"]}')
    with pytest.raises(ConfigError, match=re.escape("AI_CLIENT_CONTROLS in the environment")):
        ClientProvider({"api_key": "any"})
