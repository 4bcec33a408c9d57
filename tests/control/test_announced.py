"""What the upstream announces of its limits: how it is read, and what calls under way leave of it."""

import asyncio
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from hypothesis import given, strategies as st

from ai_client import AsyncOpenAI, OpenAIError, RateLimitExceeded
from ai_client._exchange.answer import Answer
from ai_client.control import RateLimits
from ai_client.control.accounting.rates.announced import Announced
from ai_client.control.accounting.rates.headers import LONGEST, announced_in, seconds_until
from ai_client.testing import Gate, Upstream
from tests.support.invoke import Invoke
from tests.support.policies import Clock

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360),
        ("1m30.951s", 90.951),
        ("20ms", 0.02),
        ("120ms", 0.12),
        ("1.5ms", 0.0015),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("900ns", 9e-7),
        ("1s", 1),
        ("1.5s", 1.5),
        (" 1H2M3S ", 3723),
        ("1d2h", 93_600),
        ("12", 12),
        ("0", 0),
        ("12.5", 12.5),
        ("PT1M30S", 90),
        ("P1DT1H", 90_000),
        ("1800000042", 42),
        ("1800000042.5", 42.5),
        ("1800000042000", 42),
        ("1800000042000000", 42),
        ("1800000042000000000", 42),
        ("1700000000", 0),
        ("2027-01-15T08:00:42Z", 42),
        ("2027-01-15T08:00:42.5+00:00", 42.5),
        ("2027-01-15T10:00:42+02:00", 42),
        ("2027-01-15 08:00:42", 42),
        ("2020-01-01T00:00:00Z", 0),
        (formatdate(NOW + 42, usegmt=True), 42),
        *[
            (text, None)
            for text in (
                "",
                "soon",
                "-5",
                "nan",
                "inf",
                "1_0",
                "1e30",
                "9" * 400,
                "1..5s",
                "p",
                "2027-13-45T00:00Z",
            )
        ],
    ],
)
def test_resets(text: str, seconds: float | None) -> None:
    """The time of a reset is read in whatever form an upstream writes it; nonsense counts as not said."""
    found = seconds_until(text, NOW)
    assert found == (None if seconds is None else pytest.approx(seconds, abs=1e-6))


@given(st.text(max_size=30))
def test_no_reset_is_odd(text: str) -> None:
    """Whatever is written for the time of a reset, it is read as a finite number of seconds or not at all."""
    found = seconds_until(text, NOW)
    assert found is None or 0 <= found < float("inf")


def headers(
    left: int | str, limit: int | str | None = 60, reset: str = "60s", unit: str = "-requests"
) -> dict[str, str]:
    """Return the headers that announce a limit."""
    said = {f"x-ratelimit-remaining{unit}": str(left), f"x-ratelimit-reset{unit}": reset}
    return said if limit is None else said | {f"x-ratelimit-limit{unit}": str(limit)}


def response(*args: Any, **options: Any) -> Answer:
    """Return an answer that announces a limit."""
    return Answer.of(httpx.Response(200, headers=headers(*args, **options)))


def begun(limits: Announced, calls: int, now: float, tokens: float = 0) -> list[int]:
    """Begin as many calls as there is room for, at most *calls*; return their numbers."""
    numbers = [limits.enter("m", tokens, now) for _ in range(calls)]
    return [number for number, wait in numbers if not wait]


def answered(limits: Announced, answer: Answer, now: float) -> None:
    """Make one call, which is answered so."""
    (number,) = begun(limits, 1, now)
    limits.learn("m", number, answer, now)


@pytest.mark.parametrize("limit", [60, 2, None])
def test_the_last_one_is_for_one(limit: int | None) -> None:
    """Where one request is left, one of twenty calls goes out, and the next once that much time has passed."""
    limits = Announced()
    answered(limits, response(1, limit), NOW)
    assert len(begun(limits, 20, NOW)) == 1
    _, wait = limits.enter("m", 0, NOW)
    assert 0 < wait <= 60
    assert len(begun(limits, 20, NOW + wait)) == {60: 1, 2: 2, None: 20}[limit]


def test_calls_that_ended_without_news_are_counted() -> None:
    """A call that was sent and had no answer used one of those that were left; one that was never sent did not."""
    limits = Announced()
    answered(limits, response(3), NOW)
    for used in (False, True, False, True):
        (number,) = begun(limits, 1, NOW)
        limits.leave("m", number, used=used)
    assert len(begun(limits, 20, NOW)) == 1


def test_an_error_without_news_changes_nothing() -> None:
    """An error that announces no limits, as of a proxy, lifts none; it used one of what was left."""
    limits = Announced()
    answered(limits, response(2), NOW)
    answered(limits, Answer.of(httpx.Response(502)), NOW)
    assert len(begun(limits, 20, NOW)) == 1


def test_calls_sent_before_are_part_of_what_was_announced() -> None:
    """What is left is less only the calls that were sent after the one whose answer announced it."""
    limits = Announced()
    first, second, third = begun(limits, 3, NOW)
    limits.learn("m", second, response(3), NOW)
    assert len(begun(limits, 20, NOW)) == 2  # the third is under way
    limits.learn("m", first, response(30), NOW)  # older, whenever it comes
    assert begun(limits, 20, NOW) == []
    limits.learn("m", third, response(2), NOW)
    assert begun(limits, 20, NOW) == []


def test_tokens_under_way_are_counted() -> None:
    """Of the tokens that are left, calls under way take what they are estimated to need."""
    limits = Announced()
    answered(limits, response(1000, 100_000, unit="-tokens"), NOW)
    assert len(begun(limits, 20, NOW, tokens=400)) == 2
    other = Announced()
    answered(other, response(1000, 2000, unit="-tokens"), NOW)
    _, wait = other.enter("m", 1_000_000, NOW)
    assert 0 < wait <= 60
    assert begun(other, 1, NOW + 60, tokens=1_000_000)  # larger than the limit, it goes when all is back


def test_all_is_back_after_the_reset() -> None:
    """Once the limit was reset as many calls go out as it holds, and no more before the next answer."""
    limits = Announced()
    answered(limits, response(0, 5), NOW)
    assert begun(limits, 1, NOW) == []
    assert len(begun(limits, 20, NOW + 60)) == 5


@pytest.mark.parametrize("reset", ["1893456000", "1893456000000", "99999h", "2099-01-01T00:00:00Z"])
def test_no_reset_locks_out_for_long(invoke: Invoke, clock: Clock, upstream: Upstream, reset: str) -> None:
    """However far away a reset is said to be, the upstream is asked again after an hour at the latest."""
    client = invoke.client(layers=[RateLimits()])
    client.io.now = clock
    upstream.reply(headers=headers(0, None, reset))
    invoke.chat(client)
    with pytest.raises(RateLimitExceeded) as caught:
        invoke.chat(client)
    assert 0 < (caught.value.retry_after or 0) <= LONGEST
    clock.now += LONGEST
    invoke.chat(client)


@pytest.mark.parametrize("reset", ["1800000001", "1800000001000", "1s", "1000ms", "2027-01-15T08:00:01Z"])
@pytest.mark.parametrize("unit", ["-requests", ""])
def test_a_reset_in_any_form(invoke: Invoke, clock: Clock, upstream: Upstream, reset: str, unit: str) -> None:
    """A call waits until the reset that was announced, in whatever form, and no longer."""
    client = invoke.client(layers=[RateLimits()])
    client.io.now = clock
    upstream.reply(headers=headers(0, None, reset, unit))
    invoke.chat(client)
    with pytest.raises(RateLimitExceeded) as caught:
        invoke.chat(client)
    assert caught.value.retry_after == pytest.approx(1, abs=0.01)
    clock.now += 1
    invoke.chat(client)


def test_a_clock_set_back_locks_nobody_out() -> None:
    """Where the clock is set back after a limit was announced, the limit is forgotten."""
    limits = Announced()
    answered(limits, response(0), NOW)
    assert begun(limits, 1, NOW - 86_400)


def test_nonsense_is_ignored() -> None:
    """Limits that are no numbers count as not said."""
    for answer in (response("many"), response("nan"), response("-1"), response(1, 60, "later"), response("")):
        assert announced_in(answer, NOW) == {}
    assert announced_in(response(1, "none"), NOW)["requests"].limit is None


def test_an_upstream_that_is_not_minded(invoke: Invoke, upstream: Upstream) -> None:
    """With `upstream=False` nothing that the upstream says of its limits holds up a call."""
    client = invoke.client(layers=[RateLimits(upstream=False)])
    upstream.reply(headers=headers(0))
    upstream.reply(status=429, headers={"retry-after": "7"})
    invoke.chat(client)
    with pytest.raises(OpenAIError):
        invoke.chat(client)
    invoke.chat(client)


def test_one_of_twenty_goes(upstream: Upstream) -> None:
    """Where the upstream has one request left, one of twenty calls made at once reaches it."""
    gate = Gate()
    upstream.reply(headers=headers(1))
    upstream.reply(gate=gate)

    async def scenario() -> None:
        async with AsyncOpenAI(
            base_url=upstream.base_url, api_key="k", max_retries=0, layers=[RateLimits()]
        ) as client:
            await client.models.list()
            calls = [asyncio.ensure_future(client.models.list()) for _ in range(20)]
            done: Any = set()
            while len(done) < 19:
                done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED, timeout=30)
                assert done
                await asyncio.sleep(0)
            assert all(isinstance(one.exception(), RateLimitExceeded) for one in done)
            gate.set()
            await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(scenario())
    assert len(upstream.requests) == 2
