"""The option `alerts` of `controls`."""

from collections.abc import Collection, Mapping
from typing import Any

from ...errors import ConfigError
from ...stores import Store
from ..options.checking import make, sequence
from .alerts import Alerts
from .rule import AlertRule

_NEEDS: Mapping[str, tuple[Collection[str], str]] = {
    "budget": ({"budgets"}, "there are no 'budgets'"),
    "breaker": ({"models", "fallback", "breaker"}, "there is no breaker: add 'models' or 'breaker'"),
}
"""The options that a rule needs one of, and what to say where there is none."""


def make_alerts(
    given: Mapping[str, Any], store: Store, client: str, network: Mapping[str, Any], *, has_breaker: bool
) -> Alerts:
    """Build the alerts of a client.

    Args:
        given: The options of `controls` that are set, `alerts` among them.
        store: Where processes agree on who alerts.
        client: The alias of the client.
        network: Options of the pool that webhooks are sent by.
        has_breaker: Whether the breaker is not turned off.

    Raises:
        ConfigError: A rule is invalid, or nothing is configured that it could watch.
    """
    rules: list[AlertRule] = []
    for number, options in enumerate(sequence(given["alerts"], "alerts")):
        where = f"alerts[{number}]"
        rule = make(AlertRule, options, where)
        options_needed, lack = _NEEDS.get(rule.on, ((), ""))
        if options_needed and given.keys().isdisjoint(options_needed):
            raise ConfigError(f"{where}.on: {lack} to alert of.")
        if rule.on == "breaker" and not has_breaker:
            raise ConfigError(f"{where}.on: the breaker is turned off, so that there is nothing to alert of.")
        try:
            Alerts([rule], store, client, network)
        except ConfigError as error:
            raise ConfigError(f"{where}.{error}") from error
        rules.append(rule)
    return Alerts(rules, store, client, network)
