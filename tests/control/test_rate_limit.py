"""Rates of requests and tokens."""

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, strategies as st

from ai_client import ConfigError, RateLimitError, RateLimitExceeded, labels
from ai_client._exchange.answer import Answer
from ai_client.control.accounting.rate_limit import RateLimit, RateLimits
from ai_client.control.accounting.rates.announced import MODELS_KEPT, Announced
from ai_client.stores import Take, open_store
from ai_client.stores.memory import MemoryBackend
from ai_client.testing import Recorded, Reply, Upstream
from ai_client.web import http_error
from tests.support.invoke import Invoke
from tests.support.policies import Clock, Redis
from tests.support.rate_caller import THREADS


def client_with(invoke: Invoke, clock: Clock, *limits: RateLimit, **options: Any) -> Any:
    """Make a client with rates, whose time is the clock's."""
    client = invoke.client(layers=[RateLimits(limits, open_store(), **options)])

    async def wait(waiter: Any, timeout: float) -> bool:
        del waiter
        clock.sleep(timeout)
        return False

    client.io.now = clock
    client.io.wait = wait
    return client


def test_requests_are_counted(invoke: Invoke, clock: Clock, upstream: Upstream) -> None:
    """A call over the rate is refused before it is sent, and served once the time it was told has passed."""
    client = client_with(invoke, clock, RateLimit(requests=3, per="minute"))
    for _ in range(3):
        invoke.chat(client)
    with pytest.raises(RateLimitExceeded, match="3 requests per 60 s") as caught:
        invoke.chat(client)
    assert len(upstream.requests) == 3
    shown = http_error(caught.value)
    assert shown is not None
    assert (shown.status, shown.type) == (429, "rate_limit")
    assert 59 <= (caught.value.retry_after or 0) <= 61
    clock.now += caught.value.retry_after or 0
    invoke.chat(client)


def test_a_call_may_wait(invoke: Invoke, clock: Clock) -> None:
    """With `max_wait` a call waits for room."""
    client = client_with(invoke, clock, RateLimit(requests=1, per="second"), max_wait=5)
    start = clock.now
    for _ in range(4):
        invoke.chat(client)
    assert 3 <= clock.now - start <= 3.2


def test_tokens_are_corrected(invoke: Invoke, clock: Clock, upstream: Upstream) -> None:
    """Tokens count as estimated while a call runs, and as used after it."""

    def answer(recorded: Recorded) -> Reply:
        del recorded
        return Reply(json={"usage": {"prompt_tokens": 5, "completion_tokens": 5}})

    upstream.always(answer)
    client = client_with(invoke, clock, RateLimit(tokens=1000, per="minute"))
    for _ in range(8):
        invoke.chat(client, max_tokens=900)  # eight times 900 would not fit
    with pytest.raises(RateLimitExceeded):
        invoke.chat(client, max_tokens=950)


def test_a_call_larger_than_the_rate_goes_alone(invoke: Invoke, clock: Clock) -> None:
    """A call that needs more than the whole rate is let through when nothing else was."""
    client = client_with(invoke, clock, RateLimit(tokens=100, per="minute"))
    invoke.chat(client, max_tokens=5000)


def test_each_tenant_has_its_rate(invoke: Invoke, clock: Clock) -> None:
    """What one tenant uses leaves the others theirs."""
    client = client_with(invoke, clock, RateLimit(requests=1, scope=("tenant", "endpoint")))
    for tenant in ("a", "b"):
        with labels(tenant=tenant, endpoint="/x"):
            invoke.chat(client)
            with pytest.raises(RateLimitExceeded):
                invoke.chat(client)


@pytest.mark.parametrize("written", [str.lower, str.title])
def test_the_upstream_is_believed(
    invoke: Invoke, clock: Clock, upstream: Upstream, written: Callable[[str], str]
) -> None:
    """Where the upstream says that nothing remains, the next call waits as long as it says, that model's only."""
    exhausted = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m0s",
    }
    client = client_with(invoke, clock)
    upstream.reply(headers={written(name): value for name, value in exhausted.items()})
    invoke.chat(client)
    with pytest.raises(RateLimitExceeded, match="upstream's") as caught:
        invoke.chat(client)
    assert caught.value.retry_after == pytest.approx(1)  # one of sixty comes back in a sixtieth of the minute
    invoke.chat(client, model="gpt-4o")
    clock.now += 1
    invoke.chat(client)


def test_the_upstream_is_listened_to_now_and_then(invoke: Invoke, clock: Clock, upstream: Upstream) -> None:
    """While plenty is left, of the answers that come at once one is read for limits; once little is, each is."""
    client = client_with(invoke, clock)

    def limits(left: int) -> dict[str, str]:
        said = {"limit-requests": "60", "remaining-requests": str(left), "reset-requests": "60s"}
        return {f"x-ratelimit-{name}": value for name, value in said.items()}

    def answer(left: int) -> None:
        upstream.reply(headers=limits(left))
        invoke.chat(client)

    answer(50)
    answer(0)  # which is not heard of
    answer(49)
    clock.now += 0.03
    answer(0)
    with pytest.raises(RateLimitExceeded):
        invoke.chat(client)
    clock.now += 1
    answer(0)  # at once, and heard of
    with pytest.raises(RateLimitExceeded):
        invoke.chat(client)
    clock.now += 1
    answer(50)
    invoke.chat(client)
    upstream.reply(status=429, headers=limits(0))  # always heard of
    with pytest.raises(RateLimitError):
        invoke.chat(client)
    with pytest.raises(RateLimitExceeded):
        invoke.chat(client)


def test_a_429_is_believed(invoke: Invoke, clock: Clock, upstream: Upstream) -> None:
    """After a 429 with Retry-After no further call goes out before that time."""
    client = client_with(invoke, clock)
    upstream.reply(status=429, headers={"retry-after": "7"})
    with pytest.raises(RateLimitError):
        invoke.chat(client)
    with pytest.raises(RateLimitExceeded) as caught:
        invoke.chat(client)
    assert caught.value.retry_after == pytest.approx(7)
    clock.now += 7
    invoke.chat(client)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "set requests, tokens or both"),
        ({"requests": 0}, "at least 1"),
        ({"requests": 1, "per": "year"}, "per must be one of second"),
        ({"requests": 1, "scope": "x"}, "scope must be one of"),
    ],
)
def test_a_senseless_rate_is_refused(options: dict[str, Any], message: str) -> None:
    """A rate that makes no sense fails where it is made."""
    with pytest.raises(ConfigError, match=message):
        RateLimit(**options)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 40)), max_size=60))
def test_no_window_ever_holds_more(steps: list[tuple[float, int]]) -> None:
    """Whatever is taken and when: no stretch of a minute, wherever it begins, holds more than the limit."""
    backend, now, taken = MemoryBackend(), 1_800_000_000.0, []
    for number, (pause, amount) in enumerate(steps):
        now += pause
        if backend.admit(f"t{number}", (), [Take("w", amount, 100, 60.0)], now, now) is None:
            taken.append((now, amount))
    for start, _ in taken:
        assert sum(amount for at, amount in taken if start <= at < start + 60) <= 100


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_processes_share_a_rate(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """4 processes that take all they get for three minutes stay within 5 % of the rate in each of them."""
    limit = 120
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path}/s.db"
    else:
        server: Redis = request.getfixturevalue("redis_server")
        import redis

        with redis.Redis.from_url(server.url) as connection:
            connection.flushall()
        url = server.url
    command = [sys.executable, "-m", "tests.support.limiter", url, "1800000000", str(limit)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    ticks: list[int] = []
    for _ in range(3 * 240):
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        ticks.append(sum(int((process.stdout or sys.stdin).readline()) for process in processes))
    for process in processes:
        process.communicate()
    windows = [sum(ticks[start : start + 240]) for start in range(len(ticks) - 240)]
    assert max(windows) <= limit
    assert all(limit * 0.95 <= sum(ticks[a:b]) <= limit for a, b in pairwise(range(0, 721, 240)))


def announced(**left: str) -> Answer:
    """Return an answer of an upstream that announces its limits, of 100 each, and what is left of them."""
    headers: dict[str, str] = {}
    for unit, remaining in left.items():
        headers |= {
            f"x-ratelimit-limit-{unit}": "100",
            f"x-ratelimit-remaining-{unit}": remaining,
            f"x-ratelimit-reset-{unit}": "60s",
        }
    return Answer.of(httpx.Response(200, headers=headers))


@pytest.mark.parametrize("later", [{"requests": "90"}, {}, {"tokens": "0"}])
def test_what_the_upstream_has_again_is_not_waited_for(later: dict[str, str]) -> None:
    """A limit of which an answer announces enough, or no more says anything, holds up nobody."""
    limits = Announced()
    limits.learn("m", 1, announced(requests="0"), 1e9)
    assert set(limits.low()) == {("m", "requests")}
    limits.learn("m", 2, announced(**later), 1e9 + 1)
    assert set(limits.low()) == ({("m", "tokens")} if "tokens" in later else set())


def test_models_are_not_remembered_without_a_bound() -> None:
    """However many models there are, few limits and times are kept."""
    limits = Announced()
    for number in range(3 * MODELS_KEPT):
        limits.learn(f"m{number}", number, announced(requests="0"), 1e9)
    assert 0 < len(limits.low()) <= MODELS_KEPT


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_killed_processes_hold_up_nobody(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, upstream: Upstream
) -> None:
    """Of 3 processes at full rate one is killed while it waits: the others go on, and no second holds too many."""
    limit, calls = 20, 15
    url = f"sqlite:///{tmp_path}/s.db"
    if kind == "redis":
        url = request.getfixturevalue("redis_server").url
        import redis

        with redis.Redis.from_url(url) as connection:
            connection.flushall()
    command = [
        sys.executable,
        "-m",
        "tests.support.rate_caller",
        url,
        upstream.base_url,
        str(limit),
        str(calls),
    ]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    killed = processes[0]
    assert killed.stdout is not None
    said = [killed.stdout.readline() for _ in range(10)]
    killed.kill()
    said += killed.communicate(timeout=60)[0].splitlines()
    for process in processes[1:]:
        told = process.communicate(timeout=240)[0].splitlines()
        assert len(told) == THREADS * calls
        assert process.returncode == 0
        said += told
    stamps = sorted(float(line) for line in said if line.strip())
    assert max(sum(start <= at < start + 1 for at in stamps) for start in stamps) <= limit


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ({"requests": 1}, {"requests": 2}, "requests"),
        ({"tokens": 1, "requests": 1}, {"tokens": 2}, "tokens"),
        ({"requests": 1}, {"tokens": 2}, None),
        ({"requests": 1}, {"requests": 2, "per": "hour"}, None),
        ({"requests": 1}, {"requests": 2, "scope": "user"}, None),
        ({"requests": 1}, {"requests": 2, "name": "second"}, None),
    ],
)
def test_two_limits_that_cannot_be_told_apart(
    one: dict[str, Any], other: dict[str, Any], clash: str | None
) -> None:
    """Two limits of one unit, window and scope would count in one place, and are refused unless one has a name."""
    limits = [RateLimit(**one), RateLimit(**other)]
    if clash is None:
        RateLimits(limits, open_store())
        return
    with pytest.raises(ConfigError, match=f"two limits of {clash} have the same window and scope"):
        RateLimits(limits, open_store())
