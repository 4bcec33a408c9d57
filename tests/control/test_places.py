"""Where calls count."""

from typing import Any

import pytest

from ai_client import BudgetExceeded, Labels
from ai_client.control import Record
from ai_client.control.accounting.budget import Budget
from ai_client.control.accounting.places import places_of, takes_of
from ai_client.control.accounting.rate_limit import RateLimit
from ai_client.control.assembly import make_layers
from tests.support.invoke import CHAT, Invoke
from tests.support.policies import Clock

EVERYBODY = [
    Record(Labels(endpoint, tenant, user), model)
    for endpoint in ("/a", None)
    for tenant in ("one", "two", None)
    for user in (*map(str, range(50)), None)
    for model in ("m", "n", None)
]


@pytest.mark.parametrize(
    ("scopes", "callers"),
    [
        (["all"], 1),
        (["process"], 1),
        (["all", "process"], 1),
        (["tenant"], 3),
        (["endpoint", "all"], 2),
        (["model"], 3),
        ([("tenant", "model"), "tenant"], 9),
        (["user"], 51),
        ([("endpoint", "tenant", "user", "model")], len(EVERYBODY)),
    ],
)
@pytest.mark.parametrize("kind", [Budget, RateLimit])
def test_callers_that_are_told_apart(kind: Any, scopes: list[Any], callers: int) -> None:
    """Callers count together exactly where no scope in use tells them apart."""
    limits = [
        kind(requests=1, per="minute", scope=scope, name=str(number)) for number, scope in enumerate(scopes)
    ]

    def keys(record: Record) -> tuple[str, ...]:
        if kind is Budget:
            return tuple(place.key for place in places_of(limits, record, 1.0))
        return tuple(take.key for take in takes_of(limits, record, 0).all)

    assert len({keys(record) for record in EVERYBODY}) == callers


def test_more_callers_than_are_remembered() -> None:
    """However many callers a budget has, each counts in its own ledger, the same one each time."""
    budget = Budget(requests=1, per="minute", scope="user")
    callers = [Record(Labels(user=str(number))) for number in range(2500)]
    first = [budget.places.of(record, 1.0).key for record in callers]
    assert len({*first}) == len(callers)
    assert [budget.places.of(record, 2.0).key for record in callers] == first


@pytest.mark.parametrize("model", [["m"], {"name": "m"}, 5])
def test_model_that_is_no_text(invoke: Invoke, model: Any) -> None:
    """What is given for a model but is no text counts as a model that is not known, and is the upstream's to judge."""
    layers = make_layers(
        {
            "budgets": [{"requests": 5, "scope": "model"}],
            "rate_limits": [{"requests": 5, "scope": "model"}],
            "prices": {"m": {"input": 1, "output": 1}},
            "cost": True,
        }
    )
    client = invoke.client(layers=layers)
    assert invoke(client.chat.completions.create, **{**CHAT, "model": model}).id


def test_a_window_that_ended_counts_no_more(invoke: Invoke, clock: Clock) -> None:
    """A budget is fresh in each window, and a clock that was set back finds the one that it left."""
    budgets = [{"requests": 2, "per": "hour"}, {"requests": 100, "per": "day", "timezone": "Europe/Berlin"}]
    client = invoke.client(layers=make_layers({"budgets": budgets}))
    client.io.now = clock
    for _ in range(3):
        invoke.chat(client)
        invoke.chat(client)
        with pytest.raises(BudgetExceeded):
            invoke.chat(client)
        clock.now += 3600
    clock.now -= 2 * 3600
    with pytest.raises(BudgetExceeded):
        invoke.chat(client)
