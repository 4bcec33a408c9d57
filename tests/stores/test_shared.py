"""Stores over backends: on both ways to wait, while the backend is down, and across processes."""

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ai_client import ConfigError, StoreError
from ai_client._io.deadline import at_most, is_out_of_time, limited
from ai_client.stores import (
    Change,
    Hold,
    Ledger,
    Refusal,
    Spend,
    Take,
    Tally,
    in_process,
    open_store,
    shared,
)
from ai_client.stores.memory import MemoryBackend
from ai_client.stores.shared import SharedStore
from tests.support.policies import Redis, async_io, finish, running_redis, sync_io

NOW = 1_800_000_000.0
HOLD = Hold("a", 60, 100, NOW + 86_400)
TAKE = Take("w", 5, 5, 60.0)
TALLY = Tally("p", "k", {"calls": 1}, 9e9)


def test_sync_use(store_url: str) -> None:
    """A sync caller uses a store without an event loop."""
    io, store = sync_io(), open_store(store_url)
    assert finish(store.admit(io, "t1", [HOLD], (), now=NOW, expires=NOW + 60)) is None
    assert finish(store.admit(io, "t2", [HOLD], (), now=NOW, expires=NOW + 60)) == Refusal(0, 0, 60)
    assert finish(store.settle(io, "t1", [Spend("a", 5, NOW + 86_400)], NOW)) == [Ledger(5, 0)]
    store.close()


def test_async_use(store_url: str) -> None:
    """A hundred tasks at once use a store, and no more is reserved than there is."""

    async def main() -> list[Refusal | None]:
        io = async_io()
        hold = Hold("a", 1, 30, NOW + 86_400)
        return await asyncio.gather(
            *(store.admit(io, f"t{number}", [hold], (), now=NOW, expires=NOW + 60) for number in range(100))
        )

    store = open_store(store_url)
    assert asyncio.run(main()).count(None) == 30
    store.close()


@pytest.mark.parametrize(
    "url", ["", "memory", "sqlite://", "sqlite:///", "redis://", "postgres://x", "django-cache"]
)
def test_an_unknown_address_is_refused(url: str) -> None:
    """An address that names no store is refused with the ones there are."""
    with pytest.raises(ConfigError, match="sqlite:///file"):
        open_store(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("memory://?max_byte=5", "store: max_byte: unknown option. Valid options: max_bytes"),
        ("sqlite:///s.db?max_bytes=many", "store: max_bytes: expected a positive number of bytes"),
        ("memory://?max_bytes=0", "store: max_bytes: expected a positive number"),
    ],
)
def test_a_wrong_option_of_an_address_is_refused(url: str, message: str) -> None:
    """What an address says after its question mark is checked like every option."""
    with pytest.raises(ConfigError, match=message):
        open_store(url)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_the_bound_on_values(kind: str, tmp_path: Path) -> None:
    """Values take no more than the address allows: in memory the least recently used goes, in SQLite the oldest."""
    place = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/s.db"}[kind]
    store = open_store(f"{place}?max_bytes=250")
    backend = store.backend
    for key in "ab":
        backend.set(key, bytes(100), NOW + 60, NOW)
    assert backend.get("a", NOW) is not None  # used again
    backend.set("c", bytes(100), NOW + 60, NOW)
    left = [key for key in "abc" if backend.get(key, NOW) is not None]
    assert left == (["a", "c"] if kind == "memory" else ["b", "c"])
    backend.set("large", bytes(251), NOW + 60, NOW)
    assert backend.get("large", NOW) is None
    backend.set("c", bytes(10), NOW + 60, NOW)  # what takes its place is smaller
    backend.set("d", bytes(140), NOW + 60, NOW)
    assert [key for key in "abcd" if backend.get(key, NOW) is not None][-2:] == ["c", "d"]
    store.close()


def test_an_unknown_failure_option_is_refused() -> None:
    """`on_failure` takes two words."""
    with pytest.raises(ConfigError, match="'open' or 'closed'"):
        open_store("memory://", on_failure="maybe")  # type: ignore[arg-type]


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """Yield a server that the test may stop."""
    with running_redis(tmp_path) as server:
        yield server


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a backend that is down again at once."""
    monkeypatch.setattr(shared, "PAUSE", 0.0)


@pytest.mark.usefixtures("impatient")
def test_fail_open(own_redis: Redis, caplog: pytest.LogCaptureFixture, *, sync: bool) -> None:
    """While Redis is down, calls go on with one warning; what they used is counted once it is back."""
    store = open_store(own_redis.url)
    io = sync_io() if sync else async_io()

    async def before() -> None:
        await store.admit(io, "t1", [HOLD], (), now=NOW, expires=NOW + 60)

    async def during() -> None:
        assert await store.admit(io, "t2", [HOLD], (), now=NOW, expires=NOW + 60) is None
        assert await store.settle(io, "t2", [Spend("a", 7, NOW + 86_400)], NOW) == []
        assert await store.admit(io, "t3", (), [TAKE], now=NOW, expires=NOW) is None
        assert await store.get(io, "key", NOW) is None
        await store.set(io, "key", b"", NOW + 1, NOW)
        await store.settle(io, "t3", (), NOW, changes=[Change("w", -3, 60.0, NOW)], tally=TALLY)

    async def after() -> tuple[Ledger, Any]:
        return await store.ledger(io, "a", NOW), await store.sums(io, "p", "p")

    run = finish if sync else asyncio.run
    run(before())
    own_redis.stop()
    with caplog.at_level(logging.WARNING, "ai_client"):
        run(during())
    assert ["sent without it" in record.message for record in caplog.records] == [True]
    own_redis.start()
    assert run(after()) == (Ledger(7, 0), {"p": {"k": {"calls": 1}}})
    rest = [store.backend.admit(f"t{left}", (), [replace(TAKE, amount=left)], NOW, NOW) for left in (4, 3)]
    assert [refusal is None for refusal in rest] == [False, True]  # 5 were taken, 3 were given back
    assert caplog.records[-1].message == "The store is available again."
    store.close()


@pytest.mark.usefixtures("impatient")
def test_fail_closed(own_redis: Redis) -> None:
    """With `on_failure="closed"` reservations and limits raise while Redis is down, and work again after."""
    io, store = sync_io(), open_store(own_redis.url, on_failure="closed")
    own_redis.stop()
    with pytest.raises(StoreError, match="the server is up"):
        finish(store.admit(io, "t1", [HOLD], (), now=NOW, expires=NOW + 60))
    with pytest.raises(StoreError):
        finish(store.admit(io, "t2", (), [TAKE], now=NOW, expires=NOW))
    assert finish(store.get(io, "key", NOW)) is None
    own_redis.start()
    assert finish(store.admit(io, "t1", [HOLD], (), now=NOW, expires=NOW + 60)) is None
    store.close()


class Failing:
    """A backend that is down and counts how often it is asked."""

    instant = False
    asked = 0

    def admit(self, *args: object) -> None:
        """Fail."""
        del args
        self.asked += 1
        raise StoreError("down")

    def close(self) -> None:
        """Nothing is open."""


class Gone(MemoryBackend):
    """A backend that nothing reaches."""

    instant = False

    def _fail(self, *_: object) -> NoReturn:
        raise StoreError("It is gone.")

    admit = settle = get = set = _fail  # type: ignore[assignment]


@pytest.mark.parametrize("use", ["admit", "settle", "get", "set"])
def test_whatever_goes_on_without_the_store_says_so(use: str, caplog: pytest.LogCaptureFixture) -> None:
    """Each operation that does without a store that is down warns, once for all of them in a while."""
    store, io = SharedStore(Gone()), sync_io()
    uses: dict[str, Any] = {
        "admit": lambda: store.admit(io, "t", [HOLD], (), now=NOW, expires=NOW + 60),
        "settle": lambda: store.settle(io, "t", [Spend("a", 1, NOW)], NOW),
        "get": lambda: store.get(io, "k", NOW),
        "set": lambda: store.set(io, "k", b"", NOW + 60, NOW),
    }
    finish(uses[use]())
    assert [record.message for record in caplog.records] == [
        "It is gone. Until it is available again, calls are sent without it."
    ]
    for each in uses.values():
        finish(each())
    assert len(caplog.records) == 1


def test_a_backend_that_failed_is_left_alone_for_a_moment() -> None:
    """During an outage not every call waits for a timeout of its own, and the error says when to come back."""
    backend = Failing()
    store = SharedStore(backend, on_failure="closed")  # type: ignore[arg-type]
    errors: list[StoreError] = []
    for _ in range(5):
        with pytest.raises(StoreError) as caught:
            finish(store.admit(sync_io(), "t", [HOLD], (), now=NOW, expires=NOW + 60))
        errors.append(caught.value)
    assert backend.asked == 1
    assert all(0 < (error.retry_after or 0) <= 1 for error in errors)


class Hanging(Failing):
    """A backend that answers nobody until their calls are out of time, and counts how often it is asked."""

    def admit(self, *args: object) -> None:
        """Wait until the call has no time left."""
        while not is_out_of_time():
            threading.Event().wait(at_most(60.0))
        super().admit(*args)


@pytest.mark.parametrize(("seconds", "asked"), [(0.02, shared.LONG_IN_A_ROW), (0.0, 6)])
def test_a_backend_that_hangs_is_left_alone_by_calls_with_deadlines_too(
    monkeypatch: pytest.MonkeyPatch, seconds: float, asked: int
) -> None:
    """Calls that waited for it to their deadlines in a row find out that it is down, those that had no time do not."""
    monkeypatch.setattr(shared, "LONG", 0.02 if seconds else 60.0)
    monkeypatch.setattr(shared, "PAUSE", 60.0)
    backend = Hanging()
    store = SharedStore(backend)  # type: ignore[arg-type]
    for number in range(6):
        with limited(time.monotonic() + seconds), suppress(StoreError):
            finish(store.admit(sync_io(), f"{number}", [HOLD], (), now=NOW, expires=NOW + 60))
    assert backend.asked == asked


def test_work_goes_on_where_its_caller_is_cancelled(tmp_path: Path) -> None:
    """A settlement that was begun is carried out although the task that asked for it is cancelled."""
    store = open_store(f"sqlite:///{tmp_path}/s.db")

    async def main() -> Ledger:
        io = async_io()
        task = asyncio.create_task(store.settle(io, "t1", [Spend("a", 9, NOW + 86_400)], NOW))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await store.ledger(io, "a", NOW)

    assert asyncio.run(main()) == Ledger(9, 0)
    store.close()


class Slow(MemoryBackend):
    """A place whose reservations take until they are let go."""

    instant = False

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.go = threading.Event()

    def admit(self, *args: Any) -> Refusal | None:
        """Wait, then admit."""
        self.asked.set()
        assert self.go.wait(10)
        return super().admit(*args)


def test_a_failure_that_nobody_waits_for_is_not_reported() -> None:
    """A store that fails after its caller was cancelled leaves no error that the event loop reports as forgotten."""
    failing = threading.Event()
    reported: list[object] = []

    def fail() -> None:
        failing.wait(30)
        raise StoreError("down")

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        with ThreadPoolExecutor(1) as executor:
            waiting = asyncio.ensure_future(async_io().work(executor, fail))
            await asyncio.sleep(0)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
            failing.set()
        await asyncio.sleep(0)
        gc.collect()

    asyncio.run(main())
    assert not reported


def test_a_reservation_that_nobody_waits_for_is_given_back() -> None:
    """A caller who is cancelled while the store reserves holds nothing afterwards, and has taken nothing."""
    backend = Slow()
    store = SharedStore(backend)

    async def main() -> None:
        io = async_io()
        reserving = store.admit(io, "t", [HOLD], [TAKE], now=NOW, expires=NOW + 900)
        task = asyncio.create_task(reserving)
        await asyncio.to_thread(backend.asked.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        backend.go.set()

    asyncio.run(main())
    store.close()  # waits for its threads
    assert backend.ledger("a", NOW) == Ledger(0, 0)
    assert backend.admit("t2", (), [TAKE], NOW, NOW) is None


def test_a_reservation_just_made_is_given_back() -> None:
    """The same holds where the reservation is made before its caller hears of being cancelled."""
    backend = Slow()
    backend.go.set()
    store = SharedStore(backend)

    class Late(type(async_io())):  # type: ignore[misc]
        """Tells of a cancellation when the work is done."""

        async def work(self, executor: Any, function: Any, /, *args: Any) -> Any:
            result = executor.submit(function, *args).result()
            if function == store._admit:
                raise asyncio.CancelledError
            return result

    async def main() -> None:
        io: Any = Late(async_io().sender)
        with pytest.raises(asyncio.CancelledError):
            await store.admit(io, "t", [HOLD], [TAKE], now=NOW, expires=NOW + 900)

    asyncio.run(main())
    store.close()
    assert backend.ledger("a", NOW) == Ledger(0, 0)
    assert backend.admit("t2", (), [TAKE], NOW, NOW) is None


class Forgetful(MemoryBackend):
    """A place whose answer to a settlement is lost the first time."""

    instant = False
    lost = False

    def settle(self, *args: Any) -> list[Ledger]:
        """Settle, and seem to fail."""
        ledgers = super().settle(*args)
        if not self.lost:
            self.lost = True
            raise StoreError("The answer was lost.")
        return ledgers


@pytest.mark.usefixtures("impatient")
def test_a_change_whose_answer_was_lost_counts_once() -> None:
    """What is repeated because nobody knows whether it was done has no effect where it was."""
    store, io = SharedStore(Forgetful()), sync_io()
    assert finish(store.admit(io, "t", [HOLD], (), now=NOW, expires=NOW + 60)) is None
    finish(store.settle(io, "t", [Spend("a", 5, NOW + 86_400)], NOW, tally=TALLY))
    finish(store.settle(io, "t2", (), NOW, tally=TALLY))
    assert finish(store.ledger(io, "a", NOW)) == Ledger(5, 0)
    assert finish(store.sums(io, "p", "p")) == {"p": {"k": {"calls": 2}}}
    store.close()


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, MemoryError])
def test_a_change_that_is_interrupted_counts_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    """A settlement that Ctrl-C breaks off is made later, also when it is interrupted a second time."""
    store = open_store(f"sqlite:///{tmp_path}/state.db")
    assert isinstance(store, SharedStore)
    io = sync_io()

    def interrupted(*_: object) -> NoReturn:
        raise interruption

    finish(store.admit(io, "t1", [HOLD], (), now=NOW, expires=NOW + 60))
    with monkeypatch.context() as patch:
        patch.setattr(store.backend, "settle", interrupted)
        for ticket in ("t1", "t2"):
            with pytest.raises(interruption):
                finish(store.settle(io, ticket, [Spend("a", 5, NOW + 86_400)], NOW))
    assert finish(store.ledger(io, "a", NOW)) == Ledger(10, 0)
    store.close()


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interrupted_reservation_is_given_back(interruption: type[BaseException]) -> None:
    """What was reserved for a sync caller who is interrupted before it hears of it is given back."""

    class Interrupted(MemoryBackend):
        instant = False

        def admit(self, *args: Any) -> NoReturn:
            super().admit(*args)
            raise interruption

    store, io = SharedStore(Interrupted()), sync_io()
    with pytest.raises(interruption):
        finish(store.admit(io, "t", [HOLD], (), now=NOW, expires=NOW + 60))
    assert finish(store.ledger(io, "a", NOW)) == Ledger(0, 0)
    store.close()


def test_what_is_too_much_to_remember_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Changes are remembered up to a bound while a store is down; forgetting one is an error in the log."""
    monkeypatch.setattr(in_process, "MAX_PENDING", 2)

    class Down(MemoryBackend):
        instant = False
        up = False

        def settle(self, *args: Any) -> list[Ledger]:
            if not self.up:
                raise StoreError("It is down.")
            return super().settle(*args)

    backend = Down()
    store, io = SharedStore(backend), sync_io()
    forgotten: list[int] = []
    for number in range(3):
        finish(store.settle(io, f"t{number}", [Spend("a", 10**number, NOW + 86_400)], NOW))
        forgotten.append(len([record for record in caplog.records if "dropped" in record.message]))
    assert forgotten == [0, 0, 1]
    backend.up = True
    store.close()
    assert backend.ledger("a", NOW) == Ledger(110, 0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_a_reservation_whose_answer_was_lost_is_given_back(on_failure: Any) -> None:
    """What was reserved although its caller heard of a failure is held by nobody once the store answers again."""

    class Losing(MemoryBackend):
        instant = False
        lost = False

        def admit(self, *args: Any) -> Refusal | None:
            refusal = super().admit(*args)
            if not self.lost:
                self.lost = True
                raise StoreError("The answer was lost.")
            return refusal

    store, io = SharedStore(Losing(), on_failure=on_failure), sync_io()
    if on_failure == "closed":
        with pytest.raises(StoreError, match="lost"):
            finish(store.admit(io, "t", [HOLD], (), now=NOW, expires=NOW + 60))
    else:
        assert finish(store.admit(io, "t", [HOLD], (), now=NOW, expires=NOW + 60)) is None
        finish(store.settle(io, "t", [Spend("a", 5, NOW + 86_400)], NOW))
    assert finish(store.ledger(io, "a", NOW)) == Ledger(5 if on_failure == "open" else 0, 0)
    store.close()
