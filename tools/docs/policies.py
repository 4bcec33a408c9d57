"""Tables of the policies' options, from the fields and docstrings of their classes."""

import inspect
import re
from dataclasses import MISSING, Field, fields
from typing import Any, cast, get_type_hints

from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.accounting.cost import Cost
from ai_client.control.accounting.rate_limit import RateLimit, RateLimits
from ai_client.control.breaker import Breaker
from ai_client.control.cache.policy import Cache
from ai_client.control.concurrency import Concurrency
from ai_client.control.fallback import Fallback
from ai_client.control.guardrails import Guardrails
from ai_client.control.observability.hooks import Hooks
from ai_client.control.observability.logs import Logs
from ai_client.control.observability.redaction.policy import Redaction
from ai_client.control.observability.telemetry import Telemetry
from ai_client.control.pricing.price import Price
from ai_client.control.pricing.prices import Prices
from ai_client.control.retry_budget import RetryBudget

POLICIES: dict[str, tuple[type[Any], frozenset[str]]] = {
    "budgets": (Budget, frozenset()),
    "budget_options": (Budgets, frozenset({"budgets", "store", "prices"})),
    "cost": (Cost, frozenset({"prices", "store"})),
    "prices": (Price, frozenset()),
    "price_options": (Prices, frozenset({"models"})),
    "rate_limits": (RateLimit, frozenset()),
    "rate_limit_options": (RateLimits, frozenset({"limits", "store"})),
    "concurrency": (Concurrency, frozenset()),
    "retry_budget": (RetryBudget, frozenset()),
    "cache": (Cache, frozenset({"store", "namespace"})),
    "fallback": (Fallback, frozenset({"models", "breaker"})),
    "breaker": (Breaker, frozenset({"store"})),
    "guardrails": (Guardrails, frozenset()),
    "hooks": (Hooks, frozenset({"redaction"})),
    "logs": (Logs, frozenset({"redaction"})),
    "telemetry": (Telemetry, frozenset({"redaction"})),
    "redaction": (Redaction, frozenset()),
}
"""The class behind each option of `controls`, and its fields that other options set."""
_ENTRY = re.compile(r"^ {4}(\w[\w, ]*): (.*(?:\n {8}.*)*)", re.MULTILINE)
_SECTION = re.compile(r"^(?:Args|Attributes):\n((?: {4}.*\n?|\n)+)", re.MULTILINE)


def policy(option: str, type_name: Any) -> str:
    """Return the table of an option's members."""
    cls, hidden = POLICIES[option]
    hints = get_type_hints(cls, localns={"Store": Any, "Waiter": Any})
    said = descriptions(cls)
    rows = ["| Member | Type | Default | What it is |", "| --- | --- | --- | --- |"]
    for one in fields(cls):
        if one.init and one.name not in hidden:
            kind = type_name(hints[one.name])
            rows.append(f"| `{one.name}` | {kind} | {default(one)} | {said[one.name]} |")
    return "\n".join([f"`{option}`:", "", *rows])


def descriptions(cls: type[Any]) -> dict[str, str]:
    """Return the descriptions of a class's arguments, from its docstring and those of its bases."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        section = _SECTION.search((inspect.cleandoc(base.__doc__ or "") + "\n") if base.__doc__ else "")
        for names, text in _ENTRY.findall(section[1] if section else ""):
            for name in names.split(", "):
                found[name] = " ".join(text.split()).replace("|", "\\|")
    return found


def default(one: Field[Any]) -> str:
    """Format the default of an argument."""
    if one.default is not MISSING:
        return "" if one.default is None else f"`{one.default!r}`"
    if one.default_factory is MISSING:
        return "required"
    made = cast("Any", one.default_factory)()
    return f"`{made!r}`" if made else ""
