"""Who waits for a rate, in which order, and for how long."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Self

import pytest

from ai_client import AsyncOpenAI, ConfigError, OpenAI, RateLimitExceeded, labels
from ai_client.control import RateLimit, RateLimits
from ai_client.control.accounting.rates import line
from ai_client.control.accounting.rates.line import Lines, Shortage
from ai_client.stores import Change, Take, open_store
from ai_client.stores.shared import SharedStore
from ai_client.testing import Gate, Recorded, Reply, Upstream
from tests.support.forks import in_child
from tests.support.policies import finish, sync_io
from tests.support.waiting import until

NAME: ContextVar[str] = ContextVar("name")
CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


class Noting(SharedStore):
    """A store that notes who is admitted, and when that counts."""

    def __init__(self, of: SharedStore) -> None:
        super().__init__(of.backend)
        self.admitted: list[str] = []
        self.stamps: list[float] = []
        self.changes: list[Change] = []

    async def settle(self, *args: Any, **options: Any) -> Any:
        """Settle, and note the changes."""
        self.changes += options.get("changes", ())
        return await super().settle(*args, **options)

    async def admit(self, io: Any, ticket: str, holds: Any, takes: Any, /, **options: Any) -> Any:
        """Admit, and note it."""
        refusal = await super().admit(io, ticket, holds, takes, **options)
        if refusal is None:
            self.admitted.append(NAME.get("?"))
            self.stamps += [take.at for take in takes]
        return refusal


@pytest.fixture(autouse=True)
def nobody_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the order hold on a machine that is too busy to wake callers in time."""
    monkeypatch.setattr(line, "GRACE", 60.0)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Noting]:
    """Yield a store that notes."""
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/s.db"
    noting = Noting(open_store(url))
    yield noting
    noting.close()


def waiting(limits: RateLimits) -> int:
    """Return how many callers are in line."""
    return len({id(caller) for line in list(limits.lines._lines.values()) for caller in list(line)})


class Callers:
    """Callers in threads, or tasks of one loop, that begin one after the other."""

    def __init__(self, upstream: Upstream, limits: RateLimits, *, sync: bool) -> None:
        self.limits = limits
        self._sync = sync
        self._options: dict[str, Any] = {"base_url": upstream.base_url, "api_key": "k", "max_retries": 0}
        self._pool = ThreadPoolExecutor(40)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._client: Any = (OpenAI if sync else AsyncOpenAI)(layers=[limits], **self._options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown()
        if not self._sync:
            asyncio.run_coroutine_threadsafe(self._client.close(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def begin(self, name: str, **options: Any) -> Any:
        """Begin a call, and return its future once it was answered or is in line."""
        before = waiting(self.limits)
        future = self.start(name, **options)
        until(lambda: waiting(self.limits) > before or future.done())
        return future

    def start(self, name: str, *, tenant: str | None = None, **options: Any) -> Any:
        """Start a call, and return its future."""

        def call() -> Any:
            NAME.set(name)
            with labels(tenant=tenant):
                return self._client.chat.completions.create(**{**CHAT, **options})

        async def acall() -> Any:
            NAME.set(name)
            with labels(tenant=tenant):
                return await self._client.chat.completions.create(**{**CHAT, **options})

        return (
            self._pool.submit(call) if self._sync else asyncio.run_coroutine_threadsafe(acall(), self._loop)
        )


def using(tokens: int) -> Callable[[Recorded], Reply]:
    """Return what answers each call as one that used so many tokens."""

    def answer(recorded: Recorded) -> Reply:
        del recorded
        return Reply(json={"usage": {"prompt_tokens": tokens, "completion_tokens": 0}})

    return answer


def in_any_second(stamps: list[float]) -> int:
    """Return the most that any second holds."""
    return max(sum(start <= at < start + 1 for at in stamps) for start in stamps)


def test_first_come_first_served(upstream: Upstream, store: Noting, sync: bool) -> None:
    """Twenty equal callers are admitted in the order in which they came, threads and tasks, and never too many."""
    limits = RateLimits([RateLimit(requests=10, per="second")], store, max_wait=60)
    with Callers(upstream, limits, sync=sync) as callers:
        for number in range(10):
            callers.begin(f"first {number}").result(30)
        names = [f"{number:02}" for number in range(20)]
        for future in [callers.begin(name) for name in names]:
            future.result(60)
    assert store.admitted[10:] == names
    assert in_any_second(store.stamps) <= 10
    assert waiting(limits) == 0


def test_a_large_call_has_its_turn(upstream: Upstream, store: Noting, sync: bool) -> None:
    """A call that needs most of the rate comes before smaller ones that came after it."""
    limits = RateLimits([RateLimit(tokens=10_000, per="second")], store, max_wait=60)
    with Callers(upstream, limits, sync=sync) as callers:
        upstream.always(using(5000))
        callers.begin("first", max_tokens=5000).result(30)
        large = callers.begin("large", max_tokens=9000)
        small = [callers.begin(f"small {number}", max_tokens=100) for number in range(5)]
        for future in [large, *small]:
            future.result(60)
    assert store.admitted == ["first", "large", *(f"small {number}" for number in range(5))]


def test_threads_and_tasks_stand_in_one_line(upstream: Upstream, store: Noting) -> None:
    """Callers of both clients, in threads and on a loop, whose limits share a store, are admitted as they came."""
    here, there = (RateLimits([RateLimit(requests=5, per="second")], store, max_wait=60) for _ in range(2))
    assert here.lines is there.lines
    with Callers(upstream, here, sync=True) as threads, Callers(upstream, there, sync=False) as tasks:
        for number in range(5):
            threads.begin(f"first {number}").result(30)
        names = [f"{number:02}" for number in range(10)]
        futures = [(tasks if number % 2 else threads).begin(name) for number, name in enumerate(names)]
        for future in futures:
            future.result(60)
    assert store.admitted[5:] == names


def test_who_is_cancelled_leaves_the_line(upstream: Upstream, store: Noting) -> None:
    """A waiting caller that is cancelled holds up nobody, in this process and in others."""
    limits = RateLimits([RateLimit(tokens=10_000, per="minute")], store, max_wait=3600)
    with Callers(upstream, limits, sync=False) as callers:
        callers.begin("first", max_tokens=2000).result(30)
        large = [callers.begin(f"large {number}", max_tokens=9900) for number in range(3)]
        small = callers.begin("small", max_tokens=100)
        for one in large:
            one.cancel()
        small.result(30)
    assert store.admitted == ["first", "small"]
    assert waiting(limits) == 0
    (key,) = {change.key for change in store.changes if not change.amount}
    now = time.time()
    assert store.backend.admit("other", (), [Take(key, 10, 10_000, 60.0)], now, now) is None


def test_who_waits_elsewhere_is_passed(upstream: Upstream, store: Noting) -> None:
    """Callers of one tenant that wait for its rate are in no other tenant's way, though all share another rate."""
    own, shared = RateLimit(requests=1, per="minute", scope="tenant"), RateLimit(requests=3, per="minute")
    limits = RateLimits([own, shared], store, max_wait=3600)
    with Callers(upstream, limits, sync=False) as callers:
        callers.begin("first", tenant="a").result(30)
        futures = [callers.begin(f"a{number}", tenant="a") for number in range(5)]
        callers.begin("other", tenant="b").result(30)
        for future in futures:
            future.cancel()
    assert store.admitted == ["first", "other"]


def test_room_that_is_given_back_is_taken_at_once(upstream: Upstream, store: Noting, sync: bool) -> None:
    """A caller that waits for tokens goes as soon as a call before it turns out to have used fewer."""
    limits = RateLimits([RateLimit(tokens=10_000, per="hour")], store, max_wait=7200)
    gate = Gate()
    upstream.reply(gate=gate, json=using(10)(None).json)  # type: ignore[arg-type]
    upstream.always(using(10))
    with Callers(upstream, limits, sync=sync) as callers:
        first = callers.start("first", max_tokens=8000)
        until(lambda: upstream.requests)
        second = callers.begin("second", max_tokens=8000)
        assert not second.done()
        gate.set()
        first.result(30)
        second.result(30)
    assert store.admitted == ["first", "second"]


class Asked:
    """A call that is refused so many times, with the wait that it is told."""

    def __init__(self, *waits: float, key: str = "k", last: float | None = None) -> None:
        self.waits = [*waits]
        self.last = last
        self.key = key
        self.asked = 0
        self.gave_up = False

    async def ask(self, patience: float) -> Shortage | None:
        """Ask."""
        del patience
        self.asked += 1
        wait = self.waits.pop(0) if self.waits else self.last
        return None if wait is None else Shortage(wait, [self.key], [], has_place=True)

    async def give_up(self) -> None:
        """Give up."""
        self.gave_up = True


class Unwaiting:
    """A seam that has nothing to wait for."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def waiter(self) -> object:
        """Return what is waited for."""
        return sync_io().waiter()

    async def wait(self, waiter: object, timeout: float) -> bool:
        """Note for how long."""
        del waiter
        self.waited.append(timeout)
        return False


def take(amount: int = 1) -> Take:
    """Return what a call takes."""
    return Take("k", amount, 10, 1000.0)


def wait(
    lines: Lines, io: Any, asker: Any, patience: float = 10.0, takes: Sequence[Take] = ()
) -> Shortage | None:
    """Wait in line, without an event loop."""
    return finish(lines.wait(io, lambda: ["k"], takes or [take()], patience, asker))


def standing(lines: Lines, takes: Sequence[Take], turn: float) -> Any:
    """Put a caller in line that may have its turn in so many seconds, and return its coroutine."""

    class Stuck(Unwaiting):
        async def wait(self, waiter: object, timeout: float) -> bool:
            del waiter, timeout
            await asyncio.Future()
            return False

    async def stand() -> None:
        await lines.wait(Stuck(), lambda: ["k"], takes, 1000.0, Asked(last=turn))  # type: ignore[arg-type]

    loop = asyncio.new_event_loop()
    task = loop.create_task(stand())
    loop.call_soon(loop.stop)
    loop.run_forever()
    return loop, task


def end(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
    """End what `standing` began."""
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()


def test_a_wait_that_is_known_to_be_too_long_is_refused_at_once() -> None:
    """Who would have to wait for too long is told so without waiting, first in line or behind others."""
    lines, io = Lines(), Unwaiting()
    refused = wait(lines, io, Asked(10.1))
    assert refused is not None
    assert refused.wait == 10.1
    first = standing(lines, [take(10)], 900.0)
    asker = Asked()
    refused = wait(lines, io, asker, takes=[take(10)], patience=1500.0)
    assert refused is not None
    assert refused.wait == pytest.approx(1900, abs=100)  # the first's turn, and another window
    assert (asker.asked, io.waited) == (0, [])
    end(*first)
    assert wait(lines, io, Asked()) is None


def test_nobody_waits_longer_than_it_would() -> None:
    """Who is told again and again that its turn will soon come gives up in time, and asks no more often than told."""
    asker = Asked(last=0.02)
    lines = Lines()
    refused = wait(lines, sync_io(), asker, patience=0.1)
    assert refused is not None
    assert 1 < asker.asked <= 8
    assert lines._lines == {}


def test_who_sleeps_too_long_is_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller on a loop that stands still holds up those behind it for a moment, and not until it goes on."""
    monkeypatch.setattr(line, "BEAT", 0.01)
    monkeypatch.setattr(line, "GRACE", 0.01)
    lines = Lines()
    first = standing(lines, [take()], 0.01)
    asker = Asked()
    assert wait(lines, sync_io(), asker, patience=60) is None
    assert asker.asked == 1
    end(*first)


def test_a_broken_wait_gives_up_its_place() -> None:
    """Whatever ends a wait, the place that the store keeps for the caller is given up."""

    class Breaking(Unwaiting):
        async def wait(self, waiter: object, timeout: float) -> bool:
            del waiter, timeout
            raise KeyboardInterrupt

        async def carry_through(self, coroutine: Any) -> None:
            await coroutine

    lines, asker = Lines(), Asked(1.0)
    with pytest.raises(KeyboardInterrupt):
        wait(lines, Breaking(), asker)
    assert asker.gave_up
    assert lines._lines == {}


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_is_in_no_line() -> None:
    """A process that is forked while callers wait begins with empty lines."""
    limits = RateLimits([RateLimit(requests=1)], open_store())
    first = standing(limits.lines, [take()], 60.0)
    assert waiting(limits) == 1
    assert in_child(lambda: wait(limits.lines, sync_io(), Asked()) is None)
    end(*first)


@pytest.mark.parametrize("amount", [0.5, 2.5, float("nan"), float("inf"), True, "5"])
def test_a_rate_is_a_whole_number(amount: Any) -> None:
    """A rate that is no whole number fails where it is made."""
    with pytest.raises(ConfigError, match="whole number"):
        RateLimit(requests=amount)


def test_a_rate_may_be_as_large_as_one_likes(upstream: Upstream, store: Noting) -> None:
    """A rate that is beyond all bounds holds up nobody."""
    limits = RateLimits([RateLimit(requests=10**30, tokens=10**30)], store)
    with OpenAI(base_url=upstream.base_url, api_key="k", layers=[limits]) as client:
        client.chat.completions.create(**CHAT)
        client.chat.completions.create(**CHAT)


def test_several_limits_are_taken_together(upstream: Upstream, store: Noting) -> None:
    """A call that one of its rates refuses takes nothing of the others."""
    limits = RateLimits([RateLimit(requests=1), RateLimit(requests=2, per="hour")], store)
    with OpenAI(base_url=upstream.base_url, api_key="k", layers=[limits]) as client:
        client.chat.completions.create(**CHAT)
        for _ in range(3):
            with pytest.raises(RateLimitExceeded, match="1 requests per 60 s"):
                client.chat.completions.create(**CHAT)
    other = RateLimits([RateLimit(requests=2, per="hour")], store)
    with OpenAI(base_url=upstream.base_url, api_key="k", layers=[other]) as client:
        client.chat.completions.create(**CHAT)
        with pytest.raises(RateLimitExceeded, match="2 requests per 3600 s"):
            client.chat.completions.create(**CHAT)


class AtTheEnd:
    """A call for which there is room at the very end of its patience."""

    def __init__(self, patience: float) -> None:
        self.answers = [None, Shortage(patience, ["k"], (), has_place=True)]

    async def ask(self, patience: float) -> Shortage | None:
        """Return what there is no room for."""
        del patience
        return self.answers.pop()

    async def give_up(self) -> None:
        """Release the place that the store keeps."""


def test_who_waits_to_the_end_is_asked_again() -> None:
    """A call that gets room when its patience ends waits for it, as it said, and leaves no place in the store."""
    asker = AtTheEnd(0.01)
    assert finish(Lines().wait(sync_io(), lambda: ["k"], (), 0.01, asker)) is None
    assert not asker.answers
