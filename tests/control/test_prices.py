"""What calls cost by the prices of the genai-prices library, at any provider, tier and time, on both clients."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Context, localcontext
from typing import Any

import genai_prices
import httpx
import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, strategies as st

from ai_client import BudgetExceeded, ConfigError
from ai_client._call.report import from_report
from ai_client.control import Price, Prices, Usage, make_layers
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.accounting.cost import Cost
from ai_client.control.fallback import Fallback
from ai_client.control.pricing.terms import Terms
from ai_client.control.record import call_record
from ai_client.stores import open_store
from tests.support.invoke import Invoke
from tests.support.policies import finish, sync_io

OPENAI = "https://api.openai.com/v1"
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
USED = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """Load the library."""
    finish(Prices().ready(sync_io()))


def theirs(model: str, provider: str = "openai", at: datetime | None = None, **units: Any) -> int:
    """Return what the library calculates, in nano-USD."""
    context = units.pop("context", None)
    usage = genai_prices.Usage(**units)
    found = genai_prices.calc_price(
        usage, model, provider_id=provider, genai_request_timestamp=at, price_context=context
    )
    return round(found.total_price * 10**9)


def priced(prices: Any) -> set[str]:
    """Return the names of the prices that a model has."""
    given: dict[str, Any] = vars(prices)
    return {name for name, price in given.items() if price is not None}


def answering(body: dict[str, Any]) -> Any:
    """Return a transport that answers every request with *body*."""
    return httpx.MockTransport(lambda _: httpx.Response(200, json=body))


def chat(model: str, usage: dict[str, Any] = USED, **more: Any) -> dict[str, Any]:
    """Return a completion that reports a usage."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}
    return {
        "id": "x",
        "object": "chat.completion",
        "model": model,
        "choices": [choice],
        "usage": usage,
        **more,
    }


def cost_of(
    invoke: Invoke, answer: dict[str, Any], prices: Prices | None = None, address: str = OPENAI, **asked: Any
) -> int | None:
    """Ask for a completion at an address, and return what it cost in nano-USD."""
    layers = [Cost(prices or Prices())]
    client = invoke.client(base_url=address, http_client=answering(answer), layers=layers)
    record = call_record(invoke.chat(client, **{"model": answer["model"], **asked}))
    assert record is not None
    return record.nano_usd


VECTORS: dict[str, tuple[Usage, dict[str, Any]]] = {
    "text": (Usage("reported", 1234, 567), {"input_tokens": 1234, "output_tokens": 567}),
    "a long prompt": (Usage("reported", 300_000, 7), {"input_tokens": 300_000, "output_tokens": 7}),
    "cache and reasoning": (
        Usage("reported", 60_000, 900, cached=40_000, cache_written=10_000, reasoning=800),
        {
            "input_tokens": 60_000,
            "output_tokens": 900,
            "cache_read_tokens": 40_000,
            "cache_write_tokens": 10_000,
            "output_reasoning_tokens": 800,
        },
    ),
    "sound": (
        Usage("reported", 1000, 500, cached=400, cached_audio=300, audio_input=700, audio_output=450),
        {
            "input_tokens": 1000,
            "output_tokens": 500,
            "cache_read_tokens": 400,
            "cache_audio_read_tokens": 300,
            "cache_image_read_tokens": 0,
            "input_audio_tokens": 700,
            "output_audio_tokens": 450,
        },
    ),
    "pictures": (
        Usage("reported", 1000, 500, cached=400, cached_image=300, image_input=700, image_output=450),
        {
            "input_tokens": 1000,
            "output_tokens": 500,
            "cache_read_tokens": 400,
            "cache_audio_read_tokens": 0,
            "cache_image_read_tokens": 300,
            "input_image_tokens": 700,
            "output_image_tokens": 450,
        },
    ),
    "tools at priority": (
        Usage("reported", 1000, 500, web_searches=3, file_searches=2, service_tier="priority"),
        {
            "input_tokens": 1000,
            "output_tokens": 500,
            "web_searches": 3,
            "storage_searches": 2,
            "context": {"service_tier": "priority"},
        },
    ),
    "batch": (
        Usage("reported", 1000, 500, cached=100, service_tier="batch"),
        {
            "input_tokens": 1000,
            "output_tokens": 500,
            "cache_read_tokens": 100,
            "context": {"service_tier": "batch", "processing": "batch"},
        },
    ),
    "minutes": (
        Usage("reported", seconds=90.5),
        {"audio_seconds": 90.5, "input_audio_seconds": 90.5},
    ),
}
BY_TOKENS = frozenset({"input_mtok", "output_mtok", "requests_kcount"})
BY_TIME = frozenset({"audio_hours", "input_audio_hours", "requests_kcount"})
DIFFERENCES = {
    BY_TOKENS: "a model that is sold by minutes, characters or pages only: what its tokens cost is not known, not 0",
    BY_TIME: "a model that has prices, but none for minutes: what they cost is not known, not 0",
}
"""Where the cost is unknown although the library calculates 0: by the prices of which a model has none."""


def test_every_model_of_the_library_costs_what_it_calculates() -> None:
    """Each model of each provider costs what the library calculates, or the difference is listed with its reason."""
    prices, everyone = Prices(), get_snapshot().providers
    wrong: list[Any] = []
    for provider, model in ((seller, model) for seller in everyone for model in seller.models):
        terms = Terms(provider=provider.id, at=AT.timestamp())
        found = provider.find_model(model.id, all_providers=everyone)
        for vector, (usage, units) in VECTORS.items():
            ours = prices.nano_usd(usage, model.id, terms=terms)
            expected = None if found is None else theirs(model.id, provider.id, AT, **units)
            needs = BY_TIME if vector == "minutes" else BY_TOKENS
            if found is not None and (known := priced(found.get_prices(AT))) and known.isdisjoint(needs):
                assert expected == 0, DIFFERENCES[needs]
                expected = None
            if ours != expected:
                wrong.append((provider.id, model.id, vector, ours, expected))
    assert not wrong


def test_openai_is_the_provider_by_default(invoke: Invoke) -> None:
    """Embeddings and fine-tuned models, whose names tell no provider, have a price at OpenAI and its regions."""
    tuned = "ft:gpt-4o-mini-2024-07-18:acme::abc"
    expected = theirs(tuned, input_tokens=1000, output_tokens=100)
    assert expected
    assert cost_of(invoke, chat(tuned)) == expected
    assert cost_of(invoke, chat(tuned), address="https://eu.api.openai.com/v1") == expected
    body = {
        "object": "list",
        "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}],
        "usage": {"prompt_tokens": 1000, "total_tokens": 1000},
    }
    client = invoke.client(base_url=OPENAI, http_client=answering(body), layers=[Cost()])
    record = call_record(
        invoke(client.embeddings.create, model="text-embedding-3-small", input="x", encoding_format="float")
    )
    assert record is not None
    assert record.nano_usd == 20_000


def test_a_server_that_no_provider_has_has_no_prices(invoke: Invoke) -> None:
    """A model on a server of one's own is not taken for the one of the same name elsewhere, unless one says so."""
    local = "http://127.0.0.1:9/v1"
    expected = theirs("gpt-4o", input_tokens=1000, output_tokens=100)
    assert cost_of(invoke, chat("gpt-4o"), address=local) is None
    assert cost_of(invoke, chat("gpt-4o"), Prices(provider="openai"), local) == expected
    by_address = Prices(provider={"http://127.0.0.1:9/v1": "openai", "http://127.0.0.1": "groq"})
    assert cost_of(invoke, chat("gpt-4o"), by_address, local) == expected
    assert cost_of(invoke, chat("gpt-4o"), by_address, "http://127.0.0.10/v1") is None


@pytest.mark.parametrize(
    "address",
    [
        "https://api.openai.com.gateway.example/v1",
        "https://api.openai.com-mirror.example/v1",
        "https://acme.openai.azure.com.example/openai",
    ],
)
def test_an_address_that_begins_like_a_providers_is_not_its_own(invoke: Invoke, address: str) -> None:
    """A server whose name only begins with that of a provider has no price in the library."""
    assert cost_of(invoke, chat("gpt-4o"), address=address) is None
    assert cost_of(invoke, chat("gpt-4o"), address="https://api.openai.com:443/v1")


def test_the_provider_is_the_one_that_is_asked(invoke: Invoke) -> None:
    """A model costs what it costs at the address that the call goes to, at the target of a fallback too."""
    answer = chat("openai/gpt-oss-120b")
    at_groq = theirs("openai/gpt-oss-120b", "groq", input_tokens=1000, output_tokens=100)
    at_router = theirs("openai/gpt-oss-120b", "openrouter", input_tokens=1000, output_tokens=100)
    assert at_groq != at_router
    assert cost_of(invoke, answer, address="https://api.groq.com/openai/v1") == at_groq
    assert cost_of(invoke, answer, address="https://openrouter.ai/api/v1") == at_router
    other = invoke.client(base_url="https://openrouter.ai/api/v1", http_client=answering(answer))
    fallback = Fallback({"fast": ["router/openai/gpt-oss-120b"]}, clients={"router": other})
    client = invoke.client(
        base_url="https://api.groq.com/openai/v1", http_client=answering(answer), layers=[fallback, Cost()]
    )
    record = call_record(invoke.chat(client, model="fast"))
    assert record is not None
    assert record.nano_usd == at_router


def test_the_service_tier_that_answered_is_charged(invoke: Invoke) -> None:
    """The answer's tier counts before the one that was asked for, which counts where the answer is silent."""
    tokens: dict[str, Any] = {"input_tokens": 1000, "output_tokens": 100}
    by_tier = {
        tier: theirs("gpt-5.5", **tokens, context={"service_tier": tier})
        for tier in ("default", "flex", "priority")
    }
    assert by_tier["flex"] < by_tier["default"] < by_tier["priority"]
    for asked, answered, charged in (
        ("priority", "priority", "priority"),
        ("priority", "default", "default"),
        ("flex", None, "flex"),
        ("auto", "priority", "priority"),
        ("auto", None, "default"),
        (None, "flex", "flex"),
    ):
        named: dict[str, Any] = {"service_tier": answered} if answered else {}
        answer = chat("gpt-5.5", **named)
        request: dict[str, Any] = {"service_tier": asked} if asked else {}
        assert cost_of(invoke, answer, **request) == by_tier[charged], (asked, answered)


@pytest.mark.parametrize("head", ["", "x" * 20_000])
def test_the_tier_of_a_response(invoke: Invoke, head: str) -> None:
    """The tier of a response counts, whole or streamed, short or long."""
    expected = theirs("gpt-5.5", input_tokens=1000, output_tokens=100, context={"service_tier": "priority"})
    part: dict[str, Any] = {"type": "output_text", "text": head, "annotations": []}
    response: dict[str, Any] = {
        "id": "x",
        "object": "response",
        "model": "gpt-5.5",
        "output": [
            {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}
        ],
        "service_tier": "priority",
        "usage": {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100},
    }
    event: dict[str, Any] = {"type": "response.completed", "sequence_number": 1, "response": response}
    stream = httpx.Response(200, json=event).content

    def answer(request: httpx.Request) -> httpx.Response:
        if b'"stream":true' in request.content:
            headers = {"content-type": "text/event-stream"}
            return httpx.Response(200, content=b"data: " + stream + b"\n\n", headers=headers)
        return httpx.Response(200, json=response)

    client = invoke.client(base_url=OPENAI, http_client=httpx.MockTransport(answer), layers=[Cost()])
    whole = call_record(invoke(client.responses.create, model="gpt-5.5", input="x"))
    streamed = invoke(client.responses.create, model="gpt-5.5", input="x", stream=True)
    invoke.collect(streamed)
    raw = call_record(invoke(client.responses.with_raw_response.create, model="gpt-5.5", input="x").parse())
    last = call_record(streamed)
    assert whole is not None
    assert last is not None
    assert (whole.nano_usd, last.nano_usd) == (expected, expected)
    assert raw is None or raw.nano_usd == expected


def test_a_stream_whose_first_chunk_names_the_tier(invoke: Invoke) -> None:
    """The tier counts where an earlier chunk than that of the usage names it."""
    chunk: dict[str, Any] = {"id": "x", "object": "chat.completion.chunk", "model": "gpt-5.5", "choices": []}
    delta = {"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}
    chunks = [{**chunk, "choices": [delta], "service_tier": "priority"}, {**chunk, "usage": USED}]
    body = b"".join(b"data: " + httpx.Response(200, json=one).content + b"\n\n" for one in chunks)
    transport = httpx.MockTransport(
        lambda _: httpx.Response(
            200, content=body + b"data: [DONE]\n\n", headers={"content-type": "text/event-stream"}
        )
    )
    client = invoke.client(base_url=OPENAI, http_client=transport, layers=[Cost()])
    stream = invoke.chat(client, model="gpt-5.5", stream=True)
    invoke.collect(stream)
    record = call_record(stream)
    assert record is not None
    context = {"service_tier": "priority"}
    assert record.nano_usd == theirs("gpt-5.5", input_tokens=1000, output_tokens=100, context=context)


@pytest.mark.parametrize("tier", ["priority", "flex"])
def test_a_tier_does_not_pass_a_hard_budget(invoke: Invoke, tier: str) -> None:
    """A budget with room for the standard price refuses a call at a dearer tier, whichever tier then answers."""
    standard = theirs("gpt-5.5", input_tokens=10, output_tokens=100_000)
    dear = max(
        standard, theirs("gpt-5.5", input_tokens=10, output_tokens=100_000, context={"service_tier": tier})
    )
    store = open_store()
    for usd, fits in ((dear / 1e9 * 0.99, False), (dear / 1e9 * 1.05, True)):
        budgets = Budgets([Budget(usd=usd, per="total", name=str(usd))], store)
        client = invoke.client(base_url=OPENAI, http_client=answering(chat("gpt-5.5")), layers=[budgets])
        request: dict[str, Any] = {"model": "gpt-5.5", "service_tier": tier, "max_completion_tokens": 100_000}
        if fits:
            invoke.chat(client, **request)
        else:
            with pytest.raises(BudgetExceeded):
                invoke.chat(client, **request)


MODELS = [
    (provider.id, model.id)
    for provider in get_snapshot().providers
    if provider.id in {"openai", "openrouter", "anthropic", "google", "perplexity", "groq", "deepseek"}
    for model in provider.models
]


@given(
    st.sampled_from(MODELS),
    st.sampled_from([None, "flex", "priority", "batch"]),
    st.integers(0, 400_000),
    st.integers(0, 50_000),
    st.data(),
)
def test_what_is_set_aside_is_the_most_a_call_can_cost(
    where: tuple[str, str], tier: str | None, into: int, out: int, data: st.DataObject
) -> None:
    """No call costs more than what was set aside, whatever kinds its tokens are of, if it keeps to their number."""
    provider, model = where
    terms = Terms(model=model, provider=provider, service_tier=tier, at=AT.timestamp())
    most = Prices().most_nano_usd(Usage("estimated", into, out, web_searches=2, file_searches=2), terms)

    def upto(most: int) -> int:
        return data.draw(st.integers(0, most))

    used_in, used_out = upto(into), upto(out)
    usage = Usage(
        "reported",
        used_in,
        used_out,
        cached=upto(used_in),
        cache_written=upto(used_in),
        reasoning=upto(used_out),
        audio_input=upto(used_in),
        audio_output=upto(used_out),
        image_input=upto(used_in),
        image_output=upto(used_out),
        cached_audio=upto(used_in),
        web_searches=upto(2),
        file_searches=upto(2),
        service_tier=data.draw(st.sampled_from([tier, "default"])),
    )
    cost = Prices().nano_usd(usage, model, terms=terms)
    assert cost is None or (most is not None and cost <= most)


def test_a_fee_per_request_is_counted_once(invoke: Invoke) -> None:
    """A provider that charges each request charges a short one as much as a long one."""
    expected = theirs("sonar", "perplexity", input_tokens=1000, output_tokens=100)
    assert expected > 12_000_000
    assert cost_of(invoke, chat("sonar"), address="https://api.perplexity.ai") == expected


def test_a_tier_below_100k_is_charged() -> None:
    """A prompt that crosses a threshold costs the price beyond it, wherever the threshold lies."""
    terms = Terms(provider="openrouter")
    for tokens in (31_000, 33_000, 129_000):
        expected = theirs("qwen/qwen3-coder-flash", "openrouter", input_tokens=tokens, output_tokens=10)
        assert (
            Prices().nano_usd(Usage("reported", tokens, 10), "qwen/qwen3-coder-flash", terms=terms)
            == expected
        )


def test_prices_follow_the_time() -> None:
    """A price that depends on the hour, or that starts on a day, is the one of the time of the call."""
    usage = Usage("reported", 1_000_000, 0)

    def at(model: str, provider: str, when: datetime) -> int | None:
        return Prices().nano_usd(usage, model, terms=Terms(provider=provider, at=when.timestamp()))

    hours = (datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (12, 20))
    day, night = (at("deepseek-chat", "deepseek", hour) for hour in hours)
    before, after = (at("o3", "openai", datetime(2025, 6, day, tzinfo=UTC)) for day in (9, 11))
    assert (day, night) == (270_000_000, 135_000_000)
    assert (before, after) == (10_000_000_000, 2_000_000_000)


def test_the_time_is_that_of_the_call(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call is charged by the price of the moment at which it was admitted."""
    client = invoke.client(
        base_url="https://api.deepseek.com", http_client=answering(chat("deepseek-chat")), layers=[Cost()]
    )
    costs: list[int | None] = []

    def at(moment: datetime) -> Callable[[object], float]:
        return lambda _: moment.timestamp()

    for hour in (12, 20):
        moment = datetime(2026, 11, 20, hour, tzinfo=UTC)
        monkeypatch.setattr(type(client.io), "now", at(moment))
        record = call_record(invoke.chat(client, model="deepseek-chat"))
        assert record is not None
        costs.append(record.nano_usd)
        assert costs[-1] == theirs("deepseek-chat", "deepseek", moment, input_tokens=1000, output_tokens=100)
    assert costs[0] != costs[1]


def test_free_is_a_price(invoke: Invoke) -> None:
    """A model that costs nothing costs 0, which is known, and passes a hard budget."""
    address = "https://openrouter.ai/api/v1"
    model = "openai/gpt-oss-20b:free"
    assert cost_of(invoke, chat(model), address=address) == 0
    store = open_store()
    cost = Cost(store=store)
    layers = [Budgets([Budget(usd=0, per="total")], store), cost]
    client = invoke.client(base_url=address, http_client=answering(chat(model)), layers=layers)
    invoke.chat(client, model=model)
    (row,) = cost.report()
    assert (row.usd, row.unpriced) == (0.0, 0)


def test_cached_sound_costs_what_cached_sound_costs(invoke: Invoke) -> None:
    """Sound from the cache is charged once, by its own price, as the session that reports it says."""
    usage = {
        "input_tokens": 1000,
        "output_tokens": 100,
        "total_tokens": 1100,
        "input_token_details": {
            "text_tokens": 300,
            "audio_tokens": 700,
            "cached_tokens": 640,
            "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 576},
        },
        "output_token_details": {"text_tokens": 20, "audio_tokens": 80},
    }
    expected = round((236 * 4 + 64 * 0.4 + 124 * 32 + 576 * 0.4 + 20 * 16 + 80 * 64) * 1000)
    assert cost_of(invoke, chat("gpt-realtime", usage)) == expected
    own = Prices({"m": Price(4, 16, cached_input=0.4, audio_input=32, cached_audio=0.4, audio_output=64)})
    assert cost_of(invoke, chat("m", usage), own) == expected
    dear = Prices({"m": Price(4, 16, cached_input=0.4, audio_input=32, audio_output=64)})
    assert cost_of(invoke, chat("m", usage), dear) == expected + round(576 * (32 - 0.4) * 1000)


def test_own_prices_at_a_service_tier(invoke: Invoke) -> None:
    """A price of the application's own is multiplied at the tiers that it names, before the call and after it."""
    given: dict[str, Any] = {
        "input": 1,
        "output": 10,
        "request": 0.001,
        "service_tiers": {"priority": 2, "flex": 0.5},
    }
    prices = Prices({"m": given})
    assert cost_of(invoke, chat("m", service_tier="priority"), prices) == 1_000_000 + 2 * 2_000_000
    assert cost_of(invoke, chat("m", service_tier="flex"), prices) == 1_000_000 + 1_000_000
    assert cost_of(invoke, chat("m", service_tier="default"), prices, service_tier="priority") == 3_000_000
    usage = Usage("estimated", 1000, 100)
    assert prices.most_nano_usd(usage, Terms("m", service_tier="priority")) == 5_000_000
    assert prices.most_nano_usd(usage, Terms("m", service_tier="flex")) == 3_000_000
    layers = make_layers({"cost": True, "prices": {"m": given}})
    client = invoke.client(base_url=OPENAI, http_client=answering(chat("m")), layers=layers)
    record = call_record(invoke.chat(client, model="m", service_tier="priority"))
    assert record is not None
    assert record.nano_usd == 5_000_000
    with pytest.raises(ConfigError, match="price: service_tiers: flex must be 0 or more"):
        Price(1, 1, service_tiers={"flex": -1})


def test_searches_are_charged_by_the_call(invoke: Invoke) -> None:
    """Searches of the web and of files cost what the library says, opened pages cost nothing."""
    items: list[dict[str, Any]] = [
        {
            "type": "web_search_call",
            "id": "1",
            "status": "completed",
            "action": {"type": "search", "query": "x"},
        },
        {
            "type": "web_search_call",
            "id": "2",
            "status": "completed",
            "action": {"type": "open_page", "url": "x"},
        },
        {"type": "web_search_call", "id": "3", "status": "completed"},
        {"type": "file_search_call", "id": "4", "status": "completed", "queries": []},
    ]
    response: dict[str, Any] = {
        "id": "x",
        "object": "response",
        "model": "gpt-5.5",
        "output": items,
        "usage": {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100},
    }
    expected = theirs("gpt-5.5", input_tokens=1000, output_tokens=100) + 2 * 10_000_000 + 2_500_000
    client = invoke.client(base_url=OPENAI, http_client=answering(response), layers=[Cost()])
    record = call_record(invoke(client.responses.create, model="gpt-5.5", input="x"))
    assert record is not None
    assert record.nano_usd == expected


def test_searches_are_set_aside(invoke: Invoke) -> None:
    """A hard budget has room for as many searches as a call may make."""
    limits = {"model": "gpt-5.5", "input": "x", "max_output_tokens": 16, "tools": [{"type": "web_search"}]}
    for calls, fits in ((2, True), (4, False)):
        budgets = Budgets([Budget(usd=0.035, per="total")], open_store())
        answer = {"id": "x", "object": "response", "model": "gpt-5.5", "output": [], "usage": None}
        client = invoke.client(base_url=OPENAI, http_client=answering(answer), layers=[budgets])
        if fits:
            invoke(client.responses.create, **limits, max_tool_calls=calls)
        else:
            with pytest.raises(BudgetExceeded):
                invoke(client.responses.create, **limits, max_tool_calls=calls)


@pytest.mark.parametrize(
    ("reports", "nano_usd"),
    [
        ({"cost": 0.00123}, 1_230_000),
        ({"cost": 0}, 0),
        ({"cost": 0.0001, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.002}}, 2_100_000),
        ({"cost": {"total_cost": 0.006}}, 6_000_000),
        ({"cost_in_usd_ticks": 25_000_000}, 2_500_000),
    ],
)
def test_a_reported_cost_is_taken(invoke: Invoke, reports: dict[str, Any], nano_usd: int) -> None:
    """What the provider says it charges counts before the library's price, and after the application's own."""
    address = "https://openrouter.ai/api/v1"
    answer = chat("openai/gpt-oss-120b", {**USED, **reports})
    assert cost_of(invoke, answer, address=address) == nano_usd
    by_library = theirs("openai/gpt-oss-120b", "openrouter", input_tokens=1000, output_tokens=100)
    assert cost_of(invoke, answer, Prices(reported=False), address) == by_library
    assert cost_of(invoke, answer, Prices({"openai/*": Price(1, 1)}), address) == 1_100_000


@pytest.mark.parametrize(
    "reports",
    [
        *({"cost": cost} for cost in (-1, "0.1", True, float("inf"), float("nan"), None, [], 1e30, 10**400)),
        {"cost": {"total_cost": 10**400}},
        {"cost_in_usd_ticks": 10**400},
        {"cost": 0.1, "is_byok": True, "cost_details": {"upstream_inference_cost": 10**400}},
        {"cost": 10**400, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.1}},
    ],
)
def test_an_implausible_cost_is_none(reports: dict[str, Any]) -> None:
    """A reported cost that can be none is as if there were none."""
    by_library = theirs("openai/gpt-oss-120b", "openrouter", input_tokens=1000, output_tokens=100)
    found = from_report({**USED, **reports})
    assert found is not None
    assert found.nano_usd is None
    assert Prices().nano_usd(found, "openai/gpt-oss-120b", terms=Terms(provider="openrouter")) == by_library


@pytest.mark.parametrize("searches", ["3", -1, True, 1.5, {}, 10**30])
def test_an_implausible_count_of_searches_is_none(searches: object) -> None:
    """Tokens count where the searches beside them are no number that can be."""
    for said in ({"num_search_queries": searches}, {"server_tool_use": {"web_search_requests": searches}}):
        found = from_report({**USED, **said})
        assert found is not None
        assert (found.input, found.output, found.web_searches) == (1000, 100, 0)


def test_tokens_beside_the_answer_are_charged(invoke: Invoke) -> None:
    """Reasoning and citations that a provider reports beside the answer's tokens are part of what came out."""
    beside = {
        "prompt_tokens": 32,
        "completion_tokens": 9,
        "total_tokens": 135,
        "completion_tokens_details": {"reasoning_tokens": 94},
    }
    expected = theirs("grok-3-mini", "x-ai", input_tokens=32, output_tokens=103)
    assert cost_of(invoke, chat("grok-3-mini", beside), address="https://api.x.ai/v1") == expected
    deep = {
        "prompt_tokens": 33,
        "completion_tokens": 7163,
        "total_tokens": 7196,
        "citation_tokens": 1200,
        "num_search_queries": 18,
        "reasoning_tokens": 73_997,
    }
    expected = theirs(
        "sonar-deep-research",
        "perplexity",
        input_tokens=33,
        output_tokens=7163 + 1200 + 73_997,
        output_citation_tokens=1200,
        output_reasoning_tokens=73_997,
        web_searches=18,
    )
    assert cost_of(invoke, chat("sonar-deep-research", deep), address="https://api.perplexity.ai") == expected


def test_names_may_be_patterns() -> None:
    """An exact name goes before a pattern, a longer pattern before a shorter one, by any name of the model."""
    prices = Prices(
        {
            "*": Price(1),
            "gpt-5*": Price(2),
            "gpt-5.5-*": Price(3),
            "gpt-5.4-mini": Price(4),
            "azure/gpt-5.5": Price(5),
        }
    )
    usage = Usage("reported", 1)

    def cost(model: str, asked: str | None = None, target: str | None = None) -> int | None:
        return prices.nano_usd(usage, model, asked, Terms(target=target))

    assert cost("gpt-5.4-mini") == 4000
    assert cost("gpt-5.5-nano") == 3000
    assert cost("gpt-5.6") == 2000
    assert cost("llama") == 1000
    assert cost("gpt-5.5", target="azure/gpt-5.5") == 5000
    assert cost("gpt-5.4-mini", "fast") == 4000
    assert cost("llama", "gpt-5-x") == 2000
    assert prices.most_nano_usd(usage, Terms(model="gpt-5.5-nano")) == 3000


def test_a_hard_budget_says_where_the_price_is_missing(invoke: Invoke) -> None:
    """A call without a price is refused with the model, the host and what to do, and nothing secret."""
    budgets = Budgets([Budget(usd=1, per="day")], open_store())
    client = invoke.client(base_url="http://user:hidden@127.0.0.1:9/v1?key=hidden", layers=[budgets])
    with pytest.raises(
        ConfigError, match=r"'gpt-5\.5' is unknown at 127\.0\.0\.1, .*price_options"
    ) as caught:
        invoke.chat(client, model="gpt-5.5")
    assert "hidden" not in str(caught.value)


def test_the_context_of_the_application_does_not_round() -> None:
    """Sums stay exact where the application computes decimals with few digits."""
    with localcontext(Context(prec=2)):
        assert Prices().nano_usd(Usage("reported", 123_457, 0), "gpt-4o") == 123_457 * 2500
