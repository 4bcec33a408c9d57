"""Ctrl-C and `sys.exit` wherever a function begins during a call, found by counting: nothing stays held."""

import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import ai_client
from ai_client import CircuitOpen, InternalServerError, OpenAI
from ai_client.control import Breaker, Concurrency, Fallback, make_layers
from ai_client.control.cache.policy import Cache
from ai_client.testing import Upstream
from tests.support.invoke import CHAT

# What is interrupted where it begins, a coroutine or the end of a connection, is told of when it is dropped.
pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]


HERE = str(Path(ai_client.__file__).parent)
ELSEWHERE = (f"{HERE}/testing", f"{HERE}/types", f"{HERE}/resources")
MOST = 3000
"""More functions than begin in any call here."""


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Drop what was interrupted where that is expected, not in a later test."""
    yield
    gc.collect()


class Interruption:
    """Raises an exception where, of the package's functions, one of a certain number begins: as signals do.

    Args:
        at: The number, from 1.
        kind: What is raised.

    Attributes:
        place: The name of the function, once it was reached.
    """

    def __init__(self, at: int, kind: type[BaseException]) -> None:
        self.place: str | None = None
        self._left = at
        self._kind = kind

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Count functions as they begin; coroutines that go on do not."""
        code = frame.f_code
        if event != "call" or code.co_name in {"__del__", "__set_name__"} or frame.f_lasti > 5:
            return
        if not code.co_filename.startswith(HERE) or code.co_filename.startswith(ELSEWHERE):
            return
        self._left -= 1
        if self._left == 0:
            self.place = f"{code.co_filename.removeprefix(HERE)}:{code.co_qualname}"
            raise self._kind(self.place)

    @contextmanager
    def happening(self) -> Iterator[None]:
        """Let it happen inside the block, and be over after it."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            yield
        except self._kind:
            pass
        finally:
            sys.settrace(before)


CONTROLS: dict[str, Any] = {
    "concurrency": 1,
    "budgets": [{"tokens": 10**9, "per": "total"}, {"requests": 10**6, "per": "total"}],
    "cost": True,
    "rate_limits": [{"requests": 10**6}],
    "cache": {"scope": "all"},
    "retry_budget": True,
    "models": {CHAT["model"]: [CHAT["model"]]},
    "breaker": {"failures": 3},
    "prices": {CHAT["model"]: {"input": 1.0, "output": 2.0}},
    "hooks": {"on_call": lambda _: None},
}


def held_by(client: OpenAI, layers: Any) -> list[str]:
    """Return what is held although no call is under way."""
    pool: Any = client._sender.pool
    if pool._guard.lock.locked():
        return ["the lock of the pool"]
    stats = pool.stats()
    held = [] if (stats.in_use, stats.waiting) == (0, 0) else [f"{stats}"]
    for layer in layers:
        if isinstance(layer, Concurrency) and (layer.in_flight or layer.queue_length):
            held.append("a slot of the concurrency")
        if isinstance(layer, Cache) and layer._flights():
            held.append("a flight of the cache")
    store = next(layer.store for layer in layers if getattr(layer, "store", None))
    units = ("tokens", "requests")
    ledgers = [store.backend.ledger(f"|{unit}|total|UTC|all", time.time()) for unit in units]
    return held + [f"{ledger}" for ledger in ledgers if ledger.held]


@contextmanager
def serving(upstream: Upstream, store: str) -> Iterator[tuple[OpenAI, Any]]:
    """Yield a client under all controls, and these."""
    layers = make_layers({**CONTROLS, "store": store})
    with OpenAI(
        api_key="any", base_url=upstream.base_url, layers=layers, max_retries=0, max_connections=1
    ) as client:
        try:
            yield client, layers
        finally:
            for each in {
                id(store): store for layer in layers if (store := getattr(layer, "store", None))
            }.values():
                each.close()


def ask(client: OpenAI, number: int) -> None:
    """Make a call that no other is equal to."""
    client.chat.completions.create(**{**CHAT, "messages": unlike(number)}, temperature=0)


def unlike(number: int) -> list[dict[str, str]]:
    """Return messages that no other call has."""
    return [{"role": "user", "content": f"Hello {number}"}]


@contextmanager
def without_collection() -> Iterator[None]:
    """Collect no garbage inside the block, as a finalizer would be interrupted and not the call."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_an_interruption_leaves_nothing_held(
    upstream: Upstream, tmp_path: Path, store: str, kind: type[BaseException]
) -> None:
    """Wherever a call is interrupted, its permit, reservations, slots, flights and locks come back.

    Each call has a client of its own, so that all of them call the same functions in the same order.
    """
    url = "memory://" if store == "memory" else f"sqlite:///{tmp_path}/store.db"
    with without_collection():
        for at in range(1, MOST):
            interruption = Interruption(at, kind)
            with serving(upstream, url) as (client, layers):
                with interruption.happening():
                    ask(client, at)
                assert not held_by(client, layers), interruption.place
            if interruption.place is None:
                break
    assert 100 < at < MOST - 1


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interruption_of_a_stream_leaves_nothing_held(
    upstream: Upstream, kind: type[BaseException]
) -> None:
    """Wherever the reading of a stream is interrupted, everything comes back once it is left."""
    upstream.always(content="Hi")
    with without_collection(), serving(upstream, "memory://") as (client, layers):
        ask(client, 0)
        at = 1
        while at < MOST:
            interruption = Interruption(at, kind)
            stream = client.chat.completions.create(**{**CHAT, "messages": unlike(at)}, stream=True)
            with interruption.happening():
                for _ in stream:
                    pass
            if interruption.place is None:
                break
            stream.close()
            assert not held_by(client, layers), interruption.place
            at += 2
        assert 100 < at < MOST
        ask(client, MOST)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_interruption_leaves_no_circuit_on_trial(upstream: Upstream, stream: bool) -> None:
    """Wherever the call that tries an open circuit is interrupted, another call may try it."""
    breaker = Breaker(failures=1, cool_down=0.001)
    with without_collection():
        for at in range(1, MOST):
            interruption = Interruption(at, KeyboardInterrupt)
            upstream.reset()
            upstream.reply(status=500)
            with OpenAI(
                api_key="any", base_url=upstream.base_url, layers=[Fallback(breaker=breaker)], max_retries=0
            ) as client:
                with suppress(InternalServerError):
                    ask(client, at)
                time.sleep(0.002)
                with interruption.happening():
                    answer = client.chat.completions.create(**CHAT, stream=stream)
                    for _ in answer if stream else ():
                        pass
                answer = None
                gc.collect(0)
                time.sleep(0.002)
                try:
                    ask(client, at)
                except CircuitOpen:
                    pytest.fail(f"The trial goes on after {interruption.place}.")
            if interruption.place is None:
                break
    assert 50 < at < MOST - 1
