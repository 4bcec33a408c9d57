"""Calls whose body is given in bytes: policies read what it says, and add to it."""

import json
from typing import Any

import httpx
import pytest

from ai_client import AsyncStream, BudgetExceeded, Stream
from ai_client.control import Budget, Budgets, Price, Prices
from ai_client.control.accounting.cost import Cost
from ai_client.control.record import call_record
from ai_client.stores import open_store
from ai_client.testing import Upstream
from tests.support.invoke import CHAT, Invoke


def streamed(invoke: Invoke, body: dict[str, Any]) -> Any:
    """Open a stream with a body in bytes, on a client that measures cost."""
    return invoke(
        invoke.client(layers=[Cost()]).post,
        "/chat/completions",
        cast_to=object,
        content=json.dumps(body).encode(),
        options={"headers": {"content-type": "application/json"}},
        stream=True,
        stream_cls=(Stream if invoke.sync else AsyncStream)[object],
    )


def test_a_stream_keeps_its_body(invoke: Invoke, upstream: Upstream) -> None:
    """A streamed call whose body is given in bytes is asked for its usage beside what it says, not in its place."""
    body = {**CHAT, "stream": True}
    invoke.collect(streamed(invoke, body))
    assert upstream.requests[-1].json() == {**body, "stream_options": {"include_usage": True}}


def test_a_body_says_what_it_asks_for(invoke: Invoke, upstream: Upstream) -> None:
    """Of a body in bytes the model is known, and a usage chunk that it asks for is not hidden from the caller."""
    options = {"include_usage": True, "include_obfuscation": False}
    stream = streamed(invoke, {**CHAT, "stream": True, "stream_options": options})
    chunks = invoke.collect(stream)
    assert upstream.requests[-1].json()["stream_options"] == options
    assert any(chunk.get("usage") for chunk in chunks)
    record = call_record(stream)
    assert record is not None
    assert record.model == CHAT["model"]


@pytest.mark.parametrize("path", ["/audio/speech", "/rerank"])
def test_a_body_is_billed_for_what_it_asks_for(invoke: Invoke, path: str) -> None:
    """A call whose body is given in bytes is counted, and held to budgets, as one whose body is a mapping."""
    content = json.dumps({"model": "m", "input": "x" * 100, "voice": "alloy"}).encode()
    prices = Prices({"m": Price(1, 1, characters=1)})
    answer = {"usage": {"prompt_tokens": 100, "completion_tokens": 50}}
    http = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    records: list[Any] = []

    def noted(call: Any, proceed: Any) -> Any:
        records.append(call.record)
        return proceed(call)

    for budget, fits in ((1.0, True), (1e-9, False)):
        budgets = Budgets([Budget(usd=budget, per="total")], open_store(), prices)
        client = invoke.client(http_client=http, layers=[Cost(prices=prices), budgets, noted])
        if fits:
            invoke(client.post, path, cast_to=object, content=content)
        else:
            with pytest.raises(BudgetExceeded):
                invoke(client.post, path, cast_to=object, content=content)
    assert len(records) == 1
    assert records[0].usd > 0
