"""The models that are configured: whether the API has them, until when, and whether their prices are known."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from .._call.usage import Usage
from .._io.reading import read
from ..config import ClientConfig
from ..control.accounting.budget import Budgets
from ..control.assembly import make_layers
from ..control.fallback.targets import Chains, Target
from ..control.pricing.prices import Prices
from ..control.pricing.terms import Terms
from .bounds import PRICING, Bound, within
from .check import Check, Status

_AHEAD = timedelta(days=60)
_PATTERN = frozenset("*?[")


def targets_of(config: ClientConfig) -> list[Target]:
    """Return the targets of all models that a client's controls name, each once."""
    controls: Mapping[str, Any] = config.controls or {}
    models: Mapping[str, Any] = controls.get("models") or {}
    fallback: Mapping[str, Any] = controls.get("fallback") or {}
    default: Sequence[str] = fallback.get("default") or ()
    chains = Chains(models, default, fallback.get("clients") or {}, keeps_all=True)
    found = [target for model in models for target in chains.of(model)]
    if default:
        found += [target for target in chains.of("") if target.model]
    return list(dict.fromkeys(found))


def named_models(config: ClientConfig, client: str | None) -> list[str]:
    """Return the models that are configured for a client, or for a fallback's client by its name."""
    found = [target.model for target in targets_of(config) if target.client == client]
    prices: Any = (config.controls or {}).get("prices")
    if client is None and isinstance(prices, Mapping):
        found += [str(name) for name in prices if _PATTERN.isdisjoint(str(name)) and "/" not in str(name)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return list(dict.fromkeys(found))


def examine_models(
    names: Sequence[str],
    listed: Sequence[Mapping[str, Any]],
    *,
    asked: Sequence[str],
    today: date | None = None,
) -> Iterator[Check]:
    """Yield which of the configured models are missing, switched off, or will be soon.

    Args:
        names: The models that are configured.
        listed: The models of the API.
        asked: Those of *names* that calls go to, which the API must have.
        today: The day; by default this one.
    """
    today = today or datetime.now(UTC).date()
    by_name = {str(model["id"]): model for model in listed}
    for name in names:
        if name not in by_name:
            if name in asked:
                message = (
                    f"The API does not list the model {name}: it is mistyped, or this key may not use it."
                )
                yield Check("models", name, "warning", message, "Correct the name in models or fallback.")
            continue
        end = _day(by_name[name].get("shutdown_date"))
        details = {} if end is None else {"shutdown_date": end.isoformat()}
        status: Status = "ok"
        hint = ""
        message = f"The API has {name}."
        if end is not None:
            left = (end - today).days
            message = f"{name} is switched off on {end}, in {left} day{'' if left == 1 else 's'}."
            if end <= today:
                status, message = "fault", f"{name} was switched off on {end}."
                hint = "Configure its successor."
            elif end - today <= _AHEAD:
                status, hint = "warning", "Configure its successor."
        yield Check("models", name, status, message, hint, details=details)


def _day(given: object) -> date | None:
    """Return the day of a date as text or in Unix seconds; `None` for anything else."""
    try:
        if isinstance(given, str):
            return date.fromisoformat(given[:10])
        if isinstance(given, int | float) and not isinstance(given, bool):
            return datetime.fromtimestamp(given, UTC).date()
    except (ValueError, OverflowError, OSError):
        pass
    return None


def examine_prices(
    config: ClientConfig, addresses: Mapping[str | None, Any], bound: Bound
) -> Iterator[Check]:
    """Yield for each configured model whether its price is known, where costs are counted.

    Args:
        config: The options of the client.
        addresses: The client, and those of its fallback by name, whose places decide about prices.
        bound: The time that is left.
    """
    layers: tuple[Any, ...] = make_layers(config.controls or {}, connect=_nothing, factories=False)
    counting = [layer for layer in layers if isinstance(getattr(layer, "prices", None), Prices)]
    targets = targets_of(config)
    if not counting or not targets:
        return
    prices: Prices = counting[0].prices
    budgets = [each for layer in counting if isinstance(layer, Budgets) for each in layer.budgets]
    is_hard = any(each.hard and each.unit == "usd" for each in budgets)
    within(bound.left(PRICING), lambda: read(cast("Any", prices.ready), PRICING))
    for target in targets:
        client = addresses.get(target.client)
        if client is None:
            continue
        terms = Terms(target.model, target.name, str(client._base_url), client._priced_as)
        if prices.most_nano_usd(Usage("estimated", 1, 1), terms) is not None:
            yield Check("prices", target.name, "ok", f"The price of {target.name} is known.")
            continue
        effect = "a hard budget in USD rejects its calls" if is_hard else "its cost counts as unknown"
        hint = f"Set it as controls['prices'][{target.name!r}], or name the provider in price_options."
        message = f"The price of {target.name} is not known: {effect}."
        yield Check("prices", target.name, "fault" if is_hard else "warning", message, hint)


def _nothing(options: Mapping[str, Any], source: str) -> Callable[[bool], Any]:
    """Return a fallback's client that is never asked."""
    del options, source
    return lambda _: None
