"""Totals that are written many at once and added up by the store, whatever it is made of."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ai_client.stores import Tally, open_store
from ai_client.stores.base import MOST
from ai_client.stores.memory import MemoryBackend
from ai_client.stores.sqlite import SqliteBackend
from ai_client.stores.totals import UNLISTED, Totals, record_in, totals_in
from tests.support.policies import Redis

NOW = time.time()
DAY = NOW + 86_400
LISTED = "2027-01-15T08"


def unlisted(number: int, length: str = "m", what: str = "ab") -> str:
    """Return the name of an unlisted period."""
    return f"{UNLISTED}{length}{number:09}{what}"


@pytest.fixture
def backend(store_url: str) -> Iterator[Any]:
    """Yield the backend of a fresh store."""
    store = open_store(store_url)
    yield store.backend
    store.close()


class Own:
    """A backend of an application's own, which takes and reads one at a time."""

    def __init__(self, backend: Any) -> None:
        self.settle, self.sums = backend.settle, backend.sums


def test_many_are_added_at_once_and_added_up(backend: Any) -> None:
    """Amounts of several periods, keys and names count in each, and come back together and apart."""
    first, second = unlisted(1), unlisted(2)
    for ticket in ("t1", "t2"):
        tallies = [
            Tally(first, "a", {"calls": 1, "tokens": 10}, DAY),
            Tally(second, "a", {"calls": 2}, DAY),
            Tally(first, 'b"é\\u0000', {"calls": 4, "lost": -1}, DAY),
            Tally(first, "a", {"calls": 8}, DAY),
            Tally(LISTED, "k", {"n": 3}, DAY),
        ]
        backend.record(ticket, tallies, NOW)
    assert backend.totals([first, second, unlisted(3)], ["a", "none"]) == Totals(
        {"a": {"calls": 22, "tokens": 20}, 'b"é\\u0000': {"calls": 8, "lost": -2}},
        {first: {"a": {"calls": 18, "tokens": 20}}, second: {"a": {"calls": 4}}},
    )
    assert backend.totals([second], []) == Totals({"a": {"calls": 4}}, {})
    assert backend.totals([], ["a"]) == Totals({}, {})
    assert backend.sums("2027", "2028") == {LISTED: {"k": {"n": 6}}}
    assert backend.totals([LISTED], ["k"]) == Totals({"k": {"n": 6}}, {LISTED: {"k": {"n": 6}}})


def test_a_ticket_counts_once(backend: Any) -> None:
    """What is recorded again under its ticket counts once, however much it is; a settlement of that ticket too."""
    tallies = [
        Tally(unlisted(period), f"k{key}", {f"n{name}": 1 for name in range(10)}, DAY)
        for period in range(130)
        for key in range(5)
    ]
    for _ in range(2):
        backend.record("t", tallies, NOW)
    backend.settle("t", (), NOW, (), Tally(unlisted(0), "k0", {"n0": 1}, DAY))
    backend.record("u", [], NOW)
    found = backend.totals([unlisted(period) for period in range(130)], ["k0"])
    assert found.sums == {f"k{key}": {f"n{name}": 130 for name in range(10)} for key in range(5)}
    assert [keys["k0"]["n0"] for keys in found.apart.values()] == [1] * 130


@pytest.mark.parametrize("sign", [1, -1])
def test_large_amounts_are_exact(backend: Any, sign: int) -> None:
    """Sums beyond what a floating-point number holds are exact, up to the bound of what is kept."""
    amounts = [10**17 + 1, 2**53 + 1, 99_999_999_999_999, 10**14 + 7]
    for number, amount in enumerate(amounts):
        backend.record(f"t{number}", [Tally(unlisted(number), "a", {"n": sign * amount}, DAY)], NOW)
    assert backend.totals([unlisted(n) for n in range(4)], []).sums == {"a": {"n": sign * sum(amounts)}}


def test_a_total_has_a_bound(store_url: str) -> None:
    """A total that would overflow stays at the bound."""
    if "sqlite" not in store_url and "django-db" not in store_url:
        pytest.skip("a bound of databases")
    store = open_store(store_url)
    backend: Any = store.backend
    for number, amount in enumerate((MOST, MOST, -1)):
        backend.record(f"t{number}", [Tally(unlisted(1), "a", {"n": amount}, DAY)], NOW)
    assert backend.totals([unlisted(1)], []).sums == {"a": {"n": MOST - 1}}
    store.close()


def test_threads_add_side_by_side(backend: Any) -> None:
    """What several threads add to the same totals, in whatever order they name them, is all there."""

    def add(thread: int) -> None:
        periods = [unlisted(number) for number in range(5)][:: 1 if thread % 2 else -1]
        for number in range(10):
            tallies = [Tally(period, key, {"n": 1}, DAY) for period in periods for key in "abc"]
            backend.record(f"{thread}-{number}", tallies, NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    found = backend.totals([unlisted(number) for number in range(5)], [])
    assert found.sums == {key: {"n": 200} for key in "abc"}


def test_a_backend_of_an_applications_own_does_so_one_by_one() -> None:
    """A backend without these methods counts the same, by settlements and by reading each period."""
    own = Own(MemoryBackend())
    tallies = [Tally(f"p{number}", "a", {"n": number}, DAY) for number in range(3)]
    for _ in range(2):
        record_in(own, "t", tallies, NOW)
    found = totals_in(own, ["p1", "p2", "p9"], ["a"])
    assert found == Totals({"a": {"n": 3}}, {"p1": {"a": {"n": 1}}, "p2": {"a": {"n": 2}}})


def test_what_has_ended_is_deleted(tmp_path: Path) -> None:
    """A database holds no periods that have ended: the oldest of each length go as further ones are written."""
    backend = SqliteBackend(str(tmp_path / "store.db"))
    for number in range(5):
        for length in "mhd":
            tally = Tally(unlisted(number, length), "a", {"n": 1}, NOW + 10 + number)
            backend.record(f"{number}{length}", [tally], NOW)
    for step in range(4):
        backend.record(f"later{step}", [Tally(unlisted(9), "a", {"n": 1}, DAY)], NOW + 13)

    def kept() -> list[tuple[str, int]]:
        return backend._read(
            lambda db: db.execute("SELECT period, amount FROM sums ORDER BY period").fetchall()
        )

    names = [unlisted(number, length) for length in "dhm" for number in (4,)]
    assert [period for period, _ in kept()] == [*names, unlisted(9)]
    backend.close()


def test_memory_forgets_what_has_ended() -> None:
    """Totals of a process go some time after they have ended."""
    backend = MemoryBackend()
    backend.record("t1", [Tally(unlisted(1), "a", {"n": 1}, NOW + 10)], NOW)
    backend.record("t2", [Tally(unlisted(2), "a", {"n": 1}, DAY)], NOW + 100)
    assert backend._state().unlisted.keys() == {unlisted(2)}


def test_redis_lists_periods_no_more_that_have_ended(redis_server: Redis) -> None:
    """Lists of periods stay bounded though nobody reads them, and hold none that is read by its name."""
    store = open_store(redis_server.url)
    backend: Any = store.backend
    redis_server.ask("FLUSHALL")
    now = NOW - 1000
    for number in range(4):
        at = now + number * 100
        backend.settle(f"s{number}", (), at, (), Tally(f"p{number}", "a", {"n": 1}, at + 150))
        tallies = [Tally(f"q{number}", "a", {"n": 1}, at + 150), Tally(unlisted(number), "a", {"n": 1}, DAY)]
        backend.record(f"r{number}", tallies, at)
    for name in ("periods", "periods:ends"):
        assert int(redis_server.ask("ZCARD", f"{{ai_client}}:{name}")) == 4
    store.close()
