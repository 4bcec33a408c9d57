"""Calls that go as most do are added up together, and count as all others do."""

import threading
from typing import Any

import pytest

from ai_client.control import make_layers
from ai_client.control.observability.counting.counts import Counts, Row
from ai_client.control.observability.metrics import Metrics, metrics_in
from ai_client.testing import Upstream
from tests.support.invoke import Invoke

PRICES = {"gpt-5.5": {"input": 1, "output": 2}}
KEY = ("/ask", "gpt-5.5", "acme")
ROW = Row(("call.ok",), ("duration", "input.reported"))


def counted(invoke: Invoke, *, joined: bool, **controls: Any) -> dict[str, int]:
    """Return what two calls add, counted in one policy for both parts or in one for each."""
    layers = make_layers({"metrics": True, **controls})
    (metrics,) = metrics_in(layers)

    async def between(call: Any, proceed: Any) -> Any:
        return await proceed(call)

    if not joined:  # a policy of the application's between the parts keeps them apart
        layers = (layers[0], between, *layers[1:])
    client = invoke.client(layers=layers)
    for _ in range(2):
        invoke.chat(client)
    (amounts,) = metrics.counts.totals().values()
    return {name: amount for name, amount in amounts.items() if not name.startswith("duration")}


@pytest.mark.parametrize(
    "controls", [{}, {"cost": True, "prices": PRICES}, {"cost": True, "price_options": {"library": False}}]
)
def test_a_usual_call_adds_the_same_by_either_way(invoke: Invoke, controls: dict[str, Any]) -> None:
    """A call that one policy counts at once adds the same amounts as one that two policies count."""
    together, apart = counted(invoke, joined=True, **controls), counted(invoke, joined=False, **controls)
    assert together == apart
    assert together["call.ok"] == together["attempt.ok"] == together["used.reported"] == 2


def test_a_call_that_took_two_attempts_adds_both(invoke: Invoke, upstream: Upstream) -> None:
    """A call that is answered at its second attempt is not usual: it adds both attempts and the retry."""
    metrics = Metrics()
    upstream.reply(status=500, headers={"retry-after-ms": "1"})
    invoke.chat(invoke.client(layers=[metrics], max_retries=1))
    (amounts,) = metrics.counts.totals().values()
    assert (amounts["attempt.500"], amounts["attempt.ok"], amounts["retries"], amounts["call.ok"]) == (1,) * 4


def test_rows_are_taken_once() -> None:
    """What is added in rows is read with the rest, taken once, and bounded in number though nobody reads it."""
    counts = Counts(10, 3)
    counts.add(KEY, [("call.ok", 1)])
    for _ in range(1000):
        counts.add_row(KEY, ROW, (5, 0))
    assert len(counts._rows) < 1000
    assert counts.taken() == {KEY: {"call.ok": 1001, "duration": 5000}}
    assert counts.taken() == {}
    counts.add_row(KEY, ROW, (5, 7))
    assert counts.totals() == {KEY: {"call.ok": 1002, "duration": 5005, "input.reported": 7}}
    assert counts.taken() == {KEY: {"call.ok": 1, "duration": 5, "input.reported": 7}}


def test_threads_add_rows_while_they_are_taken() -> None:
    """No row is lost or taken twice, however many threads add while another takes."""
    counts, taken = Counts(10, 3), 0

    def add() -> None:
        for _ in range(2000):
            counts.add_row(KEY, ROW, (1, 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken += counts.taken().get(KEY, {}).get("call.ok", 0)
    taken += counts.taken().get(KEY, {}).get("call.ok", 0)
    assert taken == 8000 == counts.totals()[KEY]["call.ok"]
