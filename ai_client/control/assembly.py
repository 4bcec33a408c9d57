"""Build policies from plain options: validate them, resolve dotted paths, and chain the policies in order."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .._call.pipeline import Policy
from ..errors import ConfigError
from ..stores import open_store
from .accounting.budget import Budget, Budgets
from .accounting.cost import Cost
from .accounting.rate_limit import RateLimit, RateLimits
from .breaker import Breaker
from .cache.policy import Cache
from .concurrency import Concurrency
from .fallback.policy import Fallback
from .guardrails import Guardrails, Rules
from .journal.parts import CallJournal, TargetJournal
from .observability.metrics import CallMetrics, Metrics, TargetMetrics
from .options.checking import check_names, checked, checked_options, make, mapping, resolved, sequence
from .own_policies import placed
from .pricing.price import Price
from .pricing.prices import Prices
from .retry_budget import RetryBudget
from .statistics.policy import Statistics
from .watching import journals_in, watching

if TYPE_CHECKING:
    from .alerts.alerts import Alerts

P = TypeVar("P")
_OF_DASHBOARD = ("cost", "metrics", "statistics", "journal")
"""Options that `dashboard` turns on."""
OPTIONS: Mapping[str, str] = {
    "dashboard": "`True` is short for `cost`, `metrics`, `statistics` and `journal`, but for those that are given.",
    "store": "The address of shared state, see `open_store`; `memory://` by default.",
    "on_store_failure": "While the store is down, `open` lets calls through and `closed` raises `StoreError`.",
    "redaction": "What hooks, logs and traces may see, see `Redaction`.",
    "policies": "A list of policies of your own, see `PolicyOptions`.",
    "hooks": "Callbacks, or their dotted paths, see `Hooks`.",
    "logs": "One log record per call: `True`, or see `Logs`.",
    "telemetry": "OpenTelemetry spans and metrics: `True`, or see `Telemetry`.",
    "metrics": "Counts for Prometheus and OpenTelemetry: `True`, or see `Metrics`.",
    "statistics": "Calls, tokens, cost and times by minute, hour and day: `True`, or see `Statistics`.",
    "journal": "The last calls, one by one: `True`, or see `Journal`.",
    "guardrails": "Rules that requests must meet, see `Guardrails`.",
    "cache": "Cached responses for equal requests, see `Cache`; `scope` is required.",
    "models": "Model aliases and fallback chains, see `Fallback`.",
    "fallback": "Options of the chains, see `Fallback`.",
    "breaker": "Circuit breaker for each target, see `Breaker`; `False` disables it.",
    "budgets": "A list of budgets, see `Budget`.",
    "budget_options": "Options for all budgets, see `Budgets`.",
    "cost": "Tokens and cost per call, and their totals: `True`, or see `Cost`.",
    "prices": "Prices by model or pattern, in USD per million tokens, see `Price`.",
    "price_options": "Where other prices come from, see `Prices`.",
    "rate_limits": "A list of rate limits, see `RateLimit`.",
    "rate_limit_options": "Options for all rate limits, see `RateLimits`.",
    "concurrency": "How many calls run at once: a number, or see `Concurrency`.",
    "retry_budget": "Retries as a share of traffic: `True`, or see `RetryBudget`.",
    "alerts": "A list of what to alert of, and whom, see `AlertRule`.",
}
"""Every option with its description."""

Connect = Callable[[Mapping[str, Any], str], Callable[[bool], Any]]
"""Takes a client's options and a prefix for error messages; returns a factory of the sync or async client."""


def make_layers(
    controls: Mapping[str, Any],
    *,
    namespace: str = "",
    connect: Connect | None = None,
    factories: bool = True,
    client: str = "default",
    network: Mapping[str, Any] | None = None,
) -> tuple[Policy, ...]:
    """Build the policies that *controls* configures, outermost first.

    The order: the application's own policies that are `outermost` wrap all others. Alerts, telemetry, logs and hooks
    see every call that these let through, including cache hits and calls that another policy rejects. Guardrails come
    before the cache, so that the cache key is that of the request as it is sent. The cache comes before everything that
    counts, because a hit costs nothing. Fallback comes before budgets, cost and rate limits, so that each target is
    counted under its own name and price, and a target that is skipped reserves nothing; own policies for each
    `target` come between. Budgets wrap cost, because they settle with the figure that cost computes. Rate limits come
    before concurrency, so that no call holds a slot while it waits for a window. The retry budget is next to the
    retries, and wraps only own policies that are `innermost`.

    Args:
        controls: Options by name, see `OPTIONS`.
        namespace: Separates this client's cached responses from those of others in the same store.
        connect: Builds the clients that `fallback` defines by their options.
        client: The alias of the clients that they are for.
        network: Options of the pool that alerts are sent by: whose certificates are trusted.
        factories: Whether factories of own policies are called; otherwise they are validated and left out.

    Raises:
        ConfigError: An option is unknown, ill-typed or contradicts another.
        ImportError: The library that an option needs is not installed.
    """
    if "layers" in controls:
        raise ConfigError("layers: unknown option. Did you mean 'policies'?")
    check_names("", controls, OPTIONS)
    given = asked_for(controls)
    store = _store(given)
    own = placed(given.get("policies", ()), factories=factories)
    metrics = _metrics(given, store, client)
    journals = journals_in(given, store, client)
    has_breaker = controls.get("breaker") is not False
    alerts: Alerts | None = None
    if "alerts" in given:
        from .alerts.making import make_alerts  # noqa: PLC0415 - only where they are asked for

        alerts = make_alerts(given, store, client, network or {}, has_breaker=has_breaker)
    layers: list[Any] = [*own["outermost"], *map(CallMetrics, metrics), *map(CallJournal, journals)]
    layers += [] if alerts is None else [alerts, *alerts.policies]
    layers += watching(given)
    if "guardrails" in given:
        layers.append(_guardrails(given["guardrails"]))
    if "cache" in given:
        layers.append(make(Cache, given["cache"], "cache", store=store, namespace=namespace))
    if given.keys() & {"models", "fallback", "breaker"}:
        layers.append(_fallback(given, store, connect, alerts, has_breaker=has_breaker))
    layers += [
        *own["target"],
        *map(TargetMetrics, metrics),
        *map(TargetJournal, journals),
        *_counting(given, store, alerts),
    ]
    if "concurrency" in given:
        bound = given["concurrency"]
        bound = {"max_in_flight": bound} if type(bound) is int else bound
        layers.append(make(Concurrency, bound, "concurrency"))
    if "retry_budget" in given:
        layers.append(make(RetryBudget, given["retry_budget"], "retry_budget"))
    return (*layers, *own["innermost"])


def asked_for(controls: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are on, those that `dashboard` stands for included.

    Raises:
        ConfigError: `dashboard` is neither `True` nor `False`.
    """
    dashboard: object = controls.get("dashboard")
    if dashboard is not None and not isinstance(dashboard, bool):
        raise ConfigError("dashboard: expected True or False; what it records has options of its own.")
    given = {**controls}
    if dashboard:
        for name in _OF_DASHBOARD:
            if given.get(name) is None:
                given[name] = True
    return {name: value for name, value in given.items() if value is not None and value is not False}


def _metrics(given: Mapping[str, Any], store: Any, client: str) -> list[Metrics]:
    """Build the policy that counts calls, where its figures are asked for, or the statistics that it feeds."""
    statistics = None
    if "statistics" in given:
        prices = _prices(given)
        options = given["statistics"]
        statistics = make(Statistics, options, "statistics", store=store, client=client, prices=prices)
        if isinstance(given.get("metrics"), Metrics):
            raise ConfigError("metrics: expected options, as `statistics` are fed from the same counts.")
    elif "metrics" not in given:
        return []
    more = {"store": store, "client": client, "statistics": statistics, "is_shown": "metrics" in given}
    return [make(Metrics, given.get("metrics", True), "metrics", **more)]


def _counting(given: Mapping[str, Any], store: Any, alerts: "Alerts | None") -> list[Any]:
    """Build the policies that count in the store."""
    prices = _prices(given)
    layers: list[Any] = []
    if given.keys() & {"budgets", "budget_options"}:
        budgets = _make_each(Budget, {"budgets": _with_callbacks(given.get("budgets", ()))}, "budgets")
        options = mapping(given.get("budget_options", {}), "budget_options")
        watcher = alerts if alerts is not None and alerts.watches("budget") else None
        more = {"budgets": budgets, "store": store, "prices": prices, "watcher": watcher}
        made = make(Budgets, options, "budget_options", **more)
        if "budgets" in given:
            layers.append(made)
    if "cost" in given:
        layers.append(make(Cost, given["cost"], "cost", store=store, prices=prices))
    if given.keys() & {"rate_limits", "rate_limit_options"}:
        limits = _make_each(RateLimit, given, "rate_limits")
        options = mapping(given.get("rate_limit_options", {}), "rate_limit_options")
        layers.append(make(RateLimits, options, "rate_limit_options", limits=limits, store=store))
    return layers


def _make_each(cls: type[P], given: Mapping[str, Any], name: str) -> list[P]:
    entries = sequence(given.get(name, ()), name)
    return [make(cls, options, f"{name}[{number}]") for number, options in enumerate(entries)]


def _store(given: Mapping[str, Any]) -> Any:
    """Return the configured store; open it where an address is given."""
    place = given.get("store", "memory://")
    if isinstance(place, str):
        on_failure: Any = given.get("on_store_failure", "open")
        if on_failure not in ("open", "closed"):
            raise ConfigError("on_store_failure must be 'open' or 'closed'.")
        return open_store(place, on_failure=on_failure)
    if not hasattr(place, "admit"):
        raise ConfigError(f"store: expected an address or a store, not {type(place).__name__}.")
    if "on_store_failure" in given:
        raise ConfigError("on_store_failure: a store object has its own `on_failure`; set it there.")
    return place


def _prices(given: Mapping[str, Any]) -> Prices:
    prices = given.get("prices", {})
    if isinstance(prices, Prices):
        return prices
    models = {
        model: make(Price, price, f"prices.{model}") for model, price in mapping(prices, "prices").items()
    }
    return make(Prices, given.get("price_options", {}), "price_options", models=models)


def _guardrails(options: object) -> Guardrails:
    if isinstance(options, Guardrails):
        return options
    given = dict(mapping(options, "guardrails"))
    where = "guardrails.endpoints"
    if given.get("endpoints") is not None:
        given["endpoints"] = {
            endpoint: rules
            if isinstance(rules, Rules)
            else checked_options(Rules, rules, f"{where}.{endpoint}")
            for endpoint, rules in mapping(given["endpoints"], where).items()
        }
    return make(Guardrails, given, "guardrails")


def _with_callbacks(budgets: object) -> object:
    """Return the budgets with the dotted path in each `on_warning` resolved."""

    def completed(budget: Any, where: str) -> Any:
        if not isinstance(budget, Mapping) or "on_warning" not in budget:
            return cast("Any", budget)
        options = cast("Mapping[str, Any]", budget)
        return {**options, "on_warning": resolved(options["on_warning"], f"{where}.on_warning")}

    if not isinstance(budgets, list | tuple):
        return budgets
    each = enumerate(cast("Sequence[Any]", budgets))
    return [completed(budget, f"budgets[{number}]") for number, budget in each]


def _fallback(
    given: Mapping[str, Any],
    store: Any,
    connect: Connect | None,
    alerts: "Alerts | None",
    *,
    has_breaker: bool,
) -> Fallback:
    if isinstance(given.get("fallback"), Fallback):
        raise ConfigError("fallback: expected a mapping of options; pass a policy object in `layers`.")
    options = dict(mapping(given.get("fallback", {}), "fallback"))
    clients = dict(mapping(options.pop("clients", {}), "fallback.clients"))
    for name, client in clients.items():
        clients[name] = _client(client, f"fallback.clients.{name}", connect)
    breaker = make(Breaker, given.get("breaker", {}), "breaker", store=store) if has_breaker else None
    models = checked(Mapping[str, str | Sequence[str]], mapping(given.get("models", {}), "models"), "models")
    on_open = alerts.opened if alerts is not None and alerts.watches("breaker") else None
    more = {"models": models, "clients": clients, "breaker": breaker, "store": store, "on_open": on_open}
    return make(Fallback, options, "fallback", **more)


def _client(given: object, where: str, connect: Connect | None) -> Any:
    """Return a fallback client, or a factory that returns one."""
    if isinstance(given, Mapping) and connect is not None:
        return connect(cast("Mapping[str, Any]", given), f"{where}.")
    client = resolved(given, where)
    if not callable(client) and not hasattr(client, "perform"):
        raise ConfigError(f"{where}: expected options, a client, or a function that returns a client.")
    return client
