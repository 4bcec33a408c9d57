"""The journal: how each call ended, and each time that it was sent."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ai_client import AsyncOpenAI, BadRequestError, ClientProvider, OpenAI, RateLimitError, labels
from ai_client.errors import APIConnectionError, BudgetExceeded, ConfigError
from ai_client.operations import JournalState
from ai_client.stores import open_store
from ai_client.testing import Gate, Upstream
from tests.support.invoke import CHAT, Invoke, no_waiting
from tests.support.journals import Journalled
from tests.support.waiting import until

PRICES = {"gpt-4o-mini": {"input": 1.0, "output": 3.0}}


def test_a_call_has_an_entry(invoke: Invoke) -> None:
    """An entry has all that is known of a call, and none of its content by default."""
    journal = Journalled(cost=True, prices=PRICES, models={"fast": "gpt-4o-mini"}, breaker=False)
    before = datetime.now(UTC)
    with labels(endpoint="/ask", tenant="acme", user="ann"):
        completion = invoke.chat(invoke.client(layers=journal.layers), "private words", model="fast")
    entry = journal.only()
    usage = completion.to_dict()["usage"]
    assert before - timedelta(seconds=1) < entry.at <= datetime.now(UTC)
    assert (entry.endpoint, entry.tenant, entry.user, entry.request) == ("/ask", "acme", "ann", None)
    assert (entry.client, entry.path, entry.model) == ("default", "/chat/completions", "fast")
    assert (entry.target, entry.stream, entry.outcome, entry.status) == ("gpt-4o-mini", False, "ok", 200)
    assert (entry.error, entry.message, entry.cache, entry.unpriced) == (None, None, None, False)
    assert (entry.usage_source, entry.input_tokens) == ("reported", usage["prompt_tokens"])
    assert entry.output_tokens == usage["completion_tokens"]
    assert entry.nano_usd == 1000 * usage["prompt_tokens"] + 3000 * usage["completion_tokens"]
    assert entry.usd == pytest.approx(entry.nano_usd / 10**9)
    assert entry.request_id == completion._request_id
    assert entry.has_content is False
    assert journal.book.content(entry.id) is None
    (attempt,) = entry.attempts
    assert (attempt.target, attempt.number, attempt.status, attempt.pause) == ("gpt-4o-mini", 1, 200, None)
    assert 0 < attempt.began + attempt.seconds <= entry.seconds
    assert "private" not in repr(entry)


def test_a_stream_has_one_at_its_end(invoke: Invoke) -> None:
    """A stream has its entry when it is over, with the time to its first item."""
    journal = Journalled(cost=True, prices=PRICES)
    stream = invoke.chat(invoke.client(layers=journal.layers), stream=True)
    assert journal.entries() == []
    invoke.collect(stream)
    entry = journal.only()
    assert (entry.stream, entry.outcome, entry.status) == (True, "ok", 200)
    assert entry.first_item is not None
    assert 0 < entry.attempts[0].seconds < entry.first_item <= entry.seconds
    assert entry.nano_usd


def test_a_stream_that_is_left_is_cancelled(invoke: Invoke) -> None:
    """A stream that its reader leaves has been cancelled; what came of it is estimated."""
    journal = Journalled()
    stream = invoke.chat(invoke.client(layers=journal.layers), stream=True)
    invoke.collect(stream, 2)
    invoke(stream.close)
    entry = journal.only()
    assert (entry.outcome, entry.error, entry.status) == ("cancelled", None, 200)
    assert entry.usage_source == "estimated"


def test_a_stream_that_breaks_off_is_an_error(invoke: Invoke, upstream: Upstream) -> None:
    """A stream that the server breaks off is an error with its class."""
    journal = Journalled()
    upstream.reply(close_after=300)
    stream = invoke.chat(invoke.client(layers=journal.layers), stream=True)
    with pytest.raises(APIConnectionError):
        invoke.collect(stream)
    entry = journal.only()
    assert (entry.outcome, entry.error) == ("error", "StreamInterruptedError")
    assert [one.status for one in entry.attempts] == [200]


def test_each_attempt_is_there_with_the_wait_after_it(invoke: Invoke, upstream: Upstream) -> None:
    """Attempts have their errors, statuses and pauses, whether the server answered or hung up."""
    journal = Journalled()
    upstream.reply(status=503, headers={"retry-after-ms": "30"})
    upstream.reply(disconnect=True)
    with no_waiting():
        invoke.chat(invoke.client(layers=journal.layers, max_retries=2))
    entry = journal.only()
    assert [(one.number, one.error, one.status) for one in entry.attempts] == [
        (1, "InternalServerError", 503),
        (2, "APIConnectionError", None),
        (3, None, 200),
    ]
    assert entry.attempts[0].pause == 0.03
    assert entry.attempts[1].pause is not None
    assert entry.attempts[1].first_byte is None
    assert [one.began for one in entry.attempts] == sorted(one.began for one in entry.attempts)


def test_an_error_has_its_message_as_redaction_allows(invoke: Invoke, upstream: Upstream) -> None:
    """The message says what the server rejected, but quotes neither its text nor a key."""
    journal = Journalled()
    upstream.reply(status=400, json={"error": {"message": "not: private words", "code": "bad_word"}})
    with pytest.raises(BadRequestError):
        invoke.chat(invoke.client(layers=journal.layers))
    entry = journal.only()
    assert (entry.outcome, entry.error, entry.status) == ("error", "BadRequestError", 400)
    assert entry.message == "Error code: 400 (bad_word)"
    assert entry.request_id is not None


def test_a_call_that_is_rejected_before_it_is_sent_has_one_too(invoke: Invoke) -> None:
    """What another policy rejects has an entry without attempts."""
    journal = Journalled(budgets=[{"requests": 1, "per": "day"}])
    client = invoke.client(layers=journal.layers)
    invoke.chat(client)
    with pytest.raises(BudgetExceeded):
        invoke.chat(client)
    entry = journal.entries()[0]
    assert (entry.outcome, entry.error, entry.attempts) == ("error", "BudgetExceeded", ())


def test_a_cached_answer_has_one_too(invoke: Invoke) -> None:
    """A hit of the cache has an entry that cost nothing, used nothing and was not sent."""
    journal = Journalled(cost=True, prices=PRICES, cache={"scope": "all"})
    client = invoke.client(layers=journal.layers)
    for _ in range(2):
        invoke.chat(client, seed=1)
    hit, miss = journal.entries()
    assert (miss.cache, hit.cache) == ("miss", "hit")
    assert len(miss.attempts) == 1
    assert hit.attempts == ()
    assert (hit.nano_usd, hit.input_tokens, hit.unpriced) == (0, None, False)


def test_targets_of_a_fallback_have_their_attempts(invoke: Invoke, upstream: Upstream) -> None:
    """Attempts at several targets are in their order, each with the target's name."""
    journal = Journalled(
        models={"smart": ["first", "second"]},
        breaker=False,
        cost=True,
        prices={"second": PRICES["gpt-4o-mini"]},
    )
    upstream.reply(status=500)
    upstream.reply(status=429)
    with no_waiting():
        invoke.chat(invoke.client(layers=journal.layers, max_retries=2), model="smart")
    entry = journal.only()
    assert [(one.target, one.number, one.status) for one in entry.attempts] == [
        ("first", 1, 500),
        ("second", 2, 429),
        ("second", 3, 200),
    ]
    assert (entry.model, entry.target) == ("smart", "second")
    assert journal.entries(model="second") == journal.entries(model="smart") == [entry]
    assert journal.entries(model="first") == []


def test_a_price_that_is_not_known_is_said(invoke: Invoke) -> None:
    """A billed call without a price is unpriced; without the control `cost` nothing is said."""
    journal = Journalled(cost=True, price_options={"library": False})
    invoke.chat(invoke.client(layers=journal.layers))
    assert (journal.only().nano_usd, journal.only().unpriced) == (None, True)
    journal = Journalled()
    invoke.chat(invoke.client(layers=journal.layers))
    assert (journal.only().nano_usd, journal.only().unpriced) == (None, False)


def test_other_calls_have_entries(invoke: Invoke, upstream: Upstream) -> None:
    """Calls of any kind have entries: lists, uploads, and bodies that are read by the caller."""
    journal = Journalled({"content": True})
    client = invoke.client(layers=journal.layers)
    invoke(client.models.list)
    upstream.reply(json={"id": "file-1", "object": "file"}, path="/files")
    upstream.reply(body=b"sound", headers={"content-type": "audio/mpeg"}, path="/audio/speech")
    upload = invoke(client.files.create, file=("a.txt", b"private"), purpose="assistants")
    with invoke.within(
        client.audio.speech.with_streaming_response.create(input="Hi", model="tts-1", voice="alloy")
    ) as body:
        invoke(body.read)
    speech, uploaded, listed = journal.entries()
    assert (speech.path, speech.outcome, speech.usage_source) == ("/audio/speech", "ok", "estimated")
    assert (listed.path, listed.outcome, listed.unpriced) == ("/models", "ok", False)
    assert (uploaded.path, uploaded.status) == ("/files", 200)
    content = journal.book.content(uploaded.id)
    assert content is not None
    assert content.request == {"purpose": "assistants"}
    assert content.answer["id"] == upload.id
    content = journal.book.content(speech.id)
    assert content is not None
    assert (content.request["input"], content.answer) == ("Hi", None)


def test_a_call_cancelled_at_any_moment_has_one_entry(upstream: Upstream) -> None:
    """However far a call has come when its task is cancelled, it has one entry, and each attempt that was begun."""
    journal = Journalled(cost=True, cache={"scope": "all"}, concurrency=5, retry_budget=True)

    async def call(steps: int) -> str:
        async with AsyncOpenAI(
            api_key="sk-test", base_url=upstream.base_url, layers=journal.layers, max_retries=0
        ) as client:
            task = asyncio.ensure_future(client.chat.completions.create(**CHAT, seed=steps))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
                return "ok"
            return "cancelled"

    async def call_all() -> list[str]:
        async with asyncio.timeout(120):
            return [await call(steps) for steps in range(1, 40)]

    ended = asyncio.run(call_all())
    entries = journal.entries()[::-1]
    assert [entry.outcome for entry in entries] == ended
    assert "cancelled" in ended
    for entry in entries:
        if entry.outcome == "cancelled":
            assert entry.error == "CancelledError"
            assert [(one.error, one.status) for one in entry.attempts] in (
                [],
                [("CancelledError", None)],
                [(None, 200)],
            )


def test_steps_of_an_attempt(invoke: Invoke, upstream: Upstream) -> None:
    """The first attempt opens a connection and the next one has it; both say what each step took."""
    journal = Journalled()
    client = invoke.client(layers=journal.layers)
    upstream.reply(delay=0.05)
    invoke.chat(client)
    invoke.chat(client)
    second, first = (entry.attempts[0] for entry in journal.entries())
    assert first.connect is not None
    assert first.connect > 0
    assert second.connect == second.queue == 0
    assert first.first_byte is not None
    assert first.first_byte >= 0.04
    assert None not in {first.queue, first.send, second.send, second.first_byte}


def test_the_wait_for_a_connection_is_the_queue(sync: bool, upstream: Upstream) -> None:
    """A call that waits until another one gives its connection back has waited in the queue, the other has not."""
    gate = Gate()
    upstream.reply(gate=gate)
    provider = ClientProvider(
        base_url=upstream.base_url, api_key="sk-test", max_connections=1, controls={"journal": True}
    )
    begin = time.monotonic()

    def arrive() -> float:
        upstream.wait_for(lambda: len(upstream.requests) == 1)
        return time.monotonic() - begin

    def keep_waiting() -> float:
        until(lambda: provider.process.clients[0].waiting)
        waiting = time.monotonic()
        time.sleep(0.05)
        waited = time.monotonic() - waiting
        gate.set()
        return waited

    def make_two() -> tuple[float, float]:
        with ThreadPoolExecutor(2) as threads:
            create = provider.client.chat.completions.create
            first = threads.submit(create, **CHAT)
            arrived = arrive()
            second = threads.submit(create, **CHAT)
            waited = keep_waiting()
            first.result(60)
            second.result(60)
        return arrived, waited

    async def amake_two() -> tuple[float, float]:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            create = provider.async_client.chat.completions.create
            group.create_task(create(**CHAT))
            arrived = await asyncio.to_thread(arrive)
            group.create_task(create(**CHAT))
            return arrived, await asyncio.to_thread(keep_waiting)

    arrived, waited = make_two() if sync else asyncio.run(amake_two())
    second, first = (entry.attempts[0].queue for entry in provider.journal.entries())
    provider.close()
    assert first is not None
    assert first < arrived
    assert second is not None
    assert second >= waited


def test_steps_over_an_http_client_of_the_users_own_are_unknown(upstream: Upstream) -> None:
    """Where another HTTP client sends the request, nothing is known of its steps."""
    journal = Journalled()
    with OpenAI(
        api_key="sk-test",
        base_url=upstream.base_url,
        layers=journal.layers,
        http_client=httpx.Client(transport=httpx.HTTPTransport()),
    ) as client:
        client.chat.completions.create(**CHAT)
    (attempt,) = journal.only().attempts
    assert (attempt.queue, attempt.connect, attempt.send, attempt.first_byte) == (None, None, None, None)
    assert attempt.seconds > 0


def test_a_connection_that_cannot_be_opened_took_its_time_to_connect(invoke: Invoke) -> None:
    """An attempt that failed to connect has the time of that, and no later step."""
    journal = Journalled()
    client = invoke.client(layers=journal.layers, base_url="http://127.0.0.1:9/v1")
    with pytest.raises(APIConnectionError):
        invoke.chat(client)
    (attempt,) = journal.only().attempts
    assert attempt.error == "APIConnectionError"
    assert attempt.connect is not None
    assert (attempt.send, attempt.first_byte) == (None, None)


def test_more_calls_than_a_second_keeps_are_counted(invoke: Invoke, upstream: Upstream) -> None:
    """Above the rate calls are left out and counted; errors are kept up to twice the rate."""
    journal = Journalled({"per_second": 3})
    client = invoke.client(layers=journal.layers)
    for number in range(40):
        if number % 4 == 3:
            upstream.reply(status=429)
        with suppress(RateLimitError):
            invoke.chat(client)
    entries, state = journal.entries(), journal.book.state()
    assert state.kept == len(entries)
    assert state.kept + state.left_out == 40
    assert state.left_out > 0
    by_second: dict[int, list[str]] = {}
    for entry in entries:
        by_second.setdefault(int(int(entry.id[:13], 16) / 1e6), []).append(entry.outcome)
    for outcomes in by_second.values():
        assert len(outcomes) <= 6
        assert outcomes.count("ok") <= 3


def test_a_journal_keeps_the_last_calls(invoke: Invoke) -> None:
    """Of more calls than it keeps the last are there, those of the last days."""
    journal = Journalled({"keep": 5, "days": 2})
    client = invoke.client(layers=journal.layers)
    for number in range(12):
        with labels(tenant=str(number)):
            invoke.chat(client)
    assert [entry.tenant for entry in journal.entries()] == ["11", "10", "9", "8", "7"]
    state = journal.book.state()
    assert state == JournalState(kept=5, keep=5, oldest=journal.entries()[-1].at, left_out=0)


def test_calls_that_are_too_old_are_not_shown(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry ends with the days for which it is kept, whether or not another call is made."""
    journal = Journalled({"days": 1, "content": True})
    invoke.chat(invoke.client(layers=journal.layers))
    entry = journal.only()
    later = time.time() + 86_401
    monkeypatch.setattr("ai_client.control.journal.policy.time.time", lambda: later)
    assert journal.entries() == []
    assert journal.book.entry(entry.id) is None
    assert journal.book.content(entry.id) is None
    assert journal.book.state() == JournalState(kept=0, keep=10_000, oldest=None, left_out=0)


def test_aliases_that_share_a_store_share_a_journal(upstream: Upstream) -> None:
    """Entries name the alias of their client; one journal that several have is read once, others beside it."""
    controls = {"journal": True, "store": "memory://"}
    store = open_store("memory://")
    shared = {**controls, "store": store}
    options: dict[str, Any] = {"base_url": upstream.base_url, "api_key": "sk-test"}
    provider = ClientProvider(
        **options,
        controls=shared,
        aliases={"azure": {**options, "controls": shared}, "apart": {**options, "controls": controls}},
    )
    for client in (provider.client, provider["azure"].client, provider["apart"].client):
        client.chat.completions.create(**CHAT)
    assert [entry.client for entry in provider.journal.entries()] == ["apart", "azure", "default"]
    assert [entry.client for entry in provider["azure"].journal.entries()] == ["azure", "default"]
    assert [entry.client for entry in provider["apart"].journal.entries()] == ["apart"]
    assert provider.journal.state().kept == 3
    assert provider.journal.state().keep == 20_000
    entry = provider["apart"].journal.entries()[0]
    assert provider.journal.entry(entry.id) == entry
    assert provider["azure"].journal.entry(entry.id) is None
    provider.close()


def test_what_cannot_be_asked_is_refused(upstream: Upstream) -> None:
    """Errors name what is missing or wrong."""
    provider = ClientProvider(base_url=upstream.base_url, api_key="sk-test", controls={"cost": True})
    with pytest.raises(ConfigError, match="no 'journal'"):
        provider.journal.entries()
    provider.close()
    book: Any = Journalled().book
    for name, value in (
        ("limit", 0),
        ("limit", 10**6),
        ("limit", True),
        ("outcome", "good"),
        ("since", "yesterday"),
        ("until", 3),
        ("tenant", 3),
    ):
        with pytest.raises(ConfigError, match=name):
            book.entries(**{name: value})


@pytest.mark.parametrize(
    "options",
    [{"keep": 0}, {"keep": 10**7}, {"days": 0}, {"per_second": 0}, {"content": "much"}, {"size": 3}],
)
def test_options_are_checked(options: dict[str, Any]) -> None:
    """Options that make no sense are refused by their names."""
    with pytest.raises(ConfigError, match=f"journal.*{next(iter(options))}"):
        Journalled(options)
