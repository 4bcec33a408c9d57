"""Policies around a call, one a file; each works alone and on both clients.

Names are resolved when first used: a policy that is not configured costs nothing, not even its import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .breaker import Breaker as Breaker
    from .budget import Budget as Budget, Budgets as Budgets, BudgetWarning as BudgetWarning
    from .cache import Cache as Cache
    from .call import Call as Call, Layer as Layer, Next as Next, Reply as Reply
    from .concurrency import Concurrency as Concurrency
    from .cost import Cost as Cost
    from .fallback import Fallback as Fallback
    from .guardrails import Guardrails as Guardrails, Rules as Rules
    from .hooks import Hooks as Hooks
    from .logs import Logs as Logs
    from .options import make_layers as make_layers
    from .prices import Price as Price, Prices as Prices
    from .rate_limit import RateLimit as RateLimit, RateLimits as RateLimits
    from .record import Record as Record, call_record as call_record
    from .redaction import Redaction as Redaction
    from .retry_budget import RetryBudget as RetryBudget
    from .telemetry import Telemetry as Telemetry
    from .trim import trim_messages as trim_messages
    from .usage import Usage as Usage

_HOMES = {
    "breaker": "Breaker",
    "budget": "Budget Budgets BudgetWarning",
    "cache": "Cache",
    "call": "Call Layer Next Reply",
    "concurrency": "Concurrency",
    "cost": "Cost",
    "fallback": "Fallback",
    "guardrails": "Guardrails Rules",
    "hooks": "Hooks",
    "logs": "Logs",
    "options": "make_layers",
    "prices": "Price Prices",
    "rate_limit": "RateLimit RateLimits",
    "record": "Record call_record",
    "redaction": "Redaction",
    "retry_budget": "RetryBudget",
    "telemetry": "Telemetry",
    "trim": "trim_messages",
    "usage": "Usage",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [*_HOME_OF]  # noqa: PLE0604 - strings all  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value
