"""Usage and cost of calls, and their sums."""

import subprocess
import sys
import threading
from typing import Any

import httpx
import pydantic
import pytest

from ai_client import APIStatusError, BaseModel, ConfigError, labels
from ai_client.control import Usage
from ai_client.control.accounting.cost import Cost
from ai_client.control.pricing.price import Price
from ai_client.control.pricing.prices import Prices
from ai_client.control.record import call_record
from ai_client.stores import open_store
from ai_client.testing import Upstream
from tests.support.invoke import Invoke
from tests.support.policies import sync_io

OWN = Prices({"gpt-4o-mini": {"input": 2.0, "output": 10.0, "cached_input": 1.0}}, library=False)


def test_a_price_counts_its_parts() -> None:
    """Cached, audio and image tokens cost what they cost instead of what all cost, reasoning is output."""
    price = Price(2, 10, cached_input=0.5, audio_input=40, audio_output=80, request=0.01)
    usage = Usage("reported", 1000, 100, cached=400, reasoning=50, audio_input=100, audio_output=10)
    usd = 0.01 + (500 * 2 + 400 * 0.5 + 100 * 40 + 90 * 10 + 10 * 80) / 1e6
    assert price.nano_usd(usage) == round(usd * 1e9)


def test_prices_of_the_library() -> None:
    """Prices come from genai-prices, those of the application go first, and what nobody knows is unknown."""
    from tests.support.policies import finish

    prices = Prices({"mine": Price(1, 1), "gpt-4o-mini": Price(100, 100)})
    finish(prices.ready(sync_io()))
    usage = Usage("reported", 1_000_000, 0)
    assert prices.nano_usd(usage, "gpt-4o") == pytest.approx(2.5e9)
    assert prices.nano_usd(usage, "gpt-4o-mini-2024-07-18", "gpt-4o-mini") == 100e9
    assert prices.nano_usd(usage, "mine") == 1e9
    assert prices.nano_usd(usage, "no-such-model") is None
    assert prices.nano_usd(Usage("unknown"), "mine") is None


def test_an_ill_typed_price_is_refused() -> None:
    """A price with an unknown member fails at start and names what there is."""
    with pytest.raises(ConfigError, match=r"prices\.x: a price has the members input, output"):
        Prices({"x": {"inputs": 1}})


def test_a_whole_answer_is_accounted_for(invoke: Invoke) -> None:
    """The result of a call knows its tokens and its cost."""
    completion = invoke.chat(invoke.client(layers=[Cost(OWN)]))
    record = call_record(completion)
    usage = completion.to_dict()["usage"]
    assert record is not None
    assert record.usage is not None
    assert record.usage.source == "reported"
    assert (record.usage.input, record.usage.output) == (
        usage["prompt_tokens"],
        usage["completion_tokens"],
    )
    expected = (usage["prompt_tokens"] * 2 + usage["completion_tokens"] * 10) * 1000
    assert record.nano_usd == expected


def test_a_stream_is_asked_for_its_usage(invoke: Invoke, upstream: Upstream) -> None:
    """A stream reports its usage, and its caller does not see the chunk that does."""
    plain = invoke.collect(invoke.chat(invoke.client(), stream=True))
    stream = invoke.chat(invoke.client(layers=[Cost(OWN)]), stream=True)
    chunks = invoke.collect(stream)
    assert upstream.requests[-1].json()["stream_options"] == {"include_usage": True}
    assert [chunk.choices for chunk in chunks] == [chunk.choices for chunk in plain]
    assert chunks
    assert all(chunk.choices for chunk in chunks)
    record = call_record(stream)
    assert record is not None
    assert record.usage is not None
    assert record.usage.source == "reported"
    whole = invoke.chat(invoke.client())
    assert record.usage.output == whole.to_dict()["usage"]["completion_tokens"]


def test_a_caller_who_asks_for_usage_gets_it(invoke: Invoke) -> None:
    """The chunk with the usage is there for a caller who asked for it."""
    client = invoke.client(layers=[Cost(OWN)])
    chunks = invoke.collect(invoke.chat(client, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].usage is not None
    assert not chunks[-1].choices


def test_an_unread_stream_is_left_as_it_is(invoke: Invoke, upstream: Upstream) -> None:
    """Where the caller reads the bytes, nothing is asked for that could not be hidden."""
    client = invoke.client(layers=[Cost(OWN)])
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    if invoke.sync:
        with client.chat.completions.with_streaming_response.create(**body) as response:
            list(response.iter_lines())
    else:

        async def read() -> None:
            async with client.chat.completions.with_streaming_response.create(**body) as response:
                async for _ in response.iter_lines():
                    pass

        invoke(read)
    assert "stream_options" not in upstream.requests[-1].json()


def test_an_aborted_stream_is_estimated(invoke: Invoke) -> None:
    """A stream that is left early has a cost, by estimate of what had come."""
    store = open_store()
    cost = Cost(OWN, store)
    stream = invoke.chat(invoke.client(layers=[cost]), stream=True)
    invoke.collect(stream, 5)
    invoke(stream.close)
    record = call_record(stream)
    assert record is not None
    assert record.usage is not None
    assert record.usage.source == "estimated"
    assert record.usage.output > 0
    assert record.nano_usd
    (row,) = cost.report()
    assert row.sums["estimated"] == row.calls == 1


def test_an_unknown_price_is_an_unknown_cost(invoke: Invoke) -> None:
    """Where no price is known the cost is `None`, in the record and in the sums, and not zero."""
    cost = Cost(Prices(library=False), open_store())
    record = call_record(invoke.chat(invoke.client(layers=[cost])))
    assert record is not None
    assert record.usd is None
    (row,) = cost.report()
    assert (row.calls, row.unpriced, row.usd) == (1, 1, None)


def test_sums_by_label(invoke: Invoke) -> None:
    """Sums tell apart the endpoints, tenants and models, and add up what a report does not tell apart."""
    cost = Cost(OWN, open_store())
    client = invoke.client(layers=[cost])

    def ask(tenant: str) -> Any:
        with labels(endpoint="/ask", tenant=tenant):
            return call_record(invoke.chat(client))

    one = ask("a").nano_usd
    ask("a")
    ask("b")
    with labels(endpoint="/embed", tenant="a"):
        invoke(client.embeddings.create, model="text-embedding-3-small", input="x", dimensions=2)
    rows = {row.labels["tenant"]: row for row in cost.report(by=["tenant"])}
    assert (rows["a"].calls, rows["b"].calls) == (3, 1)
    assert rows["a"].sums["nano_usd"] == 2 * one
    assert rows["a"].unpriced == 1
    by_model = {tuple(row.labels.values()): row.calls for row in cost.report(by=["endpoint", "model"])}
    assert by_model[("/embed", "text-embedding-3-small")] == 1
    assert len(cost.report(by=["day"])) == 1


def test_a_refused_call_costs_nothing(invoke: Invoke, upstream: Upstream) -> None:
    """A call that the upstream refused is not counted."""
    upstream.reply(status=400)
    cost = Cost(OWN, open_store())
    with pytest.raises(APIStatusError):
        invoke.chat(invoke.client(layers=[cost]))
    assert cost.report() == []


def test_a_call_that_may_have_been_billed_is_counted_as_unknown(invoke: Invoke, upstream: Upstream) -> None:
    """A call whose answer was lost is counted, with an unknown cost."""
    from ai_client import APIConnectionError

    upstream.reply(disconnect=True)
    cost = Cost(OWN, open_store())
    with pytest.raises(APIConnectionError):
        invoke.chat(invoke.client(layers=[cost]))
    (row,) = cost.report()
    assert (row.sums["unknown"], row.usd) == (1, None)


FORKS_WHILE_LOADING = """
import os, sys, threading
from ai_client._io import finish
from ai_client.control import Usage
from ai_client.control.pricing import library, prices
from tests.support.policies import sync_io

library.library()._load = threading.Event().wait
prices.Prices().warm()
assert not prices.Prices().is_ready
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
finish(prices.Prices().ready(sync_io()))
os._exit(0 if prices.Prices().nano_usd(Usage("reported", 1000), "gpt-4o") else 1)
"""


def test_a_process_forked_while_prices_are_loaded_loads_them_itself() -> None:
    """The thread that loads them is not in the child, which must not wait for it."""
    subprocess.run([sys.executable, "-c", FORKS_WHILE_LOADING], check=True, timeout=300)


FIRST_CALL = """
from ai_client import OpenAI
from ai_client.control import Cost, Prices, call_record
from ai_client.testing import Upstream

with Upstream() as upstream, OpenAI(
    api_key="x", base_url=upstream.base_url, layers=[Cost(Prices(provider="openai"))]
) as client:
    hello = [{"role": "user", "content": "Hello"}]
    whole = client.chat.completions.create(model="gpt-4o-mini", messages=hello)
assert call_record(whole).nano_usd, call_record(whole)
"""


def test_the_first_call_of_a_process_has_a_cost() -> None:
    """The prices load while the first call is under way, which has a cost however soon it is answered."""
    subprocess.run([sys.executable, "-c", FIRST_CALL], check=True, timeout=300)


def test_prices_that_cannot_be_loaded_in_time_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call does not wait for them forever."""
    from ai_client.control.pricing import library, prices
    from tests.support.policies import finish

    unloaded = library.PriceLibrary()
    monkeypatch.setattr(unloaded, "_load", threading.Event().wait)
    monkeypatch.setattr(prices, "shared_library", lambda: unloaded)
    monkeypatch.setattr(library, "LOAD_TIMEOUT", 0.05)
    finish(Prices().ready(sync_io()))
    assert Prices().nano_usd(Usage("reported", 1000), "gpt-4o") is None


class Short(pydantic.BaseModel):
    """An answer as an application has it: without most of what came."""

    id: str


class Renamed(BaseModel):
    """An answer as an application has it: with names of its own."""

    spent: dict[str, Any] = pydantic.Field(alias="usage")
    said: list[Any] = pydantic.Field(alias="output")


class Chosen(BaseModel):
    """An answer as an application has it: with its usage, but not with what tools did."""

    model_config = pydantic.ConfigDict(extra="ignore")
    usage: dict[str, Any]


@pytest.mark.parametrize("cast_to", [Short, Renamed, Chosen])
def test_usage_does_not_depend_on_what_the_caller_makes_of_the_answer(invoke: Invoke, cast_to: Any) -> None:
    """What is decoded as a model of the application costs what it costs as any other."""
    answer = {
        "id": "x",
        "model": "gpt-4o-mini",
        "output": [{"type": "web_search_call", "id": "w"}],
        "usage": {"input_tokens": 1000, "output_tokens": 100},
    }
    http = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    records: list[Any] = []

    def noted(call: Any, proceed: Any) -> Any:
        records.append(call.record)
        return proceed(call)

    client = invoke.client(http_client=http, layers=[Cost(prices=OWN), noted])
    invoke(client.post, "/responses", cast_to=cast_to, body={"model": "gpt-4o-mini", "input": "x"})
    (record,) = records
    assert (record.usage.input, record.usage.output, record.usage.web_searches) == (1000, 100, 1)
    assert record.usd == pytest.approx(0.003)


def test_labels_that_are_no_unicode_count_all_the_same(invoke: Invoke) -> None:
    """A call whose tenant holds half a character is counted, with an escape in its place."""
    cost = Cost(store=open_store())
    with labels(tenant="a\ud800"):
        invoke.chat(invoke.client(layers=[cost]))
    (row,) = cost.report(by=["tenant"])
    assert (row.labels, row.calls) == ({"tenant": r"a\ud800"}, 1)
