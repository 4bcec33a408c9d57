"""Policies around a call, one per module. Each works alone, with both clients.

Public names are imported on first use: a policy that is not configured is never loaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._call.call import Call as Call, Reply as Reply, StreamEnd as StreamEnd
    from .._call.pipeline import Layer as Layer, Next as Next, Policy as Policy
    from .._call.record import Record as Record
    from .._call.usage import Meter as Meter, Usage as Usage
    from .._io import IO as IO
    from .accounting.budget import Budget as Budget, Budgets as Budgets, BudgetWarning as BudgetWarning
    from .accounting.cost import Cost as Cost
    from .accounting.rate_limit import RateLimit as RateLimit, RateLimits as RateLimits
    from .alerts.alert import Alert as Alert, AlertKind as AlertKind
    from .alerts.rule import AlertRule as AlertRule
    from .answering import answer as answer
    from .assembly import make_layers as make_layers
    from .breaker import Breaker as Breaker
    from .cache.directives import cache_tags as cache_tags
    from .cache.policy import Cache as Cache
    from .concurrency import Concurrency as Concurrency
    from .fallback.policy import Fallback as Fallback
    from .guardrails import Guardrails as Guardrails, Rules as Rules
    from .journal.policy import Journal as Journal
    from .observability.hooks import Hooks as Hooks
    from .observability.logs import Logs as Logs
    from .observability.metrics import Metrics as Metrics
    from .observability.redaction.policy import Redaction as Redaction
    from .observability.telemetry import Telemetry as Telemetry
    from .own_policies import (
        PolicyFactory as PolicyFactory,
        PolicyOptions as PolicyOptions,
        PolicyPlace as PolicyPlace,
    )
    from .pricing.meter import usage_meter as usage_meter
    from .pricing.price import Price as Price
    from .pricing.prices import Prices as Prices
    from .record import call_record as call_record
    from .retry_budget import RetryBudget as RetryBudget
    from .statistics.policy import Statistics as Statistics
    from .trim import trim_messages as trim_messages

_HOMES = {
    ".alerts.alert": "Alert AlertKind",
    ".alerts.rule": "AlertRule",
    ".breaker": "Breaker",
    ".accounting.budget": "Budget Budgets BudgetWarning",
    ".cache.directives": "cache_tags",
    ".cache.policy": "Cache",
    ".._call.call": "Call Reply StreamEnd",
    ".._call.pipeline": "Layer Next Policy",
    ".concurrency": "Concurrency",
    ".accounting.cost": "Cost",
    ".fallback.policy": "Fallback",
    ".guardrails": "Guardrails Rules",
    ".journal.policy": "Journal",
    ".observability.hooks": "Hooks",
    ".observability.logs": "Logs",
    ".observability.metrics": "Metrics",
    ".answering": "answer",
    ".assembly": "make_layers",
    ".own_policies": "PolicyFactory PolicyOptions PolicyPlace",
    ".pricing.meter": "usage_meter",
    ".pricing.price": "Price",
    ".pricing.prices": "Prices",
    ".accounting.rate_limit": "RateLimit RateLimits",
    ".._call.record": "Record",
    ".record": "call_record",
    ".observability.redaction.policy": "Redaction",
    ".retry_budget": "RetryBudget",
    ".statistics.policy": "Statistics",
    ".observability.telemetry": "Telemetry",
    ".trim": "trim_messages",
    ".._call.usage": "Meter Usage",
    ".._io": "IO",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [*_HOME_OF]  # noqa: PLE0604 - strings all  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home, __name__), name)
    return value
