"""Where calls count, found once for each caller that the limits tell apart."""

from typing import Any

import pytest

from ai_client import Labels
from ai_client.control import Record
from ai_client.control.accounting.budget import Budget
from ai_client.control.accounting.places import PlaceFinder
from ai_client.control.accounting.rate_limit import RateLimit
from ai_client.control.assembly import make_layers
from tests.support.invoke import CHAT, Invoke

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
def test_kept_for_callers_that_are_told_apart(kind: Any, scopes: list[Any], callers: int) -> None:
    """What is kept grows with the callers that the scopes in use tell apart, and each caller gets its own."""
    limits = [
        kind(requests=1, per="minute", scope=scope, name=str(number)) for number, scope in enumerate(scopes)
    ]
    finder = PlaceFinder(limits, ()) if kind is Budget else PlaceFinder((), limits)
    fresh = PlaceFinder(limits, ()) if kind is Budget else PlaceFinder((), limits)
    for record in EVERYBODY:
        found = finder.at(1.0, record)
        assert found == fresh._stretch_at(1.0).callers.of(record)
        assert finder.at(1.0, record) is found
    assert len(finder._stretch.callers._known()) == callers


def test_what_is_kept_is_bounded() -> None:
    """However many callers there are, no more than a few thousand are remembered."""
    finder = PlaceFinder([Budget(usd=1, scope="user")], ())
    for number in range(10_000):
        assert finder.at(1.0, Record(Labels(user=str(number)))).budgets[0].key.endswith(f"user={number}")
    assert len(finder._stretch.callers._known()) <= 2_000


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
