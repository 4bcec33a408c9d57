"""What lies in the store under the key of a cached answer: a whole entry of this version and key, or nothing."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pydantic_core import to_json

from ai_client.control import Cache
from ai_client.control.cache.entry import _FORM, Entry, _checksum
from ai_client.control.record import call_record
from ai_client.stores import open_store
from ai_client.stores.memory import MemoryBackend
from ai_client.testing import Upstream
from tests.support.invoke import Invoke

ENTRY = Entry([("content-type", "application/json")], "http://x.example/v1/embeddings", (b"{}",), 1.5, None)
FUZZ = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=60,
    deadline=None,
)


class Remembering(MemoryBackend):
    """A backend that tells under which key a value was kept last."""

    last = ""

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value."""
        self.last = key
        super().set(key, value, expires, now)


def client_of(invoke: Invoke) -> tuple[Any, Remembering]:
    """Make a client with a cache, and return the backend of its store too."""
    store = open_store()
    backend = Remembering()
    store.backend = store.instant = backend
    return invoke.client(layers=[Cache("all", store)]), backend


def embed(invoke: Invoke, client: Any) -> tuple[str | None, Any]:
    """Ask for an embedding; return what the cache did, and the answer."""
    answer = invoke(client.embeddings.create, model="text-embedding-3-small", input="x", dimensions=2)
    record = call_record(answer)
    return None if record is None else record.cache, answer.to_dict()


def stream(invoke: Invoke, client: Any) -> tuple[str | None, Any]:
    """Read the stream of a text; return what the cache did, and the items."""
    answer = invoke.chat(client, temperature=0, stream=True)
    items = [item.to_dict() for item in invoke.collect(answer)]
    record = call_record(answer)
    return None if record is None else record.cache, items


def damaged(whole: bytes) -> st.SearchStrategy[bytes]:
    """Draw what may be left of an entry: a part of it, one with a byte changed, one with more, or anything."""
    places = st.integers(0, len(whole) - 1)
    return st.one_of(
        st.binary(max_size=200),
        places.map(lambda at: whole[:at]),
        places.map(lambda at: whole[at + 1 :]),
        st.tuples(places, st.integers(1, 255)).map(
            lambda drawn: whole[: drawn[0]] + bytes([whole[drawn[0]] ^ drawn[1]]) + whole[drawn[0] + 1 :]
        ),
        st.binary(min_size=1, max_size=20).map(lambda more: whole + more),
        st.sampled_from([b"ai-client-2", b"ai-client-3", b"ai-client-5"]).map(
            lambda mark: mark + whole.removeprefix(_FORM.strip())
        ),
    )


@pytest.mark.parametrize("ask", [embed, stream])
def test_whatever_lies_there_is_a_miss_and_is_replaced(
    invoke: Invoke, ask: Callable[[Invoke, Any], tuple[str | None, Any]]
) -> None:
    """Anything but the whole entry under its key is a miss, never an error or answer, and is replaced."""
    client, backend = client_of(invoke)
    assert ask(invoke, client)[0] == "miss"
    key = backend.last
    entry = backend.get(key, 0.0)
    assert entry is not None
    right = ask(invoke, client)
    assert right[0] == "hit"

    @FUZZ
    @given(damaged(entry))
    def put(data: bytes) -> None:
        backend.set(key, data, 9e9, 0.0)
        assert ask(invoke, client)[0] == "miss"
        found, answer = ask(invoke, client)
        assert found == "hit"
        assert len(answer) == len(right[1])

    put()


def test_the_entry_of_another_key_is_a_miss(invoke: Invoke, upstream: Upstream) -> None:
    """An entry that was copied under the key of another call answers nothing."""
    client, backend = client_of(invoke)
    embed(invoke, client)
    entry = backend.get(backend.last, 0.0)
    assert entry is not None
    body = {"model": "text-embedding-3-small", "input": "other", "dimensions": 2}
    invoke(client.embeddings.create, **body)
    backend.set(backend.last, entry, 9e9, 0.0)
    record = call_record(invoke(client.embeddings.create, **body))
    assert record is not None
    assert record.cache == "miss"
    assert len(upstream.requests) == 3


TEXT = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
HEADS = JSON | st.tuples(
    st.lists(st.tuples(TEXT, TEXT) | JSON, max_size=2) | JSON,
    st.sampled_from(["http://x/", "https://x.example:1/a", "", "x", "http://x y/", "http://[/", "http:///"])
    | JSON,
    st.floats() | JSON,
    st.none() | TEXT | JSON,
    st.just({}) | JSON,
    st.dictionaries(TEXT, st.integers(), max_size=2) | JSON,
    st.lists(st.integers(-3, 3), max_size=3) | JSON,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HEADS, st.binary(max_size=6))
def test_what_has_the_right_checksum_and_no_sense_is_none(head: object, body: bytes) -> None:
    """Bytes under the checksum of an entry whose members have other types or sizes are none, or can be replayed."""
    import httpx

    text = to_json(head, inf_nan_mode="constants") + b"\n" + body
    entry = Entry.from_bytes("key", b"%b%b\n%b" % (_FORM, _checksum("key", text), text))
    if entry is not None:
        assert b"".join(entry.chunks) == body
        httpx.Response(200, headers=entry._raw_headers(), request=httpx.Request("POST", entry.url))


@given(
    st.lists(st.binary(max_size=20), max_size=5),
    st.lists(st.tuples(TEXT.map(str.encode), st.binary(max_size=8)), max_size=3),
    st.dictionaries(TEXT, JSON, max_size=2),
)
def test_entries_survive(
    chunks: list[bytes], headers: list[tuple[bytes, bytes]], repeated: dict[str, Any]
) -> None:
    """What is written down is read as it was, byte for byte, and under no other key."""
    entry = replace(
        ENTRY,
        chunks=chunks,
        headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers],
        repeated={"x": to_json(repeated, inf_nan_mode="constants").decode()},
    )
    assert Entry.from_bytes("key", entry.to_bytes("key")) == entry
    assert entry._raw_headers() == headers
    assert Entry.from_bytes("other", entry.to_bytes("key")) is None
    assert Entry.from_bytes("key", entry.to_bytes("key") + b"x") is None


@pytest.mark.parametrize("data", [None, "text", 5, [1], bytearray(b"x"), ENTRY])
def test_what_is_no_bytes_is_none(data: object) -> None:
    """A value of another type, as a cache may hold it that is shared with others, is no entry."""
    assert Entry.from_bytes("key", data) is None


@pytest.mark.parametrize("value", ["text", 5, 1.5, ""])
def test_a_text_in_a_table_is_nothing(tmp_path: Path, value: object) -> None:
    """Where something else wrote a text or a number into the table of an SQLite store, nothing is kept there."""
    with closing(open_store(f"sqlite:///{tmp_path}/s.db")) as store:
        store.backend.set("k", b"", 9e9, 0.0)
        with closing(sqlite3.connect(tmp_path / "s.db")) as db, db:
            db.execute("UPDATE kept SET value = ?", (value,))
        assert store.backend.get("k", 0.0) is None


def test_headers_that_are_no_ascii_are_replayed(invoke: Invoke, upstream: Upstream) -> None:
    """A header with bytes beyond ASCII comes from the cache as it came from the server."""
    client, _ = client_of(invoke)
    upstream.reply(headers={"x-region": "Zürich"})
    create = client.embeddings.with_raw_response.create
    first, second = (invoke(create, model="m", input="x", dimensions=2) for _ in range(2))
    assert second.headers["x-ai-client-cache"] == "hit"
    assert first.headers["x-region"] == second.headers["x-region"] == "Zürich"
