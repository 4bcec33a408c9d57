"""Policies from plain data: checked, completed, and put around each other in the one right order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from typing import Any, TypeVar, cast, get_type_hints

import pydantic

from ..errors import ConfigError
from ..stores import open_store
from .breaker import Breaker
from .budget import Budget, Budgets
from .cache import Cache
from .call import Layer
from .concurrency import Concurrency
from .cost import Cost
from .fallback import Fallback
from .guardrails import Guardrails
from .hooks import Hooks
from .logs import Logs
from .prices import Prices
from .rate_limit import RateLimit, RateLimits
from .redaction import Redaction
from .retry_budget import RetryBudget

P = TypeVar("P")
OPTIONS: Mapping[str, str] = {
    "store": "The address of shared state, see `open_store`; `memory://` by default.",
    "on_store_failure": "`open` lets calls through while the store is down, `closed` refuses them.",
    "redaction": "What hooks, logs and traces may see, see `Redaction`.",
    "hooks": "Functions or their dotted paths, see `Hooks`.",
    "logs": "One record a call: `True`, or see `Logs`.",
    "telemetry": "OpenTelemetry spans and metrics: `True`, or see `Telemetry`.",
    "guardrails": "Rules about calls, see `Guardrails`.",
    "cache": "Answers kept for equal calls, see `Cache`; `scope` is required.",
    "models": "Names for models and chains of models, see `Fallback`.",
    "fallback": "More about chains: `default`, `clients`, `on`, `retries`, see `Fallback`.",
    "breaker": "When a target is left alone, see `Breaker`; `False` is never.",
    "budgets": "A list of budgets, see `Budget`.",
    "budget_options": "About all budgets: `output_tokens`, `expires`, see `Budgets`.",
    "cost": "Tokens and cost of calls and their sums: `True`, or see `Cost`.",
    "prices": "Prices by model, in USD per million tokens, see `Price`.",
    "rate_limits": "A list of rates, see `RateLimit`.",
    "rate_limit_options": "About all rates: `max_wait`, `upstream`, `output_tokens`, see `RateLimits`.",
    "concurrency": "How many calls run at once: a number, or see `Concurrency`.",
    "retry_budget": "Retries as a share of traffic: `True`, or see `RetryBudget`.",
}
"""The options and what they are."""

Connect = Callable[[Mapping[str, Any], str], Callable[[bool], Any]]
"""Makes, of a client's options and how to name them in messages, a function that gives the client."""


def make_layers(
    controls: Mapping[str, Any], *, namespace: str = "", connect: Connect | None = None
) -> tuple[Layer, ...]:
    """Make the policies that *controls* asks for, the outermost first.

    The order is: telemetry, logs and hooks see everything, answers from the cache and refusals included. Guardrails
    come before the cache, so that it keeps what would really be sent. The cache comes before everything that counts,
    for an answer from it costs nothing. Fallback comes before budgets, cost and limits, so that each target is
    counted by its own price and name, and a target that is refused holds nothing. Budgets are around cost, whose
    figure they settle. Rates come before concurrency, so that nobody holds a slot while waiting for time to pass.
    The retry budget is innermost, next to the retries.

    Args:
        controls: Options by name, see `OPTIONS`.
        namespace: What tells cached answers of this client from others in the same store.
        connect: Makes the clients that `fallback` names by their options.

    Raises:
        ConfigError: An option is unknown, ill-typed or contradicts another.
        ImportError: The library that an option needs is not installed.
    """
    _check_names("", controls, OPTIONS)
    given = {name: value for name, value in controls.items() if value is not None and value is not False}
    place = given.get("store", "memory://")
    store: Any = place
    if isinstance(place, str):
        store = open_store(place, on_failure=given.get("on_store_failure", "open"))
    layers: list[Any] = _watching(given)
    if "guardrails" in given:
        layers.append(_make(Guardrails, given["guardrails"], "guardrails"))
    if "cache" in given:
        layers.append(_make(Cache, given["cache"], "cache", store=store, namespace=namespace))
    if given.keys() & {"models", "fallback", "breaker"}:
        layers.append(_fallback(given, connect, has_breaker=controls.get("breaker") is not False))
    layers += _counting(given, store)
    if "concurrency" in given:
        bound = given["concurrency"]
        bound = {"max_in_flight": bound} if isinstance(bound, int) else bound
        layers.append(_make(Concurrency, bound, "concurrency"))
    if "retry_budget" in given:
        layers.append(_make(RetryBudget, given["retry_budget"], "retry_budget"))
    return tuple(layers)


def _watching(given: Mapping[str, Any]) -> list[Any]:
    """Make the policies that see everything and change nothing."""
    redaction = _make(Redaction, given.get("redaction", {}), "redaction")
    layers: list[Any] = []
    if "telemetry" in given:
        from .telemetry import Telemetry  # noqa: PLC0415 - only where it is asked for

        layers.append(_make(Telemetry, given["telemetry"], "telemetry", redaction=redaction))
    if "logs" in given:
        layers.append(_make(Logs, given["logs"], "logs", redaction=redaction))
    if "hooks" in given:
        hooks = _resolved(_mapping(given["hooks"], "hooks"))
        layers.append(_make(Hooks, hooks, "hooks", redaction=redaction))
    return layers


def _counting(given: Mapping[str, Any], store: Any) -> list[Any]:
    """Make the policies that count in the store."""
    prices = Prices(_mapping(given.get("prices", {}), "prices"))
    layers: list[Any] = []
    if "budgets" in given:
        budgets = _make_each(Budget, given, "budgets")
        options = _mapping(given.get("budget_options", {}), "budget_options")
        layers.append(_make(Budgets, options, "budget_options", budgets=budgets, store=store, prices=prices))
    if "cost" in given:
        layers.append(_make(Cost, given["cost"], "cost", store=store, prices=prices))
    if given.keys() & {"rate_limits", "rate_limit_options"}:
        limits = _make_each(RateLimit, given, "rate_limits")
        options = _mapping(given.get("rate_limit_options", {}), "rate_limit_options")
        layers.append(_make(RateLimits, options, "rate_limit_options", limits=limits, store=store))
    return layers


def _make_each(cls: type[P], given: Mapping[str, Any], name: str) -> list[P]:
    entries = _sequence(given.get(name, ()), name)
    return [_make(cls, options, f"{name}[{number}]") for number, options in enumerate(entries)]


def _fallback(given: Mapping[str, Any], connect: Connect | None, *, has_breaker: bool) -> Fallback:
    options = dict(_mapping(given.get("fallback", {}), "fallback"))
    clients = dict(_mapping(options.pop("clients", {}), "fallback.clients"))
    for name, client in clients.items():
        if isinstance(client, Mapping):
            if connect is None:
                raise ConfigError(f"fallback.clients.{name}: give a client, or a function that gives one.")
            clients[name] = connect(cast("Mapping[str, Any]", client), f"fallback.clients.{name}.")
    breaker = _make(Breaker, given.get("breaker", {}), "breaker") if has_breaker else None
    models = _mapping(given.get("models", {}), "models")
    return _make(Fallback, options, "fallback", models=models, clients=clients, breaker=breaker)


def _make(cls: type[P], options: object, where: str, **more: Any) -> P:
    """Make a policy of its options by name; `True` is all defaults."""
    if isinstance(options, cls):
        return options
    given = dict(_mapping({} if options is True else options, where))
    hints = get_type_hints(cls, localns={"Store": Any, "Waiter": Any})
    known = [one.name for one in fields(cast("Any", cls)) if one.init and one.name not in more]
    _check_names(f"{where}.", given, known)
    for name, value in given.items():
        given[name] = _checked(hints[name], value, f"{where}.{name}")
    required = [
        one.name
        for one in fields(cast("Any", cls))
        if one.init and one.default is one.default_factory and one.name not in {*given, *more}
    ]
    if required:
        raise ConfigError(f"{where}.{required[0]}: this option is required.")
    return cls(**given, **more)


def _checked(hint: Any, value: Any, where: str) -> Any:
    adapter = pydantic.TypeAdapter[Any](hint, config=pydantic.ConfigDict(arbitrary_types_allowed=True))
    try:
        return adapter.validate_python(value)
    except pydantic.ValidationError as error:
        said = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise ConfigError(f"{where}: {said}.") from None


def _check_names(where: str, given: Mapping[str, Any], known: Mapping[str, Any] | Sequence[str]) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(known)}."
            raise ConfigError(f"{where}{name}: unknown option.{hint}")


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: a mapping of options is expected, not {type(value).__name__}.")
    return cast("Mapping[str, Any]", value)


def _sequence(value: object, where: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: a list is expected, not {type(value).__name__}.")
    return cast("Sequence[Any]", value)


def _resolved(hooks: Mapping[str, Any]) -> dict[str, Any]:
    """Give hooks with dotted paths replaced by what they name."""

    def resolve(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [resolve(item) for item in cast("Sequence[Any]", value)]
        if not isinstance(value, str):
            return value
        module, _, name = value.rpartition(".")
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigError(f"hooks: {value!r} is not the dotted path of a function.") from error

    return {name: resolve(value) if name != "redaction" else value for name, value in hooks.items()}
