"""Tables of the policies' options, from the fields and docstrings of their classes."""

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import Any, NamedTuple, cast, get_type_hints

from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.accounting.cost import Cost
from ai_client.control.accounting.rate_limit import RateLimit, RateLimits
from ai_client.control.alerts.rule import AlertRule
from ai_client.control.breaker import Breaker
from ai_client.control.cache.policy import Cache
from ai_client.control.concurrency import Concurrency
from ai_client.control.fallback import Fallback
from ai_client.control.guardrails import Guardrails
from ai_client.control.journal.policy import Journal
from ai_client.control.observability.hooks import Hooks
from ai_client.control.observability.logs import Logs
from ai_client.control.observability.metrics import Metrics
from ai_client.control.observability.redaction.policy import Redaction
from ai_client.control.observability.telemetry import Telemetry
from ai_client.control.pricing.price import Price
from ai_client.control.pricing.prices import Prices
from ai_client.control.retry_budget import RetryBudget
from ai_client.control.statistics.policy import Statistics
from tools.docs.notation import descriptions, head, row, type_name, unit

POLICIES: dict[str, tuple[type[Any], frozenset[str]]] = {
    "budgets": (Budget, frozenset()),
    "budget_options": (Budgets, frozenset({"budgets", "store", "prices", "watcher"})),
    "cost": (Cost, frozenset({"prices", "store"})),
    "prices": (Price, frozenset()),
    "price_options": (Prices, frozenset({"models"})),
    "rate_limits": (RateLimit, frozenset()),
    "rate_limit_options": (RateLimits, frozenset({"limits", "store"})),
    "concurrency": (Concurrency, frozenset()),
    "retry_budget": (RetryBudget, frozenset()),
    "cache": (Cache, frozenset({"store", "namespace"})),
    "fallback": (Fallback, frozenset({"models", "breaker", "store", "on_open"})),
    "breaker": (Breaker, frozenset({"store"})),
    "guardrails": (Guardrails, frozenset()),
    "hooks": (Hooks, frozenset({"redaction"})),
    "logs": (Logs, frozenset({"redaction"})),
    "telemetry": (Telemetry, frozenset({"redaction"})),
    "metrics": (Metrics, frozenset({"store", "client", "statistics", "is_shown"})),
    "statistics": (Statistics, frozenset({"store", "client", "prices"})),
    "journal": (Journal, frozenset({"store", "client", "redaction"})),
    "redaction": (Redaction, frozenset()),
    "alerts": (AlertRule, frozenset()),
}
"""The class behind each option of `controls`, and its fields that other options set."""
_OF_EACH = {
    "budgets": "each of ",
    "rate_limits": "each of ",
    "alerts": "each of ",
    "prices": "each model of ",
}


class Member(NamedTuple):
    """A member of an option of `controls`: its name, annotation, default as it is written, and description."""

    name: str
    annotation: Any
    default: str
    description: str


def members(option: str) -> Iterator[Member]:
    """Yield the members of an option of `controls`."""
    cls, hidden = POLICIES[option]
    hints = get_type_hints(cls, localns={"Store": Any, "Waiter": Any})
    said = descriptions(cls)
    for one in fields(cls):
        if one.init and one.name not in hidden:
            yield Member(one.name, hints[one.name], default(one), said[one.name])


def policy(option: str) -> str:
    """Return the table of an option's members."""
    cls, _ = POLICIES[option]
    rows = head("Member", "Type", "Unit", "Default", "What it is")
    rows += [
        row(f"`{one.name}`", type_name(one.annotation), unit(one.annotation, one.description), *one[2:])
        for one in members(option)
    ]
    where = f'{_OF_EACH.get(option, "")}`controls["{option}"]`'
    return "\n".join([f"Members of {where}, keywords of `{cls.__name__}`:", "", *rows])


def default(one: Field[Any]) -> str:
    """Format the default of an argument."""
    if one.default is not MISSING:
        return "" if one.default is None else f"`{one.default!r}`"
    if one.default_factory is MISSING:
        return "required"
    made = cast("Any", one.default_factory)()
    return f"`{made!r}`" if made else ""
