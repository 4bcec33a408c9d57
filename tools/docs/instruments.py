"""Tables of the instruments that the control `metrics` has for Prometheus and OpenTelemetry."""

from collections.abc import Iterable

from ai_client.metrics.families import (
    BREAKERS,
    BUDGETS,
    OF_CALLS,
    OF_MOMENTS,
    OF_PROCESSES,
    PROCESSES,
    STORE_UP,
    Family,
)
from ai_client.metrics.otel import OF_CALLS as OBSERVED_OF_CALLS, OF_PROCESS

_BEYOND = {
    BREAKERS.name: "`client`, `target`, `account`, `state`",
    **dict.fromkeys((one.name for one in BUDGETS), "`client`, `budget`, `unit`, `per`, `scope`"),
    "ai_client_extra_clients_total": "`client`, `class`, `line`",
}


def instruments() -> str:
    """Return the tables of what Prometheus reads and what OpenTelemetry observes."""
    every = "`client`, `endpoint`, `model`, `tenant`"
    lines = ["| Prometheus | Kind | Labels | What it is |", "| --- | --- | --- | --- |"]
    lines += _rows(OF_CALLS, every)
    lines += _rows((*OF_PROCESSES, *OF_MOMENTS, PROCESSES, BREAKERS, *BUDGETS, STORE_UP), "`client`")
    lines += [
        "",
        "| OpenTelemetry | Kind | Unit | Attributes | What it is |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in (*OF_PROCESS, *OBSERVED_OF_CALLS):
        named = ["`ai_client.client`"]
        if one in OBSERVED_OF_CALLS:
            named += ["`ai_client.endpoint`", "`gen_ai.request.model`", "`ai_client.tenant`"]
        if one.attribute:
            named.append(f"`{one.attribute}`")
        lines.append(f"| `{one.name}` | {one.kind} | `{one.unit}` | {', '.join(named)} | {one.about}. |")
    return "\n".join(lines)


def _rows(families: Iterable[Family], every: str) -> list[str]:
    return [
        f"| `{one.name}` | {one.kind} | {_BEYOND.get(one.name) or _with(every, one.label)} | {one.about} |"
        for one in families
    ]


def _with(every: str, label: str) -> str:
    return f"{every}, `{label}`" if label else every
