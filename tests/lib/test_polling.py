"""Waiting for work of the server: when to ask, what to give back, when to give up."""

import asyncio
import copy
import pickle
from types import SimpleNamespace
from typing import Any

import pytest

import ai_client
from ai_client.lib import _polling
from ai_client.lib._polling import poll

omit = ai_client.omit


class Clock:
    """A clock that only sleeping moves, and the `IO` that sleeps by it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        monkeypatch.setattr(_polling.time, "monotonic", lambda: self.now)

    async def sleep(self, seconds: float) -> None:
        """Sleep, in no time."""
        self.slept.append(seconds)
        self.now += seconds

    async def call(self, function: Any, *args: Any) -> Any:
        """Call a function."""
        return function(*args)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give a clock."""
    return Clock(monkeypatch)


def wait(clock: Clock, answers: list[tuple[str, dict[str, str]]], **options: Any) -> str:
    """Poll a server that gives these states and headers."""
    coming = iter(answers)

    async def fetch() -> Any:
        state, headers = next(coming)
        return SimpleNamespace(parse=lambda: state, headers=headers)

    given = {"poll_interval_ms": omit, "max_wait_seconds": omit, "on_progress": None, **options}
    io: Any = clock
    return asyncio.run(poll(io, fetch, lambda state: state == "pending", what="it", **given))


PENDING = ("pending", {})


def test_asks_until_it_is_done(clock: Clock) -> None:
    """It asks once a second by default, and gives the first state that is not pending."""
    assert wait(clock, [PENDING, PENDING, ("failed", {})]) == "failed"
    assert clock.slept == [1.0, 1.0]


def test_interval(clock: Clock) -> None:
    """The caller's interval counts, else the server's first proposal, if it makes sense."""
    hint = {"openai-poll-after-ms": "250"}
    assert wait(clock, [("pending", hint), PENDING, ("done", {})]) == "done"
    assert wait(clock, [("pending", hint), ("done", {})], poll_interval_ms=10) == "done"
    assert wait(clock, [("pending", {"openai-poll-after-ms": "soon"}), ("done", {})]) == "done"
    assert wait(clock, [("pending", {"openai-poll-after-ms": "-5"}), ("done", {})]) == "done"
    assert clock.slept == [0.25, 0.25, 0.01, 1.0, 0.0]


def test_deadline(clock: Clock) -> None:
    """It gives up at the deadline, not before and not after, and says what it saw last."""
    with pytest.raises(ai_client.PollTimeoutError, match="Timed out waiting for it") as caught:
        wait(clock, [PENDING] * 3, max_wait_seconds=2.5)
    assert clock.slept == [1.0, 1.0, 0.5]
    assert caught.value.last == "pending"
    assert isinstance(caught.value, TimeoutError | RuntimeError)
    assert isinstance(caught.value, ai_client.OpenAIError)
    with pytest.raises(ai_client.PollTimeoutError):
        wait(clock, [], max_wait_seconds=0)


def test_done_at_the_last_moment(clock: Clock) -> None:
    """Work that is done by the deadline is given, however long the question took."""
    assert wait(clock, [PENDING, ("done", {})], max_wait_seconds=1.5) == "done"


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_limits_that_are_none(clock: Clock, seconds: float) -> None:
    """A limit must be a number of seconds."""
    with pytest.raises(ValueError, match="finite, non-negative"):
        wait(clock, [], max_wait_seconds=seconds)


def test_progress(clock: Clock) -> None:
    """The callback sees every answer, the last one included, and its error ends the waiting."""
    seen: list[str] = []
    wait(clock, [PENDING, ("done", {})], on_progress=seen.append)
    assert seen == ["pending", "done"]
    with pytest.raises(ZeroDivisionError):
        wait(clock, [PENDING, PENDING], on_progress=lambda _: 1 / 0)


def test_the_error_travels() -> None:
    """A timeout pickles and copies, without what the server said."""
    error = ai_client.PollTimeoutError("Timed out", last="secret")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - pickled a moment ago
    assert (str(again), again.last) == ("Timed out", None)
    assert str(copy.copy(error)) == "Timed out"
