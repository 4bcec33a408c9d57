"""What a process adds up by itself and writes once a second: nothing lost, nothing twice."""

import gc
import linecache
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from ai_client.errors import StoreError
from ai_client.stores import Hold, Ledger, Spend, Tally, recording as recording_module
from ai_client.stores.memory import MemoryBackend
from ai_client.stores.recording import TotalsRecording
from ai_client.stores.shared import SharedStore
from tests.support.policies import finish, sync_io
from tests.support.waiting import until

UNTIL = time.time() + 86_400
PATIENCE = 20.0


class Remote(MemoryBackend):
    """A backend that is not instant, may be down, and counts its settlements."""

    instant = False

    def __init__(self) -> None:
        super().__init__()
        self.up = True
        self.settled = 0

    def settle(self, *args: Any, **options: Any) -> Any:
        """Settle, or fail."""
        if not self.up:
            raise StoreError("It is down.")
        self.settled += 1
        return super().settle(*args, **options)

    def record(self, ticket: str, tallies: Sequence[Tally], now: float) -> None:
        """Record many tallies at once, or fail."""
        if not self.up:
            raise StoreError("It is down.")
        self.settled += 1
        super().record(ticket, tallies, now)


class Own(Remote):
    """A backend of an application's own, which takes one tally at a time."""

    record: Any = None


def tally(key: str = "k", amount: int = 1, period: str = "2030-01-01T00") -> Tally:
    """Return a tally of one amount."""
    return Tally(period, key, {"n": amount}, UNTIL)


def total(backend: MemoryBackend, key: str = "k") -> int:
    """Return what a backend holds of a key."""
    return sum(keys.get(key, {}).get("n", 0) for keys in backend.sums("", "~").values())


@pytest.mark.parametrize("kind", [Remote, Own])
def test_what_is_recorded_is_written_by_the_heartbeat(kind: type[Remote]) -> None:
    """Tallies of the same labels and period are written as one, within moments, by no caller's thread."""
    backend = kind()
    store = SharedStore(backend)
    for number in range(100):
        store.record(f"t{number}", tally())
    store.record("other", tally("other"))
    give_up = time.monotonic() + PATIENCE
    while total(backend) + total(backend, "other") < 101 and time.monotonic() < give_up:
        time.sleep(0.01)
    assert (total(backend), total(backend, "other")) == (100, 1)
    assert backend.settled < 100


def test_a_reader_sees_what_this_process_has_recorded() -> None:
    """Totals that are read hold what was recorded before, by another store object of the same place too."""
    backend = Remote()
    one, other = SharedStore(backend), SharedStore(backend)
    one.record("a", tally())
    other.record("b", tally())
    assert finish(one.sums(sync_io(), "", "~")) == {"2030-01-01T00": {"k": {"n": 2}}}


@pytest.mark.parametrize("kind", [Remote, Own])
def test_a_ticket_counts_once(kind: type[Remote]) -> None:
    """A ticket that is recorded again counts once: before the first was written, and right after that."""
    backend = kind()
    store = SharedStore(backend)
    store.record("a", tally())
    store.record("a", tally())
    store.close()
    store.record("a", tally())
    store.record("b", tally())
    store.close()
    assert total(backend) == 2


def test_hours_stay_apart() -> None:
    """What belongs to two periods is written to each, whenever that happens."""
    backend = Remote()
    store = SharedStore(backend)
    store.record("a", tally(period="2030-01-01T00"))
    store.record("b", tally(period="2030-01-01T01"))
    store.close()
    assert {period: keys["k"]["n"] for period, keys in backend.sums("", "~").items()} == {
        "2030-01-01T00": 1,
        "2030-01-01T01": 1,
    }


@pytest.mark.parametrize("kind", [Remote, Own])
def test_a_store_that_is_down_loses_nothing(kind: type[Remote], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was recorded while the store is down is counted once it is back, and once only."""
    monkeypatch.setattr("ai_client.stores.shared.PAUSE", 0.0)
    backend = kind()
    store = SharedStore(backend)
    backend.up = False
    for number in range(10):
        store.record(f"t{number}", tally())
        store.recording.write()  # type: ignore[union-attr]
    assert total(backend) == 0
    backend.up = True
    store.record("last", tally())
    store.close()
    assert total(backend) == 11


class Odd(Own):
    """A backend of an application's own, which fails in its own way with what it cannot take yet."""

    odd = "odd"

    def settle(self, *args: Any, **options: Any) -> Any:
        """Settle, or fail for tallies with odd labels."""
        if any(isinstance(one, Tally) and one.key == self.odd for one in args):
            raise ValueError("It is odd.")
        return super().settle(*args, **options)


def test_what_a_backend_cannot_take_holds_up_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """A tally at which a backend fails in its own way is logged and tried again; all others are written and read."""
    backend = Odd()
    store = SharedStore(backend)
    for number in range(3):
        store.record(f"odd{number}", tally("odd"))
        store.record(f"t{number}", tally())
        sums = finish(store.sums(sync_io(), "", "~"))
        assert sums == {"2030-01-01T00": {"k": {"n": number + 1}}}
    store.record("last", tally())
    store.close()
    assert total(backend) == 4
    assert "It is odd." in caplog.text
    backend.odd = ""
    store.close()
    assert (total(backend), total(backend, "odd")) == (4, 3)


class Broken(Own):
    """A backend that fails in its own way, whatever it is to count."""

    is_broken = True

    def settle(self, *args: Any, **options: Any) -> Any:
        """Settle, or fail."""
        if self.is_broken:
            raise ValueError("It is broken.")
        return super().settle(*args, **options)


def no_beat(*_: object) -> object:
    """Return what stands for a renewal, where no thread runs."""
    return object()


def test_a_call_meets_no_error_of_a_backend_that_fails_in_a_way_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where calls write what was recorded, they meet nothing of what comes of that, and memory is bounded."""
    monkeypatch.setattr(recording_module, "_MOST", 5)
    monkeypatch.setattr(recording_module, "keep_beating", no_beat)
    backend = Broken()
    store = SharedStore(backend)
    recording = store.recording
    assert recording is not None
    for number in range(100):
        store.record(f"t{number}", tally(f"k{number}"))
    assert len(recording._entries) + len(recording._batch) <= 10
    backend.is_broken = False
    store.close()


def test_a_queued_change_that_fails_is_no_error_of_another_call(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What was queued while the store was down, and fails in its own way then, is logged, and fails no other call."""
    monkeypatch.setattr("ai_client.stores.shared.PAUSE", 0.0)
    backend = Odd()
    store = SharedStore(backend)
    backend.up, backend.odd = False, ""
    for number, key in enumerate(["odd", "k"]):
        finish(store.settle(sync_io(), f"t{number}", (), time.time(), tally=tally(key)))
    backend.up, backend.odd = True, "odd"
    finish(store.settle(sync_io(), "last", (), time.time(), tally=tally()))
    assert total(backend) == 2
    assert "It is odd." in caplog.text


def test_an_interrupt_at_any_moment_loses_and_repeats_nothing() -> None:
    """Ctrl-C at any line of recording and writing, and the same done again, counts each ticket once."""
    steps = TotalsRecording.write, TotalsRecording._collect, TotalsRecording._write_batch, TotalsRecording.add
    code = [step.__code__ for step in steps]
    for line in range(1, 60):
        backend = Remote()
        store = SharedStore(backend)
        seen = 0

        def interrupt(frame: Any, event: str, arg: object, line: int = line) -> Any:
            nonlocal seen
            del arg
            statement = linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip()
            # to leave a `with` is no line of its own, and no place where Python looks for signals
            if frame.f_code in code and event == "line" and not statement.startswith("with "):
                seen += 1
                if seen == line:
                    sys.settrace(None)
                    raise KeyboardInterrupt
            return interrupt

        sys.settrace(interrupt)
        try:
            store.record("a", tally())
            store.record("b", tally())
            store.recording.write()  # type: ignore[union-attr]
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        store.record("a", tally())
        store.record("b", tally())
        store.close()
        assert total(backend) == 2, f"interrupted at step {line}"


def test_threads_record_side_by_side() -> None:
    """What many threads record while another writes is all there at the end."""
    backend = Remote()
    store = SharedStore(backend)

    def record(name: int) -> None:
        for number in range(500):
            store.record(f"{name}-{number}", tally())

    threads = [threading.Thread(target=record, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        store.recording.write()  # type: ignore[union-attr]
    store.close()
    assert total(backend) == 2000


def test_a_child_drops_what_its_parent_recorded() -> None:
    """A forked child writes what it records itself, and its parent what was recorded before the fork."""
    code = f"""
import os
from ai_client.stores import Tally, open_store
store = open_store("sqlite:///" + __import__("sys").argv[1])
store.record("parent", Tally("p", "k", {{"n": 1}}, {UNTIL}))
child = os.fork()
store.record(f"{{child == 0}}", Tally("p", "k", {{"n": 10 if child else 100}}, {UNTIL}))
store.close()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
from ai_client._io.reading import read
print(read(lambda io: store.sums(io, "", "~"), 10)["p"]["k"]["n"])
"""
    assert run(code) == "111"


def test_the_end_of_a_process_writes_what_it_has_recorded(tmp_path: Path) -> None:
    """A process that ends writes what it has recorded, one that multiprocessing forked too."""
    file = tmp_path / "store.db"
    code = f"""
import multiprocessing, sys
from ai_client.stores import Tally, open_store
store = open_store("sqlite:///" + sys.argv[1])
def work():
    store.record("child", Tally("p", "k", {{"n": 10}}, {UNTIL}))
worker = multiprocessing.get_context("fork").Process(target=work)
worker.start()
worker.join()
store.record("parent", Tally("p", "k", {{"n": 1}}, {UNTIL}))
"""
    run(code, file)
    assert run(READ, file) == "11"


def test_what_is_recorded_at_the_very_end_is_written(tmp_path: Path) -> None:
    """What is recorded after all else was written at the end of a process, as by a finalizer, is written too."""
    file = tmp_path / "store.db"
    code = f"""
import atexit, sys
atexit.register(lambda: store.record("late", Tally("p", "k", {{"n": 10}}, {UNTIL})))
from ai_client.stores import Tally, open_store
store = open_store("sqlite:///" + sys.argv[1])
store.record("early", Tally("p", "k", {{"n": 1}}, {UNTIL}))
"""
    run(code, file)
    assert run(READ, file) == "11"


def test_a_killed_process_loses_its_last_second_at_most(tmp_path: Path) -> None:
    """What a process has recorded more than a moment before `kill -9` is in the store."""
    file = tmp_path / "store.db"
    code = f"""
import sys, time
from ai_client.stores import Tally, open_store
store = open_store("sqlite:///" + sys.argv[1])
store.record("early", Tally("p", "k", {{"n": 1}}, {UNTIL}))
print("recorded", flush=True)
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        give_up = time.monotonic() + PATIENCE
        while run(READ, file) != "1" and time.monotonic() < give_up:
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert run(READ, file) == "1"


def test_what_is_recorded_in_a_second_is_written_at_once() -> None:
    """However many totals there are to add to, a backend that takes many at once is asked once."""
    backend = Remote()
    store = SharedStore(backend)
    for number in range(50):
        store.record(f"t{number}", tally(f"k{number}"))
    store.close()
    assert backend.settled == 1
    assert all(total(backend, f"k{number}") == 1 for number in range(50))


class Faulty:
    """A source that fails."""

    def tallies(self) -> list[Tally]:
        """Fail."""
        raise RuntimeError("no figures")


def test_a_source_that_fails_keeps_nothing_else_from_being_written() -> None:
    """What was recorded is written, and read, though a source of other figures fails."""
    backend = Remote()
    store = SharedStore(backend)
    owner = Mock()
    store.recording.gather(Faulty().tallies, owner)  # type: ignore[union-attr]
    store.record("a", tally())
    assert finish(store.sums(sync_io(), "", "~")) == {"2030-01-01T00": {"k": {"n": 1}}}


def test_calls_write_where_no_thread_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no heartbeat runs, what was recorded is bounded: a call writes it."""
    monkeypatch.setattr(recording_module, "_MOST", 5)
    monkeypatch.setattr(recording_module, "keep_beating", Mock())
    backend = Remote()
    store = SharedStore(backend)
    for number in range(12):
        store.record(f"t{number}", tally())
    assert total(backend) == 10
    store.close()
    assert total(backend) == 12


READ = """
import sys
from ai_client._io.reading import read
from ai_client.stores import open_store
store = open_store("sqlite:///" + sys.argv[1])
print(read(lambda io: store.sums(io, "", "~"), 10).get("p", {}).get("k", {}).get("n", 0))
"""


def run(code: str, file: Path | None = None) -> str:
    """Return what a fresh interpreter prints."""
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        path = str(file or Path(directory, "store.db"))
        done = subprocess.run(
            [sys.executable, "-c", code, path], capture_output=True, text=True, check=True, timeout=60
        )
    return done.stdout.strip()


@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_what_is_queued_while_the_store_is_down_is_counted_though_no_call_follows(on_failure: Any) -> None:
    """A process that has nothing more to do counts what it queued once the store is back, and by itself."""
    backend = Remote()
    backend.up = False
    store, io = SharedStore(backend, on_failure=on_failure), sync_io()
    hold = Hold("a", 60, 100, UNTIL)
    assert finish(store.admit(io, "t", [hold], (), now=time.time(), expires=UNTIL)) is None
    assert finish(store.settle(io, "t", [Spend("a", 5, UNTIL)], time.time(), tally=tally())) == []
    assert backend.ledger("a", time.time()) == Ledger(0, 60)
    backend.up = True
    until(lambda: backend.ledger("a", time.time()) == Ledger(5, 0))
    assert total(backend) == 1
    store.close()


def test_a_store_that_is_dropped_while_it_is_down_is_asked_no_more(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing keeps a store that its owner has dropped, and that never comes back."""
    caplog.set_level(logging.CRITICAL, "ai_client")  # a record would keep the error and what raised it
    backend = Remote()
    backend.up = False
    store = SharedStore(backend)
    assert finish(store.settle(sync_io(), "t", [Spend("a", 5, UNTIL)], time.time())) == []
    dropped = weakref.ref(store)
    del store
    until(lambda: gc.collect() >= 0 and dropped() is None)


def test_the_end_of_a_celery_worker_process_writes_what_it_has_recorded(tmp_path: Path) -> None:
    """A process of a Celery worker, which ends by `os._exit` after its last task, tells before that it ends."""
    file = tmp_path / "store.db"
    code = f"""
import os, sys
from celery.concurrency.prefork import process_destructor
from ai_client.stores import Tally, open_store
store = open_store("sqlite:///" + sys.argv[1])
store.record("parent", Tally("p", "k", {{"n": 1}}, {UNTIL}))
for amount in (10, 100):
    child = os.fork()
    if child == 0:
        store.record("child", Tally("p", "k", {{"n": amount}}, {UNTIL}))
        process_destructor(os.getpid(), 0)
        os._exit(0)
    os.waitpid(child, 0)
"""
    run(code, file)
    assert run(READ, file) == "111"
