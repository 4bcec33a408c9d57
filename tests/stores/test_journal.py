"""The journal in each store: every call as its upstream saw it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ai_client import ClientProvider, labels
from ai_client.errors import ConfigError
from ai_client.operations import JournalEntry
from tests.support.counting_upstream import Counted, counting_upstream
from tests.support.mixed_calls import CONTROLS, acall, call, planned

COUNT = 500
ATTEMPTS = {
    "plain": [("plain-model", 200)],
    "streamed": [("plain-model", 200)],
    "cut": [("plain-model", 200)],
    "bad": [("plain-model", 400)],
    "again": [("plain-model", 503), ("plain-model", 200)],
    "moved": [("primary", 500), ("backup", 200)],
    "cached": [("other-model", 200)],
}
"""The target and status of each attempt of a call, by its kind."""


def make_all(provider: ClientProvider, plan: list[tuple[str, int, str]]) -> None:
    """Make half of the calls with the sync client in four threads, and half with the async one at the same time."""
    half = len(plan) // 2

    def make(kind: str, number: int, tenant: str) -> None:
        with labels(endpoint=f"/{kind}", tenant=tenant):
            call(provider.client, kind, number)

    async def amake(places: asyncio.Semaphore, kind: str, number: int, tenant: str) -> None:
        async with places:
            with labels(endpoint=f"/{kind}", tenant=tenant):
                await acall(provider.async_client, kind, number)

    async def amake_all() -> None:
        places = asyncio.Semaphore(8)
        async with asyncio.timeout(120):
            await asyncio.gather(*(amake(places, *one) for one in plan[half:]))

    with ThreadPoolExecutor(5) as threads:
        others = threads.submit(asyncio.run, amake_all())
        for done in [threads.submit(make, *one) for one in plan[:half]]:
            done.result(120)
        others.result(120)


def check_entry(entry: JournalEntry, kind: str, number: int) -> None:
    """Hold an entry against the call that was planned."""
    assert entry.endpoint == f"/{kind}"
    assert entry.path == "/chat/completions"
    assert entry.client == "default"
    assert entry.request is None
    assert entry.stream == (kind in {"streamed", "cut"})
    assert entry.outcome == {"bad": "error", "cut": "cancelled"}.get(kind, "ok")
    assert entry.error == ("BadRequestError" if kind == "bad" else None)
    assert entry.status == (400 if kind == "bad" else 200)
    assert entry.model == {"moved": "smart", "cached": "other-model"}.get(kind, "plain-model")
    assert (entry.first_item is not None) == entry.stream
    assert entry.unpriced is False
    is_cached = entry.cache in {"hit", "shared"}
    assert entry.cache == (entry.cache if kind == "cached" else None)
    found = [(one.target or entry.model, one.status) for one in entry.attempts]
    assert found == ([] if is_cached else ATTEMPTS[kind])
    for position, one in enumerate(entry.attempts):
        assert one.number == position + 1
        assert one.error == (None if one.status == 200 else one.error or "")
        steps = [one.queue, one.connect, one.send, one.first_byte]
        assert None not in steps
        assert sum(step or 0 for step in steps) <= one.seconds + 0.001
        assert one.began + one.seconds <= entry.seconds + 0.001
    if is_cached:
        assert (entry.input_tokens, entry.usage_source, entry.nano_usd) == (None, None, 0)
    elif kind not in {"bad", "cut"}:
        assert (entry.input_tokens, entry.output_tokens) == (10 + number % 7, 5 + number % 5)
        assert entry.usage_source == "reported"
        assert entry.nano_usd == 1000 * (10 + number % 7) + 3000 * (5 + number % 5)


def check_sums(entries: list[JournalEntry], upstream: Counted) -> None:
    """Hold all attempts together against what the upstream counted."""
    seen = Counter((one.target or entry.model, one.status) for entry in entries for one in entry.attempts)
    assert seen == upstream.statuses


def test_every_call_is_there_as_its_upstream_saw_it(store_url: str) -> None:
    """Of 500 mixed calls of both clients each has an entry: outcome, attempts, steps, tokens, cost, content."""
    if store_url.startswith("django-cache:"):
        pytest.skip("a cache of Django keeps no logs")
    plan = planned(COUNT)
    journal = {"per_second": 100_000, "content": True, "name": "shop"}
    controls: dict[str, Any] = {**CONTROLS, "telemetry": False, "store": store_url, "journal": journal}
    with counting_upstream() as upstream:
        provider = ClientProvider(
            base_url=upstream.base_url, api_key="sk-test", max_retries=1, controls=controls
        )
        make_all(provider, plan)
        entries = provider.journal.entries(limit=COUNT + 1)
        assert [one.id for one in entries] == sorted((one.id for one in entries), reverse=True)
        made: Counter[tuple[str, int, str]] = Counter()
        for entry in entries:
            content = provider.journal.content(entry.id)
            assert content is not None
            kind, number = content.request["messages"][0]["content"].split()
            made[kind, int(number), str(entry.tenant)] += 1
            check_entry(entry, kind, int(number))
            if entry.outcome == "ok":
                assert {*content.answer["choices"][0]["message"]["content"].split()} == {"yes"}
        assert made == Counter(plan)
        check_sums(entries, upstream)
        check_reading(provider, entries)
        provider.close()


def check_reading(provider: ClientProvider, entries: list[JournalEntry]) -> None:
    """Hold each way of reading against all entries."""
    read: Callable[..., list[JournalEntry]] = provider.journal.entries
    for name, value in (
        ("endpoint", "/moved"),
        ("tenant", "acme"),
        ("outcome", "cancelled"),
        ("error", "BadRequestError"),
        ("cache", "hit"),
        ("error", ""),
    ):
        expected = [one for one in entries if (getattr(one, name) or "") == value]
        assert expected
        assert read(limit=COUNT, **{name: value}) == expected
    assert read(limit=COUNT, model="smart") == [one for one in entries if one.model == "smart"]
    assert read(limit=COUNT, model="backup") == [one for one in entries if one.target == "backup"]
    assert read(limit=3, before=entries[9].id) == entries[10:13]
    middle = entries[200]
    assert read(limit=COUNT, since=middle.at, tenant="acme") == [
        one for one in entries if one.at >= middle.at and one.tenant == "acme"
    ]
    assert read(limit=COUNT, until=middle.at) == [one for one in entries if one.at < middle.at]
    assert provider.journal.entry(middle.id) == middle
    assert provider.journal.entry("none") is None
    assert provider.journal.content("none") is None
    state = provider.journal.state()
    assert (state.kept, state.keep, state.left_out) == (COUNT, 10_000, 0)
    assert state.oldest == entries[-1].at

    async def aread() -> None:
        journal = provider.journal
        assert await journal.aentries(limit=5) == entries[:5]
        assert await journal.aentry(middle.id) == middle
        assert await journal.acontent(middle.id) == journal.content(middle.id)
        assert await journal.astate() == state

    asyncio.run(aread())


def test_a_cache_of_django_keeps_no_journal(a_django_cache: str) -> None:
    """The error says so when the client is configured, and what to do."""
    controls = {"store": a_django_cache, "journal": True}
    with pytest.raises(ConfigError, match="'journal': False") as raised:
        ClientProvider(api_key="sk-test", controls=controls)
    assert "journal: the store's backend DjangoCacheBackend" in str(raised.value)
