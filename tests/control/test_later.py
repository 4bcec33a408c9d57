"""Work that goes on after its call is counted by what a later call reports, on both clients."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ai_client import labels
from ai_client.control import Prices
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.accounting.cost import Cost
from ai_client.control.accounting.rate_limit import RateLimit, RateLimits
from ai_client.control.record import call_record
from ai_client.stores import Ledger, open_store
from ai_client.testing import Upstream
from tests.support.accounts import held
from tests.support.invoke import Invoke

PRICES = Prices({"gpt-5.5": {"input": 1, "output": 10}}, library=False)
ASKED: dict[str, Any] = {"model": "gpt-5.5", "input": "Hello", "max_output_tokens": 5000}
USED = {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150}
SPENT = 100 * 1000 + 50 * 10_000


class Books:
    """Clients that count in one store, each as a process of its own would."""

    def __init__(self, invoke: Invoke, address: str = "memory://") -> None:
        self.invoke = invoke
        self.store = open_store(address)
        self.cost = Cost(PRICES, self.store)

    def client(self) -> Any:
        """Return another client."""
        budgets = [
            Budget(usd=100, per="total"),
            Budget(tokens=10**9, per="total"),
            Budget(requests=100, per="total"),
        ]
        return self.invoke.client(layers=[Budgets(budgets, self.store, PRICES), Cost(PRICES, self.store)])

    @property
    def sums(self) -> dict[str, int]:
        """The totals of all calls that are not 0."""
        rows = self.cost.report()
        return {name: amount for name, amount in rows[0].sums.items() if amount} if rows else {}


@pytest.fixture
def books(invoke: Invoke) -> Books:
    """Make a store and what counts in it."""
    return Books(invoke)


def response(status: str, **more: Any) -> dict[str, Any]:
    """Return a response of a status."""
    return {"id": "resp_1", "object": "response", "model": "gpt-5.5", "status": status, "output": [], **more}


DONE = response("completed", usage=USED, service_tier="default")


def test_a_background_response_is_settled_when_its_usage_is_seen(books: Books, upstream: Upstream) -> None:
    """A background response counts what was reserved until a call sees its usage, then what it used, once."""
    create, retrieve = (getattr(books.client().responses, name) for name in ("create", "retrieve"))
    upstream.reply(json=response("queued", usage=None))
    with labels(tenant="acme"):
        begun = call_record(books.invoke(create, **ASKED, background=True))
    assert begun is not None
    assert begun.nano_usd is None
    assert held(books.store, "usd").used > 5000 * 10_000
    assert (books.sums["unknown"], books.sums["unpriced"]) == (1, 1)
    upstream.reply(json=response("in_progress", usage=None))
    books.invoke(retrieve, "resp_1")
    assert held(books.store, "usd").used > 5000 * 10_000
    upstream.always(json=DONE)
    record = call_record(books.invoke(retrieve, "resp_1"))
    assert record is not None
    assert record.nano_usd == SPENT
    for _ in range(2):
        assert held(books.store, "usd") == Ledger(SPENT, 0)
        assert held(books.store, "tokens") == Ledger(150, 0)
        assert held(books.store, "requests") == Ledger(1, 0)
        assert books.sums == {"reported": 1, "calls": 1, "input": 100, "output": 50, "nano_usd": SPENT}
        again = call_record(books.invoke(retrieve, "resp_1"))
        assert again is None or again.nano_usd is None
    (row,) = books.cost.report(by=["tenant", "model"])
    assert row.labels == {"tenant": "acme", "model": "gpt-5.5"}


@pytest.fixture(params=["sqlite", "redis"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a store that processes share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    import redis

    url = str(request.getfixturevalue("redis_server").url)
    with redis.Redis.from_url(url) as connection:
        connection.flushall()
    return url


def test_another_process_may_see_it(invoke: Invoke, upstream: Upstream, address: str) -> None:
    """The usage is counted whoever sees it, where the store is shared; a client without it counts nothing."""
    here, there, elsewhere = Books(invoke, address), Books(invoke, address), Books(invoke)
    upstream.reply(json=response("queued", usage=None))
    invoke(here.client().responses.create, **ASKED, background=True)
    upstream.always(json=DONE)
    invoke(elsewhere.client().responses.retrieve, "resp_1")
    assert elsewhere.sums == {}
    invoke(there.client().responses.retrieve, "resp_1")
    invoke(here.client().responses.retrieve, "resp_1")
    expected = {"reported": 1, "calls": 1, "input": 100, "output": 50, "nano_usd": SPENT}
    assert here.sums == there.sums == expected
    for store in (here.store, there.store, elsewhere.store):
        store.close()


def test_a_cancelled_response_is_settled(books: Books, upstream: Upstream) -> None:
    """The answer to a cancellation reports what was used until then."""
    client = books.client()
    upstream.reply(json=response("queued", usage=None))
    books.invoke(client.responses.create, **ASKED, background=True)
    upstream.reply(json=response("cancelled", usage=USED))
    books.invoke(client.responses.cancel, "resp_1")
    assert held(books.store, "usd") == Ledger(SPENT, 0)


def test_calls_that_use_no_tokens_take_none(invoke: Invoke, upstream: Upstream) -> None:
    """What a free call's answer reports is no usage of its own: it takes no tokens."""
    store = open_store()
    layers = [
        Budgets([Budget(tokens=10**6, per="total"), Budget(usd=1, per="total")], store, PRICES),
        RateLimits([RateLimit(tokens=100, per="minute")], store),
    ]
    client = invoke.client(layers=layers)
    upstream.always(json=DONE)
    for _ in range(3):
        invoke(client.responses.retrieve, "resp_1")
        invoke(client.responses.cancel, "resp_1")
        invoke(client.responses.input_tokens.count, model="gpt-5.5", input="Hello")
    assert (held(store, "tokens"), held(store, "usd")) == (Ledger(), Ledger())


def stream_of(*events: dict[str, Any]) -> dict[str, Any]:
    """Return a reply that streams events."""
    chunks = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]
    return {"chunks": chunks, "headers": {"content-type": "text/event-stream"}}


CREATED = {"type": "response.created", "sequence_number": 0, "response": response("in_progress", usage=None)}
DELTA: dict[str, Any] = {
    "type": "response.output_text.delta",
    "sequence_number": 1,
    "delta": "Hi",
    "item_id": "i",
    "output_index": 0,
    "content_index": 0,
    "logprobs": [],
}
COMPLETED = {"type": "response.completed", "sequence_number": 2, "response": DONE}


def test_a_background_stream_that_breaks_off_goes_on(books: Books, upstream: Upstream) -> None:
    """A stream that its reader leaves counts what was reserved, as the response goes on, until its usage is seen."""
    client = books.client()
    upstream.reply(**stream_of(CREATED, DELTA, COMPLETED))
    stream = books.invoke(client.responses.create, **ASKED, background=True, stream=True)
    books.invoke.collect(stream, 2)
    books.invoke(stream.close)
    assert held(books.store, "usd").used > 5000 * 10_000
    upstream.reply(**stream_of(COMPLETED))
    books.invoke.collect(books.invoke(client.responses.retrieve, "resp_1", stream=True, starting_after=1))
    assert held(books.store, "usd") == Ledger(SPENT, 0)
    assert books.sums == {"reported": 1, "calls": 1, "input": 100, "output": 50, "nano_usd": SPENT}


def test_a_background_stream_that_is_read_is_settled(books: Books, upstream: Upstream) -> None:
    """A stream that is read to its end counts what it reports, and no later call anything."""
    client = books.client()
    upstream.reply(**stream_of(CREATED, DELTA, COMPLETED))
    books.invoke.collect(books.invoke(client.responses.create, **ASKED, background=True, stream=True))
    upstream.reply(json=DONE)
    books.invoke(client.responses.retrieve, "resp_1")
    assert held(books.store, "usd") == Ledger(SPENT, 0)
    assert books.sums["reported"] == 1


def test_a_batch_is_counted_when_it_is_done(invoke: Invoke, upstream: Upstream) -> None:
    """A batch that was begun here counts at batch prices as soon as a call sees its usage, and once."""
    from genai_prices import Usage, calc_price

    store = open_store()
    prices = Prices(provider="openai")
    cost = Cost(prices, store)
    client = invoke.client(layers=[Budgets([Budget(usd=1, per="total")], store, prices), cost])
    batch: dict[str, Any] = {
        "id": "batch_1",
        "object": "batch",
        "endpoint": "/v1/responses",
        "model": "gpt-5.5",
        "input_file_id": "file-1",
        "completion_window": "24h",
        "created_at": 1,
    }
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    nothing = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0, **details}
    used = {"input_tokens": 100_000, "output_tokens": 5_000, "total_tokens": 105_000, **details}
    upstream.reply(json={**batch, "status": "validating", "usage": nothing})
    create = client.batches.create
    invoke(create, input_file_id="file-1", endpoint="/v1/responses", completion_window="24h")
    upstream.reply(json={**batch, "status": "in_progress", "usage": used})
    invoke(client.batches.retrieve, "batch_1")
    assert held(store, "usd") == Ledger(0, 0)
    upstream.always(json={**batch, "status": "completed", "usage": used})
    invoke(client.batches.retrieve, "batch_1")
    invoke(client.batches.retrieve, "batch_1")
    price = calc_price(
        Usage(input_tokens=100_000, output_tokens=5_000),
        "gpt-5.5",
        provider_id="openai",
        genai_request_timestamp=datetime.now(UTC),
        price_context={"processing": "batch"},
    ).total_price
    assert held(store, "usd") == Ledger(round(price * 10**9), 0)
    (row,) = cost.report()
    assert (row.calls, row.unpriced, row.sums["nano_usd"]) == (1, 0, round(price * 10**9))


@pytest.mark.parametrize("model", [{"model": "gpt-5.5"}, {}])
def test_a_run_is_settled_when_its_usage_is_seen(
    books: Books, upstream: Upstream, model: dict[str, str]
) -> None:
    """A run of an assistant counts what it reports when it is done, whether or not its call named the model."""
    client = books.client()
    run = {"id": "run_1", "object": "thread.run", "thread_id": "t", "assistant_id": "a", "model": "gpt-5.5"}
    upstream.reply(json={**run, "status": "queued", "usage": None})
    books.invoke(client.beta.threads.runs.create, "t", assistant_id="a", **model)
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
    upstream.reply(json={**run, "status": "completed", "usage": usage})
    books.invoke(client.beta.threads.runs.retrieve, "run_1", thread_id="t")
    assert held(books.store, "usd") == Ledger(SPENT, 0)
    assert held(books.store, "tokens") == Ledger(150, 0)


SPOILED = [
    b"",
    b"{}",
    b"[1, 2, 3, 4, 5]",
    b"no json",
    b'[[["k"]], {}, 1, null, []]',
    b'[[["k", "usd", null, 1]], [], 1, null, [null, null, null, null, null, [], 1]]',
    b'[[["k", "usd", null, "x"]], {"usd": "many"}, 1, null, [null, null, null, null, null, [], 1]]',
    b'[[["k", "usd", null, 1]], {}, 1, null, [null, null, null, null, null, [], 1]]',
    b'[[], {"usd": 1}, 1, ["p"], [null, null, null, null, null, [], 1]]',
]


@pytest.mark.parametrize("value", SPOILED)
def test_what_the_store_spoiled_is_left_alone(books: Books, upstream: Upstream, value: bytes) -> None:
    """An entry that cannot be read counts nothing and fails no call."""
    backend: Any = books.store
    for name in ("budgets+cost", "cost", "budgets"):
        backend.backend.set(f"begun|{name}|resp_1", value, 1e12, 0.0)
    upstream.always(json=DONE)
    assert books.invoke(books.client().responses.retrieve, "resp_1").id == "resp_1"
    assert books.sums == {}
