"""What a call set aside comes back where the provider did not count it: after failures and cancellations."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from ai_client import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    DeadlineExceededError,
    QueueFull,
    RateLimitExceeded,
)
from ai_client.control import Call, Next, Reply
from ai_client.stores import Store, open_store
from ai_client.testing import Gate, Upstream
from tests.support.accounts import balances, chat_reply, counting
from tests.support.invoke import Invoke, no_waiting

OUTPUT = 500
"""Output tokens of each call: two calls do not fit into the window."""
WINDOW = 800


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Yield a fresh store of each kind."""
    with closing(open_store(store_url)) as store:
        yield store


def ask(invoke: Invoke, client: Any, **options: Any) -> Any:
    """Make a call that needs more than half of the window."""
    return invoke.chat(client, max_tokens=OUTPUT, **options)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_a_rejected_call_takes_no_tokens(
    invoke: Invoke, upstream: Upstream, store: Store, status: int, stream: bool
) -> None:
    """Errors do not fill a window of tokens, but each has been a request."""
    client = invoke.client(layers=counting(store, requests=4, tokens=WINDOW))
    upstream.reply(status=status, times=3)
    upstream.always(chat_reply)
    for _ in range(3):
        with pytest.raises(APIStatusError):
            ask(invoke, client, **({"stream": True} if stream else {}))
    ask(invoke, client)  # takes 50 tokens
    with pytest.raises(RateLimitExceeded):
        ask(invoke, client)
    assert balances(store) == [(1, 0), (50, 0)]


@pytest.fixture
def refusing() -> Iterator[str]:
    """Yield an address that is taken, and where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("way", ["refused", "no such name", "no TLS"])
def test_a_call_that_never_left_takes_nothing(  # noqa: PLR0917 - its parameters
    invoke: Invoke, upstream: Upstream, store: Store, refusing: str, way: str, stream: bool
) -> None:
    """Where no connection came about, neither requests nor tokens are taken of a window."""
    addresses = {
        "refused": refusing,
        "no such name": "http://no-such-host.invalid/v1",
        "no TLS": upstream.base_url.replace("http:", "https:"),
    }
    layers = counting(store, requests=1, tokens=WINDOW)
    client = invoke.client(layers=layers, base_url=addresses[way])
    for _ in range(3):
        with pytest.raises(APIConnectionError):
            ask(invoke, client, **({"stream": True} if stream else {}))
    assert balances(store) == [(0, 0), (0, 0)]
    upstream.always(chat_reply)
    ask(invoke, invoke.client(layers=layers))
    assert balances(store) == [(1, 0), (50, 0)]


def test_a_call_that_waited_for_a_connection_takes_nothing(
    invoke: Invoke, upstream: Upstream, store: Store
) -> None:
    """A call that got no connection in time gives everything back."""
    hold = Gate()
    layers = counting(store, requests=2, tokens=2 * WINDOW)
    client = invoke.client(layers=layers, max_connections=1)
    upstream.reply(chunks=[b'data: {"choices": []}\n\n', hold])
    stream = ask(invoke, client, stream=True)
    impatient = client.with_options(timeout=client._library.http.Timeout(30.0, pool=0.01))
    for _ in range(3):
        with pytest.raises(APITimeoutError):
            ask(invoke, impatient)
    hold.set()
    invoke(stream.close)
    upstream.always(chat_reply)
    ask(invoke, client)
    requests, _ = balances(store)
    assert requests == (2, 0)


def test_a_call_that_waited_in_a_queue_takes_nothing(
    invoke: Invoke, upstream: Upstream, store: Store
) -> None:
    """A call that another policy rejects after it was admitted gives everything back."""
    from ai_client.control.concurrency import Concurrency

    hold = Gate()
    slots = Concurrency(1, max_queue=0)
    client = invoke.client(layers=[*counting(store, requests=2, tokens=2 * WINDOW), slots])
    upstream.reply(chunks=[b'data: {"choices": []}\n\n', hold])
    stream = ask(invoke, client, stream=True)
    for _ in range(3):
        with pytest.raises(QueueFull):
            ask(invoke, client)
    hold.set()
    invoke(stream.close)
    upstream.always(chat_reply)
    ask(invoke, client)
    assert balances(store)[0] == (2, 0)


def test_a_call_whose_deadline_passed_before_it_was_sent_takes_nothing(
    invoke: Invoke, upstream: Upstream, store: Store
) -> None:
    """Where the deadline passes before the request is sent, everything is given back."""

    async def dawdle(call: Call, proceed: Next) -> Reply:
        assert call.deadline is not None
        while time.monotonic() < call.deadline:
            time.sleep(0.005)
        return await proceed(call)

    layers = counting(store, requests=1, tokens=WINDOW)
    client = invoke.client(layers=[*layers, dawdle], deadline=0.02)
    for _ in range(3):
        with pytest.raises(DeadlineExceededError):
            ask(invoke, client)
    assert not upstream.requests
    upstream.always(chat_reply)
    ask(invoke, invoke.client(layers=layers))
    assert balances(store) == [(1, 0), (50, 0)]


def test_a_call_that_may_have_been_billed_keeps_what_it_took(
    invoke: Invoke, upstream: Upstream, store: Store
) -> None:
    """A call that was cut off after it was sent counts in every window and budget as it was estimated."""
    client = invoke.client(layers=counting(store, tokens=WINDOW))
    upstream.reply(disconnect=True)
    with pytest.raises(APIConnectionError):
        ask(invoke, client)
    with pytest.raises(RateLimitExceeded):
        ask(invoke, client)
    requests, tokens = balances(store)
    assert requests == (1, 0)
    assert tokens[0] > OUTPUT
    assert tokens[1] == 0


@pytest.mark.parametrize("lost", [False, True], ids=["rejected", "lost"])
def test_all_attempts_decide(invoke: Invoke, upstream: Upstream, store: Store, lost: bool) -> None:
    """Tokens come back where every attempt was rejected, and not where an earlier one may have been billed."""
    client = invoke.client(layers=counting(store, tokens=WINDOW), max_retries=1)
    upstream.reply(**({"disconnect": True} if lost else {"status": 500}))
    upstream.reply(status=400)
    upstream.always(chat_reply)
    with no_waiting(), pytest.raises(APIStatusError):
        ask(invoke, client)
    if lost:
        with pytest.raises(RateLimitExceeded):
            ask(invoke, client)
    else:
        ask(invoke, client)


def test_an_attempt_that_was_rejected_before_one_that_never_left_was_a_request(
    invoke: Invoke, upstream: Upstream, store: Store, refusing: str
) -> None:
    """A call that reached the provider once stays counted as a request, though its last attempt got nowhere."""

    async def only_once(call: Call, proceed: Next) -> Reply:
        try:
            return await proceed(call)
        except APIStatusError:
            elsewhere = call.changed(path=f"{refusing}/chat/completions")
            return await proceed(elsewhere)

    client = invoke.client(layers=[*counting(store, requests=1, tokens=WINDOW), only_once])
    upstream.reply(status=500)
    upstream.always(chat_reply)
    with pytest.raises(APIConnectionError):
        ask(invoke, client)
    with pytest.raises(RateLimitExceeded):
        ask(invoke, client)


def test_nineteen_errors_do_not_hold_up_the_next_call(
    invoke: Invoke, upstream: Upstream, store: Store
) -> None:
    """A service whose provider rejects call after call can make the next one at once."""
    client = invoke.client(layers=counting(store, tokens=20 * (OUTPUT + 20)))
    upstream.reply(status=503, times=19)
    upstream.always(chat_reply)
    for _ in range(19):
        with pytest.raises(APIStatusError):
            ask(invoke, client)
    for _ in range(19):
        ask(invoke, client)
