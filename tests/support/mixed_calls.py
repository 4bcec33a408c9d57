"""Calls of every kind, and how all that is counted of them must agree with what their upstream counted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ai_client import APIStatusError
from tests.support.counting_upstream import Counted
from tests.support.metrics import Scraped

KINDS = ("plain", "streamed", "cached", "moved", "again", "bad", "cut")
TENANTS = ("acme", "globex")
_MODELS = {"moved": "smart", "cached": "other-model"}
_PRICE = {"input": 1.0, "output": 3.0}
CONTROLS: dict[str, Any] = {
    "metrics": True,
    "telemetry": True,
    "cost": True,
    "cache": {"scope": "tenant"},
    "models": {"smart": ["primary", "backup"]},
    "breaker": False,
    "prices": dict.fromkeys(("plain-model", "other-model", "primary", "backup"), _PRICE),
}


def planned(count: int) -> list[tuple[str, int, str]]:
    """Return so many calls: the kind, the number and the tenant of each."""
    plan = [(KINDS[n % len(KINDS)], n, TENANTS[n // 7 % 2]) for n in range(count)]
    return [(kind, n % 21 if kind == "cached" else n, tenant) for kind, n, tenant in plan]


def arguments_of(kind: str, number: int) -> dict[str, Any]:
    """Return the arguments of a call."""
    given: dict[str, Any] = {
        "model": _MODELS.get(kind, "plain-model"),
        "messages": [{"role": "user", "content": f"{kind} {number}"}],
    }
    if kind == "cached":
        given["seed"] = 1
    if kind in {"streamed", "cut"}:
        given["stream"] = True
    return given


def call(client: Any, kind: str, number: int) -> None:
    """Make a call with the sync client, and read what it streams."""
    try:
        answer = client.chat.completions.create(**arguments_of(kind, number))
    except APIStatusError:
        assert kind == "bad"
        return
    if kind == "cut":
        next(iter(answer))
        answer.close()
    elif kind == "streamed":
        for _ in answer:
            pass


async def acall(client: Any, kind: str, number: int) -> None:
    """Make a call with the async client, and read what it streams."""
    try:
        answer = await client.chat.completions.create(**arguments_of(kind, number))
    except APIStatusError:
        assert kind == "bad"
        return
    if kind == "cut":
        await anext(aiter(answer))
        await answer.close()
    elif kind == "streamed":
        async for _ in answer:
            pass


def by_model(page: Scraped, name: str, **labels: str) -> dict[str, int]:
    """Return the sums of an instrument by model, without those that are 0."""
    found: Counter[str] = Counter()
    for sample, said, value in page.samples:
        if sample == name and all(said.get(label) == wanted for label, wanted in labels.items()):
            found[said.get("model", "")] += int(value)
    return {model: amount for model, amount in found.items() if amount}


def check(
    plan: Iterable[tuple[str, int, str]],
    upstream: Counted,
    page: Scraped,
    usage: Mapping[str, Iterable[Any]],
    points: Mapping[str, Iterable[Mapping[str, Any]]],
) -> None:
    """Hold Prometheus, the usage report and OpenTelemetry against the upstream and each other.

    Args:
        plan: The calls that were made.
        upstream: What it counted.
        page: The page of metrics.
        usage: Rows of reports by `model` and by `tenant`.
        points: The data points of OpenTelemetry by metric: `attributes`, and `value` or `sum` and `count`.
    """
    kinds = Counter(kind for kind, _, _ in plan)
    # requests and their statuses
    results = page.by("ai_client_attempts_total", "model", "result")
    shown = {
        (model, 200 if result == "ok" else int(result)): int(value)
        for (model, result), value in results.items()
    }
    assert shown == dict(upstream.statuses)
    observed: Counter[tuple[str, int]] = Counter()
    for point in points["ai_client.attempts"]:
        result = point["attributes"]["ai_client.result"]
        model = point["attributes"]["gen_ai.request.model"]
        observed[model, 200 if result == "ok" else int(result)] += point["value"]
    assert observed == upstream.statuses
    assert page.total("ai_client_retries_total") == kinds["again"]
    # calls
    outcomes = {outcome: int(n) for (outcome,), n in page.by("ai_client_calls_total", "outcome").items()}
    ok = sum(kinds.values()) - kinds["bad"] - kinds["cut"]
    assert outcomes == {"ok": ok, "error": kinds["bad"], "cancelled": kinds["cut"]}
    assert page.by("ai_client_errors_total", "error") == {("BadRequestError",): kinds["bad"]}
    assert page.total("ai_client_call_duration_seconds_count") == sum(kinds.values())
    assert sum(point["count"] for point in points["gen_ai.client.operation.duration"]) == sum(kinds.values())
    streams = kinds["streamed"] + kinds["cut"]
    assert page.total("ai_client_first_item_seconds_count") == streams
    cached = page.by("ai_client_cache_total", "cache")
    kept = cached.get(("hit",), 0) + cached.get(("shared",), 0)
    assert (
        kept + sum(n for (model, _), n in upstream.statuses.items() if model == "other-model")
        == kinds["cached"]
    )
    # tokens
    for name, truth in (("input", upstream.input), ("output", upstream.output)):
        assert by_model(page, f"ai_client_{name}_tokens_total", usage="reported") == dict(truth)
        measured: Counter[str] = Counter()
        for point in points["gen_ai.client.token.usage"]:
            if point["attributes"]["gen_ai.token.type"] == name:
                measured[point["attributes"]["gen_ai.request.model"]] += point["sum"]
        assert measured == truth
    # the report: what was reported, and estimates of what was cut off
    rows = {row.labels["model"]: row for row in usage["model"]}
    assert {model: row.calls for model, row in rows.items()} == dict(upstream.of_status(200))
    for name in ("input", "output"):
        reported = {model: getattr(row, f"{name}_tokens") for model, row in rows.items()}
        assert reported == by_model(page, f"ai_client_{name}_tokens_total")
    assert sum(row.estimated for row in rows.values()) == kinds["cut"]
    assert page.total("ai_client_billed_attempts_total", usage="estimated") == kinds["cut"]
    # money, exact to a billionth of a dollar
    nano = sum(row.nano_usd or 0 for row in rows.values())
    tokens = [sum(getattr(row, f"{name}_tokens") for row in rows.values()) for name in ("input", "output")]
    assert nano == tokens[0] * 1000 + tokens[1] * 3000
    assert round(page.total("ai_client_cost_usd_total") * 1e9) == nano
    assert round(sum(point["value"] for point in points["ai_client.cost"]) * 1e9) == nano
    # tenants
    tenants = {row.labels["tenant"]: row for row in usage["tenant"]}
    spent = page.by("ai_client_cost_usd_total", "tenant")
    assert {name: row.nano_usd for name, row in tenants.items()} == {
        tenant: round(value * 1e9) for (tenant,), value in spent.items()
    }
    assert page.total("ai_client_calls_in_flight") == 0
