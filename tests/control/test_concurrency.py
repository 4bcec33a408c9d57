"""How many calls run at once."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ai_client import ConfigError, OpenAI, QueueFull
from ai_client.control import Call
from ai_client.control.concurrency import Concurrency
from ai_client.testing import Gate, Upstream
from ai_client.web import http_error
from tests.support.invoke import Invoke
from tests.support.policies import async_io, finish, sync_io


def test_no_more_than_allowed(upstream: Upstream) -> None:
    """Of 40 threads and 40 tasks through one policy, never more than 5 calls are under way, and all are served."""
    from ai_client import AsyncOpenAI

    policy = Concurrency(5)
    options: dict[str, Any] = {"base_url": upstream.base_url, "api_key": "any", "layers": [policy]}

    async def tasks() -> None:
        async with AsyncOpenAI(**options) as client:
            await asyncio.gather(*(client.models.list() for _ in range(40)))

    with OpenAI(**options) as client, ThreadPoolExecutor(41) as pool:
        pool.submit(asyncio.run, tasks())
        for _ in range(40):
            pool.submit(client.models.list)
    assert len(upstream.requests) == 80
    assert upstream.max_in_flight <= 5
    assert (policy.in_flight, policy.queue_length) == (0, 0)


def test_a_full_queue_refuses(upstream: Upstream) -> None:
    """Where calls and queue are full, a call is refused at once and told the length of the queue."""
    gate = Gate()
    upstream.always(gate=gate)
    policy = Concurrency(1, max_queue=1)
    with (
        OpenAI(base_url=upstream.base_url, api_key="any", layers=[policy]) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        calls = [pool.submit(client.models.list)]
        upstream.wait_for(lambda: upstream.in_flight == 1)
        calls.append(pool.submit(client.models.list))
        while not policy.queue_length:
            time.sleep(0.001)
        with pytest.raises(QueueFull, match="1 under way, 1 waiting") as caught:
            client.models.list()
        assert caught.value.queue_length == 1
        shown = http_error(caught.value)
        assert shown is not None
        assert (shown.status, dict(shown.headers)) == (503, {"retry-after": "1"})
        gate.set()
        assert [call.result() is not None for call in calls] == [True, True]


def test_waiting_has_an_end(invoke: Invoke) -> None:
    """A caller whose turn does not come in time is refused, and leaves the queue."""
    policy = Concurrency(1, queue_timeout=0.02)
    client = invoke.client(layers=[policy])
    stream = invoke.chat(client, stream=True)
    with pytest.raises(QueueFull, match="after 0"):
        invoke.chat(client)
    assert policy.queue_length == 0
    invoke(stream.close)
    invoke.chat(client)


def test_a_slot_is_given_back_after_every_end(invoke: Invoke, upstream: Upstream) -> None:
    """A failure, a whole answer, a stream read to its end and one left early all give their slot back."""
    policy = Concurrency(1, max_queue=0)
    client = invoke.client(layers=[policy])
    upstream.reply(status=500)
    with pytest.raises(Exception, match="500"):
        invoke.chat(client)
    invoke.chat(client)
    invoke.collect(invoke.chat(client, stream=True))
    left = invoke.chat(client, stream=True)
    invoke.collect(left, 2)
    invoke(left.close)
    assert policy.in_flight == 0


def test_an_unread_answer_holds_its_slot_until_it_is_closed(invoke: Invoke) -> None:
    """A response whose body is left on the wire counts until its block ends."""
    policy = Concurrency(1, max_queue=0)
    client = invoke.client(layers=[policy])
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}

    async def read() -> None:
        async with client.chat.completions.with_streaming_response.create(**body) as response:
            assert policy.in_flight == 1
            await response.read()

    if not invoke.sync:
        invoke(read)
    else:
        with client.chat.completions.with_streaming_response.create(**body) as response:
            assert policy.in_flight == 1
            response.read()
    assert policy.in_flight == 0


def test_the_queue_is_fair() -> None:
    """Who came first is served first."""
    policy = Concurrency(1)
    order: list[int] = []

    async def main() -> None:
        io = async_io()

        async def proceed(call: Call) -> Any:
            order.append(int(call.path))
            await asyncio.sleep(0)
            return None

        await asyncio.gather(*(policy(Call(io, "GET", str(number), None), proceed) for number in range(100)))

    asyncio.run(main())
    assert order == list(range(100))


def test_cancelling_never_loses_a_slot() -> None:
    """However tasks are cancelled, waiting, just admitted or running, all slots are free in the end."""
    policy = Concurrency(3)

    async def main() -> None:
        io = async_io()

        async def proceed(call: Call) -> Any:
            del call
            for _ in range(3):
                await asyncio.sleep(0)

        tasks = [asyncio.create_task(policy(Call(io, "GET", "/", None), proceed)) for _ in range(300)]
        for number in range(100):
            await asyncio.sleep(0)
            tasks[number * 3].cancel()
            tasks[-number].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    assert (policy.in_flight, policy.queue_length) == (0, 0)


def test_a_deadline_bounds_the_wait() -> None:
    """A call with a deadline does not wait in the queue beyond it."""
    policy = Concurrency(1, queue_timeout=None)
    inside = threading.Event()
    leave = threading.Event()

    async def hold(call: Call) -> Any:
        del call
        inside.set()
        leave.wait()

    def run(**options: Any) -> None:
        finish(policy(Call(sync_io(), "GET", "/", None, **options), hold))

    thread = threading.Thread(target=run)
    thread.start()
    inside.wait()
    with pytest.raises(QueueFull):
        run(deadline=time.monotonic() + 0.01)
    leave.set()
    thread.join()


def test_a_bound_of_nothing_is_refused() -> None:
    """At least one call must be allowed."""
    with pytest.raises(ConfigError, match="max_in_flight must be at least 1"):
        Concurrency(0)
