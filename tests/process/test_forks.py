"""What belongs to a process, and what a fork waits for."""

import builtins
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import create_model
from pydantic._internal._namespace_utils import NsResolver
from pydantic_core import core_schema

from ai_client import BaseModel, _fork, omit
from ai_client._fork import PerProcess, Uncut, here
from ai_client._models.accessor import accessor
from ai_client._models.decode import decode
from ai_client._params.encoding import encode
from tests.support.forks import in_child, unannounced

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
PATIENCE = 60.0


@pytest.fixture(params=[os.fork, unannounced], ids=["os.fork", "fork in C"])
def fork(request: pytest.FixtureRequest) -> Any:
    """Give a way to fork: with Python's knowledge, and without it."""
    return request.param


def test_a_child_has_one_of_its_own(fork: Callable[[], int]) -> None:
    """A child gets a new thing, always the same, and its parent keeps what it had."""
    box = PerProcess(list[int])
    box().append(1)

    def work() -> bool:
        box().append(2)
        return box() == [2]

    assert in_child(work, fork)
    assert box() == [1]


def test_a_lock_that_a_parents_thread_holds_is_free_in_a_child(fork: Callable[[], int]) -> None:
    """A child takes a lock at once although a thread held it at the fork."""
    lock = PerProcess(threading.Lock)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock():
            held.set()
            done.wait(PATIENCE)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(PATIENCE)
    try:
        assert in_child(lambda: lock().acquire(timeout=5), fork)
    finally:
        done.set()
        thread.join()


class SlowlyBuilt:
    """The type of a field, whose part in its model's validator takes until a test is done."""

    begun, end = threading.Event(), threading.Event()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        """Build it, slowly in one thread."""
        del source, handler
        if threading.current_thread().name == "builder":
            cls.begun.set()
            cls.end.wait(PATIENCE)
        return core_schema.any_schema()


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("what", ["decode", "encode"])
def test_a_child_builds_models_while_a_thread_of_its_parent_does(
    fork: Callable[[], int], what: str, *, same: bool
) -> None:
    """A model is built in a child, for an answer or for a request, although a thread was building one at the fork."""

    class Slow(BaseModel):
        one: SlowlyBuilt

    class Other(BaseModel):
        one: int

    wanted: Any = Slow if same else Other
    given: Any = wanted.model_construct(one=1)
    SlowlyBuilt.begun.clear()
    SlowlyBuilt.end.clear()
    thread = threading.Thread(target=lambda: decode(Slow, b'{"one": 1}'), name="builder")
    thread.start()
    SlowlyBuilt.begun.wait(PATIENCE)

    def work() -> bool:
        signal.alarm(20)
        here()  # as it is called where a client of a provider is taken, or a connection
        if what == "encode":
            return encode({"model": given, "left out": omit}) == b'{"model":{"one":1}}'
        return bool(decode(wanted, b'{"one": 1}').one == 1)

    try:
        assert in_child(work, fork)
    finally:
        SlowlyBuilt.end.set()
        thread.join()


def test_a_child_can_inherit(fork: Callable[[], int]) -> None:
    """What a child begins with may be made of what its parent had, once."""
    made: list[int] = []

    def inherit(parent: list[int]) -> list[int]:
        made.append(1)
        return [*parent, 7]

    box = PerProcess(list[int], inherit)
    box().append(1)
    assert in_child(lambda: (box(), box()) == ([1, 7], [1, 7]) and made == [1], fork)
    assert box() == [1]


def test_threads_of_a_child_get_one_thing() -> None:
    """Threads that ask at the same time get the same thing, made once."""
    made: list[object] = []

    def make() -> object:
        time.sleep(0.001)
        made.append(object())
        return made[-1]

    def work() -> bool:
        found: list[object] = []
        threads = [threading.Thread(target=lambda: found.append(box())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(found) == 8 and len({id(thing) for thing in found}) == 1 and len(made) == 1

    box = PerProcess(make)
    assert in_child(work)


def test_a_fork_waits_for_work_that_it_must_not_cut() -> None:
    """A fork begins when such work has ended, and what would begin meanwhile begins after it."""
    work = Uncut()
    inside, end = threading.Event(), threading.Event()
    rounds = 0

    def toil() -> None:
        nonlocal rounds
        while not end.is_set():
            with work():
                rounds += 1
                inside.set()
                time.sleep(0.001)

    threads = [threading.Thread(target=toil) for _ in range(3)]
    for thread in threads:
        thread.start()
    inside.wait(PATIENCE)
    try:
        whole = [in_child(lambda: not work.was_cut) for _ in range(5)]
        before = rounds
        give_up = time.monotonic() + PATIENCE
        while rounds == before and time.monotonic() < give_up:
            time.sleep(0.001)
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert all(whole)
    assert rounds > before


def test_a_fork_does_not_wait_for_long(monkeypatch: pytest.MonkeyPatch, fork: Callable[[], int]) -> None:
    """Work that takes longer is cut: the child knows, and so does a child of its own; the parent goes on."""
    monkeypatch.setattr(_fork, "HOLD", 0.01)
    work = Uncut()
    inside, end = threading.Event(), threading.Event()

    def toil() -> None:
        with work():
            inside.set()
            end.wait(PATIENCE)

    thread = threading.Thread(target=toil)
    thread.start()
    inside.wait(PATIENCE)
    try:
        assert in_child(lambda: work.was_cut and in_child(lambda: work.was_cut), fork)
        assert not work.was_cut
    finally:
        end.set()
        thread.join()
    with work():
        assert in_child(lambda: True)


def test_work_does_not_wait_for_a_fork_that_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody says that a fork is over, work goes on after a moment."""
    monkeypatch.setattr(_fork, "HOLD", 0.01)
    work = Uncut()
    done = threading.Event()

    def toil() -> None:
        with work():
            done.set()

    work.hold()
    threading.Thread(target=toil, daemon=True).start()
    assert done.wait(PATIENCE)


def test_a_child_imports_what_a_thread_was_importing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child imports anew what a thread of its parent had half imported, and does not wait for that thread."""
    monkeypatch.setattr(_fork, "HOLD", 0.01)
    monkeypatch.syspath_prepend(str(tmp_path))
    tmp_path.joinpath("half_imported.py").write_text(
        "import threading\nif threading.current_thread().name == 'importer':\n"
        "    import builtins\n    builtins.half_imported_begun.set()\n    builtins.half_imported_end.wait(60)\n"
    )
    begun, end = threading.Event(), threading.Event()
    monkeypatch.setattr(builtins, "half_imported_begun", begun, raising=False)
    monkeypatch.setattr(builtins, "half_imported_end", end, raising=False)
    thread = threading.Thread(target=importlib.import_module, args=("half_imported",), name="importer")
    thread.start()
    begun.wait(PATIENCE)

    def work() -> bool:
        threading.Timer(20, os._exit, (9,)).start()
        return importlib.import_module("half_imported").__name__ == "half_imported"

    try:
        assert _fork.imports_elsewhere() == ["half_imported"]
        assert in_child(work)
    finally:
        end.set()
        thread.join()
        sys.modules.pop("half_imported", None)


class Slow:
    """Something with an attribute that takes until it is told to end."""

    begun = threading.Event()
    end = threading.Event()

    @accessor
    def value(self) -> object:
        """Wait, in the thread that is called so."""
        if threading.current_thread().name == "reader":
            self.begun.set()
            self.end.wait(PATIENCE)
        return object()


def test_a_child_reads_an_attribute_that_a_thread_was_making(fork: Callable[[], int]) -> None:
    """An attribute that a thread makes at the fork is made by the child too; all threads get what was first made."""
    slow, seen = Slow(), list[object]()
    slow.begun.clear()
    slow.end.clear()
    thread = threading.Thread(target=lambda: seen.append(slow.value), name="reader")
    thread.start()
    slow.begun.wait(PATIENCE)
    try:
        assert in_child(lambda: slow.value is slow.value, fork)
        assert in_child(lambda: Slow().value, fork)
        first = slow.value
    finally:
        slow.end.set()
        thread.join()
    assert seen == [first]
    assert slow.value is first


def test_a_child_decodes_what_a_thread_of_its_parent_builds(fork: Callable[[], int]) -> None:
    """A result is decoded in a child though a thread of the parent was building its decoder at the fork."""
    parent = os.getpid()
    building, done = threading.Event(), threading.Event()

    class Slow:
        @classmethod
        def __get_pydantic_core_schema__(cls, *_: Any) -> core_schema.CoreSchema:
            if os.getpid() == parent:
                building.set()
                done.wait(PATIENCE)
            return core_schema.any_schema()

    class Result(BaseModel):
        value: Annotated[int, Slow]

    def late() -> int:
        return decode(Result, b'{"value": 1}').value

    with ThreadPoolExecutor(1) as pool:
        try:
            first = pool.submit(late)
            assert building.wait(PATIENCE)
            assert in_child(lambda: late() == 1, fork)
        finally:
            done.set()
        assert first.result() == 1


def test_a_fork_waits_for_models_that_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork begins when no thread builds a model any more: in a child, pydantic would wait for what it was making."""
    monkeypatch.setattr(_fork, "HOLD", PATIENCE)
    building = threading.Event()
    built: list[int] = []

    class Slow:
        @classmethod
        def __get_pydantic_core_schema__(cls, *_: Any) -> core_schema.CoreSchema:
            building.set()
            time.sleep(0.05)
            built.append(1)
            return core_schema.any_schema()

    class Result(BaseModel):
        value: Annotated[int, Slow]

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(decode, Result, b'{"value": 1}')
        assert building.wait(PATIENCE)
        assert in_child(lambda: bool(built))
        assert first.result().value == 1


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="cached properties have no lock since Python 3.12")
def test_a_child_builds_models_while_its_parent_does(fork: Callable[[], int]) -> None:
    """A lock for building models that a thread of the parent holds at the fork holds up no child that builds one."""
    lock = vars(NsResolver)["types_namespace"].lock
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait(PATIENCE)

    def build() -> bool:
        here()
        return bool(create_model("Model", text=(str, ...))(text="x"))

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(PATIENCE)
    try:
        assert in_child(build, fork)
    finally:
        done.set()
        thread.join()
