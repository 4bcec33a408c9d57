"""Threads that are interrupted between any two steps of what they share: nothing is counted twice, lost or stuck."""

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest

from ai_client import CircuitOpen, ClientConfig
from ai_client._http import tls
from ai_client._io import SyncIO
from ai_client._process import factory
from ai_client.control import Call, Reply, breaker, concurrency, retry_budget
from ai_client.control.cache import policy as cache
from ai_client.control.pricing import library
from ai_client.errors import QueueFull
from ai_client.stores import (
    Change,
    Hold,
    Ledger,
    Spend,
    Take,
    Tally,
    in_process,
    memory,
    open_store,
    sqlite,
    sqlite_file,
)
from tests.support.policies import finish, sync_io

THREADS = 6
NOW = 1_800_000_000.0
DAY = NOW + 86_400
ANSWER = {"data": [{"embedding": [0.5]}]}


class Interruptions:
    """Threads that give way to each other at about every tenth instruction of some modules."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self.errors: list[BaseException] = []

    def in_steps_of(self, *modules: ModuleType) -> None:
        """Name the modules."""
        self._files.update(str(module.__file__) for module in modules)

    def run(self, work: Callable[[int], object], threads: int = THREADS) -> None:
        """Run work in threads that begin together, and raise what one of them raised."""
        ready = threading.Barrier(threads)
        chance = random.Random(3)

        def interrupt(frame: Any, event: str, argument: object) -> Any:
            del argument
            if frame.f_code.co_filename not in self._files:
                return None
            frame.f_trace_opcodes = True
            if event == "opcode" and chance.random() < 0.1:
                time.sleep(0)
            return interrupt

        def begin(number: int) -> None:
            try:
                ready.wait(60)
                work(number)
            except BaseException as error:  # noqa: BLE001 - handed to the test
                self.errors.append(error)

        threading.settrace(interrupt)
        try:
            running = [
                threading.Thread(target=begin, args=(number,), daemon=True) for number in range(threads)
            ]
            for thread in running:
                thread.start()
        finally:
            threading.settrace(None)  # type: ignore[arg-type]
        for thread in running:
            thread.join(120)
        assert not any(thread.is_alive() for thread in running)
        assert not self.errors, self.errors[0]


@pytest.fixture
def racing() -> Interruptions:
    """Give what runs threads against each other."""
    return Interruptions()


def test_reservations(racing: Interruptions) -> None:
    """Of reservations and takes at once exactly as many succeed as there is room for."""
    racing.in_steps_of(memory)
    backend = memory.MemoryBackend()
    made: list[str] = []

    def work(number: int) -> None:
        for step in range(40):
            ticket = f"{number}-{step}"
            hold, take = Hold("a", 1, 100, DAY), Take("w", 1, 90, 60.0)
            if backend.admit(ticket, [hold], [take], NOW, NOW + 60) is None:
                made.append(ticket)

    racing.run(work)
    assert len(made) == 90
    assert backend.ledger("a", NOW) == Ledger(0, 90)


def test_settlements(racing: Interruptions) -> None:
    """Every settlement is counted once on its ledger, in its window and in its sums."""
    racing.in_steps_of(memory)
    backend = memory.MemoryBackend()

    def work(number: int) -> None:
        for step in range(40):
            tally = Tally("p", "k", {"calls": 1}, 9e9)
            for _ in range(2):
                backend.settle(
                    f"{number}-{step}", [Spend("a", 1, DAY)], NOW, [Change("w", 1, 60.0, NOW)], tally
                )

    racing.run(work)
    total = THREADS * 40
    assert backend.ledger("a", NOW) == Ledger(total, 0)
    assert backend.sums("p", "p") == {"p": {"k": {"calls": total}}}
    assert backend._state().windows["w"].total == total


def test_threads_at_one_file(racing: Interruptions, tmp_path: Path) -> None:
    """Threads that reserve, settle and read in one file do so one after the other."""
    racing.in_steps_of(sqlite, sqlite_file)
    backend = sqlite.SqliteBackend(f"{tmp_path}/state.db")

    def work(number: int) -> None:
        for step in range(5):
            ticket = f"{number}-{step}"
            assert backend.admit(ticket, [Hold("a", 2, None, DAY)], (), NOW, NOW + 60) is None
            assert backend.ledger("a", NOW).held >= 2
            backend.settle(ticket, [Spend("a", 1, DAY)], NOW)

    racing.run(work)
    assert backend.ledger("a", NOW) == Ledger(THREADS * 5, 0)
    backend.close()


def test_readers_of_ledgers_and_sums(racing: Interruptions) -> None:
    """Who reads while others reserve, expire and add sees whole figures, and disturbs nobody."""
    racing.in_steps_of(memory)
    backend = memory.MemoryBackend()

    def work(number: int) -> None:
        for step in range(60):
            if number % 2:
                found = backend.ledger("a", NOW + step)
                assert found.held >= 0
                backend.sums("p", "q")
            else:
                backend.admit(f"{number}-{step}", [Hold("a", 1, None, DAY)], (), NOW + step, NOW + step + 3)
                backend.settle(
                    f"s{number}-{step}", (), NOW, (), Tally("p", f"{number}-{step}", {"n": 1}, 9e9)
                )

    racing.run(work)
    assert backend.ledger("a", NOW + 1000) == Ledger(0, 0)
    assert len(backend.sums("p", "q")["p"]) == THREADS // 2 * 60


def test_values(racing: Interruptions) -> None:
    """Values that are set, read and pushed out at once take exactly the room that is counted for them."""
    racing.in_steps_of(memory)
    backend = memory.MemoryBackend(max_bytes=500)

    def work(number: int) -> None:
        chance = random.Random(number)
        for step in range(60):
            key = str(chance.randrange(8))
            backend.set(key, bytes(chance.randrange(1, 200)), NOW + step % 3, NOW)
            backend.get(str(chance.randrange(8)), NOW + 1)

    racing.run(work)
    state = backend._state()
    assert state.size == sum(len(value) for value, _ in state.values.values()) <= 500


class Patient(SyncIO):
    """Waits, and notes who waited in vain."""

    def __init__(self) -> None:
        super().__init__(sync_io().sender)
        self.timeouts = (httpx.TimeoutException,)
        self.in_vain = 0

    async def wait(self, waiter: Any, timeout: float | None, /) -> bool:
        """Wait."""
        if await super().wait(waiter, timeout):
            return True
        self.in_vain += 1
        return False


def call_on(io: Any) -> Any:
    """Make a call that waits through *io*."""
    call = Call(io, "POST", "/embeddings", object)
    call.body = {"model": "m", "input": "x"}
    return call


@pytest.mark.parametrize("timeout", [30.0, 0.002])
def test_slots(racing: Interruptions, timeout: float) -> None:
    """No more calls run at once than may, and every slot is free again, also where callers give up meanwhile."""
    racing.in_steps_of(concurrency)
    policy = concurrency.Concurrency(2, queue_timeout=timeout)
    running: set[int] = set()
    most = refused = 0

    def work(number: int) -> None:
        nonlocal most, refused

        async def proceed(call: Call) -> Any:
            del call
            nonlocal most
            running.add(number)
            most = max(most, len(running))
            time.sleep(0.0005 if timeout > 1 else 0.004)
            running.discard(number)
            return SimpleNamespace(on_end=[])

        for _ in range(30):
            try:
                finish(policy(call_on(sync_io()), proceed))
            except QueueFull:
                refused += 1

    racing.run(work)
    assert (policy.in_flight, policy.queue_length) == (0, 0)
    assert most == 2
    assert (refused == 0) is (timeout > 1)


def test_failures_of_a_target(racing: Interruptions) -> None:
    """Every failure in a row is counted, and of all who ask an open circuit one at a time may try."""
    racing.in_steps_of(breaker)
    for failures, state in ((THREADS * 50, "open"), (THREADS * 50 + 1, "closed")):
        policy = breaker.Breaker(failures=failures, share=None, cool_down=1.0)
        sent = [[policy.admit("t", NOW) for _ in range(50)] for _ in range(THREADS)]
        racing.run(lambda number, sent=sent, policy=policy: [policy.failed(one, NOW) for one in sent[number]])  # type: ignore[misc]
        assert policy.state("t", NOW) == state
    policy = breaker.Breaker(failures=1, cool_down=1.0)
    policy.failed(policy.admit("t", NOW), NOW)
    for now in range(2, 30):
        tried: list[breaker.Permission | None] = []

        def ask(_: int, now: int = now, tried: list[breaker.Permission | None] = tried) -> None:
            try:
                tried.append(policy.admit("t", NOW + now))
            except CircuitOpen:
                tried.append(None)

        racing.run(ask)
        (trial,) = (one for one in tried if one is not None)
        assert len(tried) == THREADS
        policy.left(trial)


def test_targets_that_recover(racing: Interruptions) -> None:
    """A target that fails and recovers at once is asked about without an error."""
    racing.in_steps_of(breaker)
    policy = breaker.Breaker(failures=1, cool_down=0.5)

    def work(number: int) -> None:
        for step in range(80):
            try:
                permission = policy.admit("t", NOW + step)
            except CircuitOpen:
                continue
            if number % 3 == 0:
                policy.left(permission)
            elif number % 3 == 1:
                policy.failed(permission, NOW + step)
            else:
                policy.succeeded(permission, NOW + step)

    racing.run(work)


def test_retries(racing: Interruptions) -> None:
    """Calls are all counted, and retries exactly as many as the budget allows."""
    racing.in_steps_of(retry_budget)
    policy = retry_budget.RetryBudget(share=0.5, minimum=0, window=1e9)
    racing.run(lambda _: [policy(call_on(sync_io()), lambda call: call) for _ in range(50)])  # type: ignore[arg-type,return-value]
    assert policy._retries().counts[None].calls == THREADS * 50
    allowed: list[bool] = []
    racing.run(lambda _: [allowed.append(policy.take()) for _ in range(50)])  # type: ignore[func-returns-value]
    assert allowed.count(True) == THREADS * 50 // 2


def test_equal_calls(racing: Interruptions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal calls at the same time are sent once, and nobody waits for a call that has ended."""
    racing.in_steps_of(cache)
    monkeypatch.setattr(cache, "_FLIGHT_TIMEOUT", 2.0)
    policy = cache.Cache("all", open_store("memory://"), ttl=1e-9)
    io = Patient()
    running: set[int] = set()
    together = 0

    def work(number: int) -> None:
        async def proceed(call: Call) -> Reply:
            del call
            nonlocal together
            running.add(number)
            together = max(together, len(running))
            time.sleep(0)
            running.discard(number)
            return Reply(httpx.Response(200, json=ANSWER, request=httpx.Request("POST", "http://x")))

        for _ in range(40):
            finish(policy(call_on(io), proceed))  # type: ignore[arg-type]

    racing.run(work)
    assert together == 1
    assert io.in_vain == 0
    assert not policy._flights()


def test_what_is_made_once(racing: Interruptions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads of a store, its client in a chain, a TLS context and the loading of prices are made once."""
    racing.in_steps_of(in_process, factory, tls, library)
    made: list[str] = []

    def makes(name: str, thing: Any) -> Callable[..., Any]:
        def make(*_: object, **__: object) -> Any:
            made.append(name)
            time.sleep(0.002)
            return thing

        return make

    monkeypatch.setattr(
        in_process, "ThreadPoolExecutor", makes("threads", SimpleNamespace(submit=lambda *_: None))
    )
    monkeypatch.setattr(factory, "client_of", makes("client", SimpleNamespace(is_closed=bool)))
    monkeypatch.setattr(tls, "_build", makes("tls", object()))
    monkeypatch.setattr(tls, "_contexts", {})
    here, tables = (
        in_process.StoreInProcess(1, print, "place", at_once=False),
        [library.PriceLibrary() for _ in range(40)],
    )
    for table in tables:
        monkeypatch.setattr(table, "_load", makes("prices", None))
    connection = factory.FurtherClients(ClientConfig.make(base_url="http://127.0.0.1:1", api_key="k"))

    def work(_: int) -> None:
        for begin in (lambda: here.submit(bool), lambda: connection(True), tls.tls_context):
            begin()
        for table in tables:
            table.load()

    racing.run(work)
    give_up = time.monotonic() + 60
    while len(made) < 3 + len(tables) and time.monotonic() < give_up:
        time.sleep(0.001)
    assert sorted(made) == ["client", *["prices"] * len(tables), "threads", "tls"]


def test_threads_of_a_store_are_let_go(racing: Interruptions, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a store is closed while it is used, no thread that it started is left, nor is any work refused."""
    racing.in_steps_of(in_process)
    left: set[object] = set()

    class Executor:
        def __init__(self, *_: object, **__: object) -> None:
            left.add(self)

        def submit(self, *_: object) -> None:
            assert self in left

        def shutdown(self) -> None:
            left.discard(self)

    monkeypatch.setattr(in_process, "ThreadPoolExecutor", Executor)
    here = in_process.StoreInProcess(1, print, "place", at_once=False)
    racing.run(lambda number: [here.submit(print) if number % 2 else here.stop() for _ in range(200)])
    here.stop()
    assert not left
