"""Showing what the clients of a provider are at, from when the first is built until they are closed."""

from typing import Any

from ..control.observability.telemetry import Telemetry
from . import otel
from .policies import follow_one, policies_of


def follow(provider: Any) -> None:
    """Show what the clients of a provider are at: to processes that share its stores, and to OpenTelemetry.

    OpenTelemetry observes them where the control `telemetry` is configured too.
    """
    for alias, metrics in policies_of(provider, made=True, hidden=True):
        follow_one(provider, alias, metrics)
        for layer in provider[alias]._assembly.made_layers():
            if isinstance(layer, Telemetry) and metrics.is_shown:
                otel.observe(provider, alias, layer.meter_provider)


def leave(provider: Any) -> None:
    """Show no more what the clients of a provider are at, as they are closed; their counts are written."""
    otel.leave(provider)
    for _, metrics in policies_of(provider, made=True, hidden=True):
        if metrics.shared is not None:
            metrics.shared.end()
