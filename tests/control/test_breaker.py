"""Circuit breakers: what opens and closes a circuit, and whose outcomes say nothing."""

import random
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ai_client import CircuitOpen, ConfigError, InternalServerError, RateLimitError
from ai_client.control.breaker import Breaker, Permission
from ai_client.control.fallback import Fallback
from ai_client.testing import Upstream
from tests.support.invoke import Invoke
from tests.support.policies import Clock


def models(upstream: Upstream) -> list[str]:
    """Return the models that were asked for, in order."""
    return [request.json()["model"] for request in upstream.requests]


def test_a_circuit_opens_and_closes(invoke: Invoke, upstream: Upstream, clock: Clock) -> None:
    """After failures in a row a target is left alone, then tried by one call, whose success closes the circuit."""
    breaker = Breaker(failures=2, cool_down=30)
    client = invoke.client(layers=[Fallback(breaker=breaker)])
    client.io.now = clock
    upstream.reply(status=500, times=3)
    for _ in range(2):
        with pytest.raises(InternalServerError):
            invoke.chat(client, model="m")
    with pytest.raises(CircuitOpen, match="m failed too often lately") as caught:
        invoke.chat(client, model="m")
    assert caught.value.retry_after == pytest.approx(30)
    assert len(upstream.requests) == 2
    clock.now += 30
    assert breaker.state("m", clock.now) == "half-open"
    with pytest.raises(InternalServerError):
        invoke.chat(client, model="m")
    with pytest.raises(CircuitOpen):
        invoke.chat(client, model="m")
    clock.now += 30
    invoke.chat(client, model="m")
    assert breaker.state("m", clock.now) == "closed"


def test_an_open_circuit_leads_to_the_next_target(invoke: Invoke, upstream: Upstream) -> None:
    """A target whose circuit is open is not even tried."""
    client = invoke.client(layers=[Fallback({"m": ["a", "b"]}, breaker=Breaker(failures=1))])
    upstream.reply(status=500)
    invoke.chat(client, model="m")
    invoke.chat(client, model="m")
    assert models(upstream) == ["a", "b", "b"]


def test_a_large_share_of_failures_opens(invoke: Invoke, upstream: Upstream) -> None:
    """Failures that never come in a row open a circuit where they are too many of the calls."""
    breaker = Breaker(failures=5, share=0.5, minimum=20)
    client = invoke.client(layers=[Fallback(breaker=breaker)])
    for number in range(19):
        if number % 3:
            upstream.reply(status=500)
            with pytest.raises(InternalServerError):
                invoke.chat(client, model="m")
        else:
            invoke.chat(client, model="m")
    upstream.reply(status=500)
    with pytest.raises(InternalServerError):
        invoke.chat(client, model="m")
    with pytest.raises(CircuitOpen):
        invoke.chat(client, model="m")
    assert len(upstream.requests) == 20


def fail(breaker: Breaker, now: float, **more: Any) -> None:
    """Let one call fail."""
    breaker.failed(breaker.admit("t", now), now, **more)


def succeed(breaker: Breaker, now: float, *, after: float = 0.0) -> None:
    """Let one call succeed, whose answer begins some seconds after it was sent."""
    permission = breaker.admit("t", now)
    breaker.answered(permission, now + after)
    breaker.succeeded(permission, now + after)


def test_the_share_is_that_of_the_window() -> None:
    """Calls that are older than the window count no more, on either side of the share."""
    breaker = Breaker(failures=100, share=0.5, minimum=4, within=10)
    for _ in range(3):
        fail(breaker, 0)
    for _ in range(3):
        succeed(breaker, 20)
    fail(breaker, 20)
    assert breaker.state("t", 20) == "closed"
    for _ in range(2):
        fail(breaker, 20)
    assert breaker.state("t", 20) == "open"


def test_no_share_where_none_is_wanted() -> None:
    """With `None` only failures in a row count."""
    breaker = Breaker(failures=2, share=None)
    for _ in range(100):
        fail(breaker, 0)
        succeed(breaker, 0)
    assert breaker.state("t", 0) == "closed"


def test_slow_answers_count_in_the_share() -> None:
    """Answers that begin late open a circuit like failures, and a slow trial call keeps it open."""
    breaker = Breaker(minimum=4, slow_after=1, cool_down=10)
    for after in (0.5, 2, 0.5, 2):
        assert breaker.state("t", 0) == "closed"
        succeed(breaker, 0, after=after)
    assert breaker.state("t", 3) == "open"
    succeed(breaker, 12, after=5)
    assert breaker.state("t", 18) == "open"
    succeed(breaker, 30)
    assert breaker.state("t", 30) == "closed"


def test_one_trial_at_a_time() -> None:
    """A half-open circuit lets one call try; one that ended without a verdict makes room for another."""
    breaker = Breaker(failures=1, cool_down=10)
    fail(breaker, 0)
    with pytest.raises(CircuitOpen) as caught:
        breaker.admit("t", 5)
    assert caught.value.retry_after == 5
    trial = breaker.admit("t", 10)
    with pytest.raises(CircuitOpen):
        breaker.admit("t", 10)
    breaker.left(trial)
    assert breaker.admit("t", 10).is_trial


def test_failures_long_ago_do_not_count() -> None:
    """Failures that are further apart than `within` do not open a circuit."""
    breaker = Breaker(failures=2, within=10)
    for now, state in ((0, "closed"), (11, "closed"), (12, "open")):
        fail(breaker, now)
        assert breaker.state("t", now) == state


def test_calls_of_before_say_nothing() -> None:
    """A call that was sent before the circuit opened neither closes it, nor prolongs it, nor ends a trial call."""
    breaker = Breaker(failures=1, cool_down=10)
    early = [breaker.admit("t", 0) for _ in range(3)]
    fail(breaker, 0)
    breaker.succeeded(early[0], 1)
    assert breaker.state("t", 1) == "open"
    breaker.failed(early[1], 9)
    trial = breaker.admit("t", 10)
    assert trial.is_trial
    breaker.left(early[2])
    with pytest.raises(CircuitOpen):
        breaker.admit("t", 10)
    breaker.succeeded(trial, 11)
    assert breaker.state("t", 11) == "closed"


def test_a_late_failure_opens_no_closed_circuit() -> None:
    """A call from before the circuit opened and closed again fails without opening it anew."""
    breaker = Breaker(failures=1, cool_down=10)
    early = breaker.admit("t", 0)
    fail(breaker, 0)
    succeed(breaker, 10)
    breaker.failed(early, 11)
    assert breaker.state("t", 11) == "closed"


def test_the_target_says_how_long(invoke: Invoke, upstream: Upstream, clock: Clock) -> None:
    """A circuit stays open for what `Retry-After` says, not for the time that is configured."""
    breaker = Breaker(failures=1, cool_down=30)
    client = invoke.client(layers=[Fallback(breaker=breaker)])
    client.io.now = clock
    upstream.reply(status=429, headers={"retry-after": "7"})
    with pytest.raises(RateLimitError):
        invoke.chat(client, model="m")
    with pytest.raises(CircuitOpen) as caught:
        invoke.chat(client, model="m")
    assert caught.value.retry_after == pytest.approx(7)
    clock.now += 7
    invoke.chat(client, model="m")
    assert breaker.state("m", clock.now) == "closed"


def test_no_target_is_left_alone_for_months() -> None:
    """A senseless `Retry-After` is bounded, and one that is over counts as none."""
    for said, pause in ((1e9, 900), (-5.0, 10), (0.0, 10)):
        breaker = Breaker(failures=1, cool_down=10)
        fail(breaker, 0, retry_after=said)
        assert breaker.open_until("t") == pause


@pytest.fixture
def busy() -> Iterator[None]:
    """Let threads take turns at nearly every instruction."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("busy")
def test_threads_share_circuits() -> None:
    """Outcomes of all kinds at once raise nothing, and never are two trial calls under way."""
    breaker = Breaker(failures=2, cool_down=0.001)
    trials, most = 0, 0
    counting, errors = threading.Lock(), list[BaseException]()

    def one(chance: random.Random, now: float) -> None:
        nonlocal trials, most
        try:
            permission = breaker.admit("t", now)
        except CircuitOpen:
            return
        if permission.is_trial:
            with counting:
                trials += 1
                most = max(most, trials)
                trials -= 1
        outcomes = (breaker.failed, breaker.succeeded, lambda own, _: breaker.left(own))
        chance.choice(outcomes)(permission, now)

    def work(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for number in range(2000):
                one(chance, number / 100)
        except BaseException as error:  # noqa: BLE001 - it is looked at below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert most <= 1


def test_many_targets_are_bounded() -> None:
    """The circuits of targets that nobody will ask for again are forgotten, and the outcomes of their calls ignored."""
    breaker = Breaker(failures=1)
    permissions: list[Permission] = [breaker.admit(str(number), 0) for number in range(5000)]
    for permission in permissions:
        breaker.failed(permission, 0)
    assert breaker.state("0", 0) == "closed"
    assert breaker.state("4999", 0) == "open"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"failures": 0}, "failures must be at least 1"),
        ({"minimum": 0}, "minimum must be at least 1"),
        ({"share": 0.0}, "share must be more than 0"),
        ({"share": 1.5}, "share must be more than 0 and at most 1"),
        ({"slow_after": 0.0}, "slow_after must be more than 0"),
        ({"shared": True}, "shared: it needs a store"),
    ],
)
def test_senseless_options_are_refused(options: dict[str, Any], message: str) -> None:
    """Options that make no sense fail where the breaker is made."""
    with pytest.raises(ConfigError, match=message):
        Breaker(**options)
