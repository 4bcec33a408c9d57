"""The end of a chain without an answer: what is raised, what it says, and which refusals let the chain go on."""

import copy
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ai_client import (
    APIConnectionError,
    APIStatusError,
    BudgetExceeded,
    CircuitOpen,
    ConfigError,
    DeadlineExceededError,
    GuardrailError,
    InternalServerError,
    OpenAIError,
    PolicyError,
    QueueFull,
    RateLimitError,
    RateLimitExceeded,
    StoreError,
    UnknownPriceError,
)
from ai_client.control import Call, Next, Reply as CallReply
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.accounting.rate_limit import RateLimit, RateLimits
from ai_client.control.assembly import make_layers
from ai_client.control.breaker import Breaker
from ai_client.control.fallback import Fallback
from ai_client.control.pricing.prices import Prices
from ai_client.control.record import call_record, record_of
from ai_client.stores import open_store
from ai_client.testing import Recorded, Reply, Upstream
from tests.support.invoke import Invoke

DEAR = {"input": 1000, "output": 1000}


def by_model(**statuses: int) -> Callable[[Recorded], Reply]:
    """Give an answer with a status for each model, 200 for those that have none."""

    def answer(recorded: Recorded) -> Reply:
        return Reply(status=statuses.get(recorded.json()["model"], 200))

    return answer


def asked(upstream: Upstream) -> list[str]:
    """Give the models that were asked for."""
    return [recorded.json()["model"] for recorded in upstream.requests]


def in_usd(usd: float, prices: dict[str, Any]) -> Budgets:
    """Give a hard budget of an amount, with the application's prices only."""
    return Budgets(
        [Budget(usd=usd, per="total")], open_store("memory://"), prices=Prices(prices, library=False)
    )


def test_a_target_without_a_price_hides_no_failure(invoke: Invoke, upstream: Upstream) -> None:
    """Where the last target has no price to count against a hard budget, the failure of the first is raised."""
    layers = [Fallback({"m": ["a", "local"]}), in_usd(5, {"a": {"input": 1}})]
    upstream.always(status=503)
    with pytest.raises(InternalServerError) as caught:
        invoke.chat(invoke.client(layers=layers), model="m")
    assert caught.value.status_code == 503
    ((name, error),) = caught.value.failures
    assert (name, type(error)) == ("local", UnknownPriceError)
    assert asked(upstream) == ["a"]


def test_a_target_without_a_price_is_passed_over(
    invoke: Invoke, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """A target without a price is passed over, with a warning once, and one that is free has a price of 0."""
    prices = {"free": {}}
    client = invoke.client(layers=[Fallback({"m": ["unknown", "free"]}), in_usd(0.01, prices)])
    with caplog.at_level(logging.WARNING, "ai_client"):
        for _ in range(3):
            invoke.chat(client, model="m", max_tokens=100_000)
    assert asked(upstream) == ["free"] * 3
    assert [line for line in caplog.messages if "'unknown' is unknown" in line] == caplog.messages[:1]
    assert len(caplog.messages) == 1


def test_without_a_chain_a_missing_price_is_an_error(invoke: Invoke, upstream: Upstream) -> None:
    """A model without a price and without another target is an error of the configuration."""
    client = invoke.client(layers=[Fallback(), in_usd(5, {"another": {"input": 1}})])
    with pytest.raises(ConfigError, match="is unknown"):
        invoke.chat(client, model="m")
    assert asked(upstream) == []


def test_a_spent_budget_leads_to_a_cheaper_target(invoke: Invoke, upstream: Upstream) -> None:
    """Where a budget has no room for a dear target, the cheap one is asked."""
    budget = in_usd(0.05, {"dear": DEAR, "cheap": {"input": 0.01, "output": 0.01}})
    client = invoke.client(layers=[Fallback({"m": ["dear", "cheap"]}), budget])
    record = call_record(invoke.chat(client, model="m", max_tokens=100))
    assert asked(upstream) == ["cheap"]
    assert record is not None
    assert (record.target, record.target_model, record.attempts) == ("cheap", "cheap", 1)


def test_refusals_can_be_chosen(invoke: Invoke, upstream: Upstream) -> None:
    """Without `budget` in `on` a refusal of a budget is raised at once; `own_rate_limit` lets one of a rate lead on."""
    budget = in_usd(0.05, {"dear": DEAR, "cheap": {}})
    client = invoke.client(layers=[Fallback({"m": ["dear", "cheap"]}, on=["server_error"]), budget])
    with pytest.raises(BudgetExceeded):
        invoke.chat(client, model="m", max_tokens=100)
    assert asked(upstream) == []
    for on, expected in ((["server_error"], RateLimitExceeded), (["own_rate_limit"], None)):
        store = open_store("memory://")
        rates = RateLimits([RateLimit(requests=1, scope="model")], store)
        chain = Fallback({"m": ["a", "b"]}, on=on)  # type: ignore[arg-type]
        limited = invoke.client(layers=[chain, rates])
        invoke.chat(limited, model="m")
        if expected is None:
            record = call_record(invoke.chat(limited, model="m"))
            assert record is not None
            assert record.target == "b"
        else:
            with pytest.raises(expected):
                invoke.chat(limited, model="m")


@pytest.mark.parametrize(
    ("statuses", "raised"),
    [
        ([500, 429], 500),
        ([429, 500, 503], 429),
        ([503, 400], 503),  # the last target's own limits say nothing of the call
        ([503, 401, 200], 503),
        ([400, 200], 400),
    ],
)
def test_the_first_failure_is_raised(
    invoke: Invoke, upstream: Upstream, statuses: list[int], raised: int
) -> None:
    """Of the upstreams' failures the first is raised, and the record names its target."""
    names = ["a", "b", "c"][: len(statuses)]
    upstream.always(by_model(**dict(zip(names, statuses, strict=True))))
    seen: list[Any] = []

    async def watch(call: Call, proceed: Next) -> CallReply:
        seen.append(record_of(call))
        return await proceed(call)

    client = invoke.client(layers=[watch, Fallback({"m": names})])
    with pytest.raises(APIStatusError) as caught:
        invoke.chat(client, model="m")
    assert caught.value.status_code == raised
    assert (seen[0].target, seen[0].target_model) == ("a", "a")
    later = [error for _, error in caught.value.failures]
    assert [error.status_code for error in later if isinstance(error, APIStatusError)] == [
        *statuses[1 : len(asked(upstream))]
    ]


def test_what_failed_elsewhere_is_shown_without_text_of_the_server(
    invoke: Invoke, upstream: Upstream
) -> None:
    """The other failures are in `failures`, in the traceback without what the server says, and in copies."""
    upstream.always(
        lambda recorded: Reply(
            status=500 if recorded.json()["model"] == "a" else 429,
            json={"error": {"message": "planted words"}},
        )
    )
    client = invoke.client(layers=[Fallback({"m": ["a", "b"]})])
    with pytest.raises(InternalServerError) as caught:
        invoke.chat(client, model="m")
    error = caught.value
    (note,) = error.__notes__
    assert "b" in note
    assert "RateLimitError 429" in note
    assert "planted" not in note
    assert "RateLimitError 429" in "".join(traceback.format_exception(error))
    for twin in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301
        assert [(name, type(one)) for name, one in twin.failures] == [("b", RateLimitError)]


def test_the_cause_of_a_failure_stays(invoke: Invoke, upstream: Upstream) -> None:
    """A failure that is raised after other targets were asked still has the cause that it had."""
    upstream.always(
        lambda recorded: Reply(disconnect=True) if recorded.json()["model"] == "a" else Reply(status=500)
    )
    client = invoke.client(layers=[Fallback({"m": ["a", "b"]})])
    with pytest.raises(APIConnectionError) as caught:
        invoke.chat(client, model="m")
    assert caught.value.__cause__ is not None


def test_a_deadline_says_what_failed_before(invoke: Invoke, upstream: Upstream) -> None:
    """Where the deadline passes at a target, the error is that, with the failures of the targets before."""
    upstream.always(
        lambda recorded: Reply(status=503) if recorded.json()["model"] == "a" else Reply(never=True)
    )
    client = invoke.client(layers=[Fallback({"m": ["a", "b", "c"]})], deadline=3)
    with pytest.raises(DeadlineExceededError) as caught:
        invoke.chat(client, model="m")
    assert [(name, type(error)) for name, error in caught.value.failures] == [("a", InternalServerError)]
    assert asked(upstream) == ["a", "b"]


def test_a_failure_without_a_chain_has_no_others(invoke: Invoke, upstream: Upstream) -> None:
    """An error of a call with one target, or without this policy, has no other failures."""
    upstream.always(status=500)
    for layers in ([], [Fallback()]):
        with pytest.raises(InternalServerError) as caught:
            invoke.chat(invoke.client(layers=layers))
        assert caught.value.failures == ()


def test_an_error_that_is_raised_again_says_it_once(invoke: Invoke) -> None:
    """An error that a policy raises for every call does not grow by a note for each."""
    error = QueueFull("Too many calls at once.", queue_length=0)

    async def full(call: Call, proceed: Next) -> CallReply:
        del call, proceed
        raise error

    client = invoke.client(layers=[Fallback({"m": ["a", "b"]}, on=["queue_full"]), full])
    for _ in range(3):
        with pytest.raises(QueueFull):
            invoke.chat(client, model="m")
    assert len(error.__notes__) == 1


def test_where_nothing_is_sent_the_first_refusal_is_raised(invoke: Invoke, upstream: Upstream) -> None:
    """Where every target refuses the call, the refusal of the first is raised."""
    budget = in_usd(0.0001, {"a": DEAR, "b": DEAR})
    client = invoke.client(layers=[Fallback({"m": ["a", "b"]}), budget])
    with pytest.raises(BudgetExceeded) as caught:
        invoke.chat(client, model="m", max_tokens=1000)
    assert [name for name, _ in caught.value.failures] == ["b"]
    assert asked(upstream) == []


def test_open_circuits_say_when_the_first_of_them_closes(invoke: Invoke, upstream: Upstream) -> None:
    """Where the circuits of all targets are open, the error says when the next call can be made."""
    upstream.always(
        lambda recorded: Reply(
            status=503, headers={"retry-after": "50" if recorded.json()["model"] == "a" else "20"}
        )
    )
    client = invoke.client(layers=[Fallback({"m": ["a", "b"]}, breaker=Breaker(failures=1))])
    with pytest.raises(InternalServerError):
        invoke.chat(client, model="m")
    with pytest.raises(CircuitOpen) as caught:
        invoke.chat(client, model="m")
    assert caught.value.details["target"] == "b"
    assert 0 < (caught.value.retry_after or 0) <= 20
    assert asked(upstream) == ["a", "b"]


def test_an_open_circuit_stands_for_the_failures_that_opened_it(invoke: Invoke, upstream: Upstream) -> None:
    """With the first target's circuit open, a refusal at the second is not shown in its place."""
    upstream.always(status=503)
    layers = [Fallback({"m": ["a", "b"]}, breaker=Breaker(failures=1)), in_usd(5, {"a": {"input": 1}})]
    client = invoke.client(layers=layers)
    for expected in (InternalServerError, CircuitOpen):
        with pytest.raises(expected):
            invoke.chat(client, model="m")


def test_refusals_of_ones_own_open_no_circuit(invoke: Invoke) -> None:
    """A budget that refuses calls of a target says nothing of the target."""
    breaker = Breaker(failures=1)
    budget = in_usd(0.05, {"dear": DEAR, "cheap": {}})
    client = invoke.client(layers=[Fallback({"m": ["dear", "cheap"]}, breaker=breaker), budget])
    for _ in range(3):
        invoke.chat(client, model="m", max_tokens=100)
    assert breaker.open_until("dear") is None


@pytest.mark.parametrize("on", [["context_length"], [400], ["content_filter"]])
def test_the_callers_own_fault_opens_no_circuit(invoke: Invoke, upstream: Upstream, on: Any) -> None:
    """A failure that is of the request leads on where it is chosen, and does not open the circuit of the target."""
    code = "content_filter" if on == ["content_filter"] else "context_length_exceeded"
    upstream.always(
        lambda recorded: (
            Reply(status=400, json={"error": {"code": code}}) if recorded.json()["model"] == "a" else Reply()
        )
    )
    breaker = Breaker(failures=1)
    client = invoke.client(layers=[Fallback({"m": ["a", "b"]}, on=on, breaker=breaker)])
    for _ in range(3):
        invoke.chat(client, model="m")
    assert breaker.open_until("a") is None
    assert asked(upstream) == ["a", "b"] * 3


def test_a_full_queue_hides_no_failure(invoke: Invoke, upstream: Upstream) -> None:
    """Where the next target finds no place, the failure of the one before it is raised."""

    async def full(call: Call, proceed: Next) -> CallReply:
        if record_of(call).target == "b":
            raise QueueFull("Too many calls at once.", queue_length=0, in_flight=1)
        return await proceed(call)

    upstream.always(status=500)
    for names in (["a", "b"], ["a", "b", "c"]):
        with pytest.raises(InternalServerError) as caught:
            invoke.chat(invoke.client(layers=[Fallback({"m": names}), full]), model="m")
        assert [type(error) for _, error in caught.value.failures] == [QueueFull]


def test_any_error_of_a_later_target_is_ours(invoke: Invoke, upstream: Upstream) -> None:
    """A later target that is configured wrongly hides the failure of the first as little as one that is down."""
    upstream.always(status=502)
    other = invoke.client(api_key="other")
    other.api_key = ""
    controls = {"models": {"m": ["a", "other/b"]}, "fallback": {"clients": {"other": other}}}
    with pytest.raises(InternalServerError) as caught:
        invoke.chat(invoke.client(layers=make_layers(controls)), model="m")
    ((name, error),) = caught.value.failures
    assert name == "other/b"
    assert isinstance(error, ConfigError)
    assert isinstance(error, OpenAIError)


OUTCOMES: dict[str, tuple[Callable[[], OpenAIError] | None, bool]] = {
    "ok": (None, False),
    "500": (None, True),
    "400": (None, False),
    "budget": (lambda: BudgetExceeded("planted"), True),
    "unpriced": (lambda: UnknownPriceError("planted"), True),
    "circuit": (lambda: CircuitOpen("planted", retry_after=1), True),
    "rate": (lambda: RateLimitExceeded("planted", limit=1), False),
    "queue": (lambda: QueueFull("planted", queue_length=0), False),
    "config": (lambda: ConfigError("planted"), False),
    "store": (lambda: StoreError("planted"), False),
    "policy": (lambda: PolicyError("planted"), False),
    "guardrail": (lambda: GuardrailError("planted"), False),
}
"""What may come of a target: the error that is raised before anything is sent, and whether it leads on."""
OF_THE_CALL = {"store", "policy", "guardrail"}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(outcomes=st.lists(st.sampled_from(sorted(OUTCOMES)), min_size=2, max_size=5))
def test_every_chain_ends_with_the_error_that_says_most(
    invoke: Invoke, upstream: Upstream, outcomes: list[str]
) -> None:
    """Whatever comes of the targets, the chain goes on as it should and raises the error that it should."""
    upstream.reset()
    names = [f"{number}-{outcome}" for number, outcome in enumerate(outcomes)]

    def answer(recorded: Recorded) -> Reply:
        status = recorded.json()["model"].partition("-")[2]
        return Reply(status=int(status) if status.isdigit() else 200)

    async def refuse(call: Call, proceed: Next) -> CallReply:
        make, _ = OUTCOMES[(record_of(call).target or "").partition("-")[2]]
        if make is not None:
            raise make()
        return await proceed(call)

    upstream.always(answer)
    client = invoke.client(layers=[Fallback({"m": names}, breaker=None), refuse])
    reached = next((n for n, one in enumerate(outcomes) if not OUTCOMES[one][1]), len(outcomes) - 1)
    passed = outcomes[: reached + 1]
    if passed[-1] == "ok":
        record = call_record(invoke.chat(client, model="m"))
        assert record is not None
        assert record.target == names[reached]
        return
    with pytest.raises(OpenAIError) as caught:
        invoke.chat(client, model="m")
    sent = [number for number, one in enumerate(passed) if one.isdigit()]
    expected = reached if passed[-1] in OF_THE_CALL else sent[0] if sent else 0
    error = caught.value
    make, _ = OUTCOMES[passed[expected]]
    if make is None:
        assert isinstance(error, APIStatusError)
        assert str(error.status_code) == passed[expected]
    else:
        assert type(error) is type(make())
    assert [name for name, _ in error.failures] == [
        name for number, name in enumerate(names[: reached + 1]) if number != expected
    ]
    assert len(upstream.requests) == len(sent)
