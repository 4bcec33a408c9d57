"""What every backend that keeps logs promises, whatever it is made of."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ai_client.errors import ConfigError
from ai_client.stores import open_store
from ai_client.stores.log import MARKS, LogEntry, LogQuery, LogState
from ai_client.stores.log_store import checked_log_store
from ai_client.stores.sqlite import SqliteBackend
from ai_client.stores.sqlite_file import SqliteFile
from tests.support.forks import in_child

FAR = 4_000_000_000.0
START = 1_790_000_000.0


def entry(number: int, content: bytes | None = None, left_out: int = 0, **marks: str) -> LogEntry:
    """Return the entry of a number, one second after that of the number before."""
    summary = b"" if left_out else b"s%d" % number
    given = dict.fromkeys(MARKS, "") | marks
    return LogEntry(f"{number:08x}", START + number, given, summary, content, left_out)


@pytest.fixture
def backend(store_url: str) -> Iterator[Any]:
    """Yield the backend of a fresh store that keeps logs."""
    if store_url.startswith("django-cache:"):
        pytest.skip("a cache of Django keeps no logs")
    store = open_store(store_url)
    yield store.backend
    store.close()


def add(backend: Any, *entries: LogEntry, name: str = "log", keep: int = 1000, oldest: str = "") -> None:
    """Add entries to a log."""
    backend.append_log(name, entries, keep, oldest, FAR)


def numbers(backend: Any, limit: int = 1000, name: str = "log", **query: Any) -> list[int]:
    """Return the numbers of the entries that are read."""
    return [int(one[1:]) for one in backend.read_log(name, LogQuery(limit, **query))]


def test_entries_come_newest_first_whenever_they_are_added(backend: Any) -> None:
    """Entries are in the order of their ids, added in any order, in one step or in several."""
    add(backend, entry(3), entry(1))
    add(backend, entry(2), entry(300))
    assert numbers(backend) == [300, 3, 2, 1]
    assert numbers(backend, 2) == [300, 3]
    assert numbers(backend, before="00000003") == [2, 1]
    assert numbers(backend, after="00000002") == [300, 3]
    assert numbers(backend, after="00000001", before="0000012c") == [3, 2]
    assert numbers(backend, id="00000002") == [2]
    assert numbers(backend, id="00000009") == numbers(backend, id="0000000") == []


def test_an_entry_added_again_is_one(backend: Any) -> None:
    """Entries whose adding was repeated, as its answer was lost, are there once."""
    for _ in range(2):
        add(backend, entry(1, b"content"), entry(2, left_out=5))
    assert numbers(backend) == [1]
    assert backend.log_state("log", "") == LogState(1, START + 1, 5)


def test_logs_are_apart(backend: Any) -> None:
    """A log has the entries that were added under its name."""
    add(backend, entry(1, b"one"), name="one")
    add(backend, entry(1, b"other"), entry(2), name="other", keep=5)
    assert numbers(backend, name="one") == [1]
    assert numbers(backend, name="other") == [2, 1]
    assert backend.log_content("one", "00000001") == b"one"
    assert backend.log_state("none", "") == LogState()


def test_entries_are_found_by_time(backend: Any) -> None:
    """A query's times bound `at`, and not the id."""
    add(backend, *(entry(number) for number in range(1, 6)))
    assert numbers(backend, since=START + 3) == [5, 4, 3]
    assert numbers(backend, until=START + 3) == [2, 1]
    assert numbers(backend, since=START + 2, until=START + 4) == [3, 2]
    assert numbers(backend, since=START + 1.999999) == [5, 4, 3, 2]


def test_entries_are_found_by_marks(backend: Any) -> None:
    """A query's marks must all fit; one without a text is found by none, and a model by what was asked for too."""
    add(
        backend,
        entry(1, endpoint="/a", tenant="acme", outcome="ok", model="m", asked="fast"),
        entry(
            2, endpoint="/a", tenant="", outcome="error", error="RateLimitError", model="fast", asked="fast"
        ),
        entry(
            3, endpoint="/a/b", tenant="acme", outcome="ok", request="r", cache="hit", model="m", asked="m"
        ),
        entry(4, endpoint="", tenant="acm", outcome="ok"),
    )
    assert numbers(backend, marks={"endpoint": "/a"}) == [2, 1]
    assert numbers(backend, marks={"tenant": "acme"}) == [3, 1]
    assert numbers(backend, marks={"tenant": "acme", "endpoint": "/a"}) == [1]
    assert numbers(backend, marks={"tenant": ""}) == [2]
    assert numbers(backend, marks={"endpoint": ""}) == [4]
    assert numbers(backend, marks={"model": "fast"}) == [2, 1]
    assert numbers(backend, marks={"model": "m"}) == [3, 1]
    assert numbers(backend, marks={"error": "RateLimitError"}) == [2]
    assert numbers(backend, marks={"request": "r", "cache": "hit"}) == [3]
    assert numbers(backend, 1, marks={"outcome": "ok"}, before="00000004") == [3]
    assert numbers(backend, marks={"tenant": "none"}) == []


def test_marks_are_compared_as_they_are(backend: Any) -> None:
    """No character in a mark has a meaning for a store."""
    odd = ["%", "_", "*", "'", '"', "a\1b", "\\", "(", "ä", "🦉", "a b", " "]
    add(backend, *(entry(number, tenant=text) for number, text in enumerate(odd)))
    for number, text in enumerate(odd):
        assert numbers(backend, marks={"tenant": text}) == [number]


def test_the_oldest_are_dropped_by_count(backend: Any) -> None:
    """A log keeps the last entries with their content; those that came late are dropped where they are older."""
    add(backend, *(entry(number, b"content") for number in range(10)), keep=4)
    assert numbers(backend) == [9, 8, 7, 6]
    add(backend, entry(5, b"late"), entry(12), keep=4)
    assert numbers(backend) == [12, 9, 8, 7]
    assert backend.log_content("log", "00000005") is None
    assert backend.log_content("log", "00000006") is None
    assert backend.log_content("log", "00000007") == b"content"


def test_the_oldest_are_dropped_by_age(backend: Any) -> None:
    """Entries before the oldest id are dropped with their content, and what is said of those left out."""
    add(backend, *(entry(number, b"content") for number in range(4)), entry(4, left_out=7))
    add(backend, entry(6), oldest="00000003")
    assert numbers(backend) == [6, 3]
    assert backend.log_state("log", "") == LogState(2, START + 3, 7)
    assert backend.log_content("log", "00000002") is None
    add(backend, oldest="00000006")
    assert backend.log_state("log", "") == LogState(1, START + 6, 0)


def test_no_query_returns_what_says_how_many_were_left_out(backend: Any) -> None:
    """How many entries were left out is in the state alone."""
    add(backend, entry(1), entry(2, left_out=3), entry(3, left_out=4), entry(4))
    assert numbers(backend) == numbers(backend, marks={"tenant": ""}) == [4, 1]
    assert numbers(backend, id="00000002") == []
    assert backend.log_state("log", "") == LogState(2, START + 1, 7)
    assert backend.log_state("log", "00000002") == LogState(1, START + 3, 4)


def test_content_is_read_as_it_was_written(backend: Any) -> None:
    """Content is bytes of any kind; an entry may have none."""
    content = bytes(range(256)) * 400
    add(backend, entry(1, content), entry(2))
    assert backend.log_content("log", "00000001") == content
    assert backend.log_content("log", "00000002") is None
    assert backend.log_content("log", "none") is None
    assert numbers(backend) == [2, 1]


def test_many_entries_at_once(backend: Any) -> None:
    """Thousands are added in one step, and read by a filter that few fit."""
    add(backend, *(entry(number, tenant=f"t{number % 500}") for number in range(6000)), keep=5000)
    assert backend.log_state("log", "").kept == 5000
    assert numbers(backend, marks={"tenant": "t3"}) == list(range(5503, 1000, -500))
    assert numbers(backend, marks={"tenant": "nobody"}) == []


def test_writers_side_by_side(backend: Any) -> None:
    """What several threads add at once is all there, up to the bound."""

    def write(first: int) -> None:
        for number in range(first, first + 100, 5):
            add(backend, *(entry(number + more) for more in range(5)), keep=350)

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(write, first) for first in range(0, 400, 100)]:
            done.result(60)
    assert numbers(backend) == list(range(399, 49, -1))


def test_redis_forgets_a_log_to_which_nothing_is_added(a_redis: str) -> None:
    """The keys of a log end when its last entries would be too old."""
    store = open_store(a_redis)
    backend: Any = store.backend
    backend.append_log("log", [entry(1, b"content"), entry(2, left_out=1)], 10, "", time.time() + 100)
    for key in backend._route().run("", "KEYS", "*log*"):
        assert 90 <= backend._route().run("", "TTL", key) <= 100
    store.close()


def test_a_forked_child_reads_what_its_parent_has_written(backend: Any, store_url: str) -> None:
    """A log in a store that processes share is one for a child too; that in memory begins empty there."""
    add(backend, entry(1))
    expected = [] if store_url.startswith("memory:") else [1]
    assert in_child(lambda: numbers(backend) == expected)


def test_a_file_of_an_earlier_version_gets_its_tables(tmp_path: Path) -> None:
    """A file from before there were logs is used on as it is."""
    path = str(tmp_path / "store.db")
    old = SqliteFile(
        path, "CREATE TABLE tickets (ticket TEXT PRIMARY KEY, settled INTEGER, until REAL);", "tickets"
    )
    old.write(lambda db: db.execute("INSERT INTO tickets VALUES ('t', 1, 4e9)"))
    old.close()
    backend = SqliteBackend(path)
    add(backend, entry(1))
    assert numbers(backend) == [1]
    backend.close()


def test_a_backend_without_logs_is_refused(a_django_cache: str) -> None:
    """The error names the methods that are missing, and what to do."""
    with pytest.raises(ConfigError, match="'append_log', 'read_log'") as raised:
        checked_log_store(open_store(a_django_cache))
    assert "DjangoCacheBackend" in str(raised.value)
    assert "'journal': False" in str(raised.value)
