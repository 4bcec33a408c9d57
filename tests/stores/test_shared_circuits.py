"""Circuits that processes share through a store: what one finds out the others know."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from ai_client import CircuitOpen, InternalServerError
from ai_client._io import finish
from ai_client.control.breaker import Breaker
from ai_client.control.circuits import Circuits
from ai_client.control.fallback import Fallback
from ai_client.stores import Store, open_store
from ai_client.testing import Upstream
from tests.support.invoke import Invoke
from tests.support.policies import Clock


@pytest.fixture
def invoke(sync: bool, upstream: Upstream) -> Iterator[Invoke]:
    """Yield the way to drive each of the two clients, in turn, without retries."""
    with closing(Invoke(upstream, sync=sync, max_retries=0)) as invoke:
        yield invoke


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Yield an open store."""
    with closing(open_store(store_url)) as store:
        yield store


def shared(store: Store) -> Breaker:
    """Make a breaker as another process has it, on the same store."""
    return Breaker(failures=2, cool_down=30, shared=True, store=store)


def test_processes_learn_from_each_other(invoke: Invoke, upstream: Upstream, store: Store) -> None:
    """A circuit that one process opened is open for the others, and closed for them once one found the target well."""
    clock = Clock()
    clients = [invoke.client(layers=[Fallback(breaker=shared(store))]) for _ in range(2)]
    for client in clients:
        client.io.now = clock
    first, second = clients
    invoke.chat(second, model="m")
    upstream.reply(status=500, times=2)
    for _ in range(2):
        with pytest.raises(InternalServerError):
            invoke.chat(first, model="m")
    clock.now += 2
    with pytest.raises(CircuitOpen) as caught:
        invoke.chat(second, model="m")
    assert caught.value.retry_after == pytest.approx(28)
    clock.now += 28
    invoke.chat(second, model="m")
    invoke.chat(first, model="m")
    assert len(upstream.requests) == 5


@pytest.mark.parametrize("verdict", ["succeeded", "failed", "left"])
def test_one_trial_among_them_all(invoke: Invoke, store: Store, verdict: str) -> None:
    """An open circuit is tried by one call of all processes at a time, whatever its outcome."""
    if not invoke.sync:
        pytest.skip("the same for both")
    clock, io = Clock(), invoke.client().io
    io.now = clock
    first, second = (Circuits(shared(store)) for _ in range(2))
    for _ in range(2):
        finish(first.failed(io, finish(first.admit(io, "m")), None))
    clock.now += 30
    trial = finish(first.admit(io, "m"))
    with pytest.raises(CircuitOpen) as caught:
        finish(second.admit(io, "m"))
    assert caught.value.retry_after == 1
    match verdict:
        case "failed":
            finish(first.failed(io, trial, None))
        case "succeeded":
            finish(first.succeeded(io, trial))
        case _:
            finish(first.left(io, trial))
    clock.now += 2
    if verdict == "failed":
        with pytest.raises(CircuitOpen):
            finish(second.admit(io, "m"))
    else:
        assert finish(second.admit(io, "m")).is_trial is (verdict == "left")


def test_a_value_that_is_none_of_ours_is_ignored(invoke: Invoke, store: Store) -> None:
    """What cannot be read in the store says nothing about a circuit."""
    if not invoke.sync:
        pytest.skip("the same for both")
    clock, io = Clock(), invoke.client().io
    io.now = clock
    for value in (b"", b"x y", b"1", b"1 2 3", b"nan nan", b"inf 1", b"\xff\xfe"):
        finish(store.set(io, "breaker|m", value, clock.now + 60, clock.now))
        assert not finish(Circuits(shared(store)).admit(io, "m")).is_trial
