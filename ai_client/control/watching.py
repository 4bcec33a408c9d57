"""Build the policies that observe calls and change nothing: telemetry, logs, hooks and the journal."""

from collections.abc import Mapping
from typing import Any

from .journal.policy import Journal
from .observability.hooks import Hooks
from .observability.logs import Logs
from .observability.redaction.policy import Redaction
from .options.checking import make, mapping, resolved


def watching(given: Mapping[str, Any]) -> list[Any]:
    """Return the policies for `telemetry`, `logs` and `hooks`."""
    redaction = make(Redaction, given.get("redaction", {}), "redaction")
    layers: list[Any] = []
    if "telemetry" in given:
        from .observability.telemetry import Telemetry  # noqa: PLC0415 - only where it is asked for

        layers.append(make(Telemetry, given["telemetry"], "telemetry", redaction=redaction))
    if "logs" in given:
        layers.append(make(Logs, given["logs"], "logs", redaction=redaction))
    if "hooks" in given:
        hooks = given["hooks"]
        if not isinstance(hooks, Hooks):
            named = mapping(hooks, "hooks")
            hooks = {name: resolved(value, f"hooks.{name}") for name, value in named.items()}
        layers.append(make(Hooks, hooks, "hooks", redaction=redaction))
    return layers


def journals_in(given: Mapping[str, Any], store: Any, client: str) -> list[Journal]:
    """Return the policy for `journal`, where it is asked for."""
    if "journal" not in given:
        return []
    redaction = make(Redaction, given.get("redaction", {}), "redaction")
    return [make(Journal, given["journal"], "journal", store=store, client=client, redaction=redaction)]
