"""A provider that several applications use, and one that is started while it closes."""

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ai_client import ClientClosedError, ClientProvider
from ai_client.testing import Gate, Upstream
from tests.support.invoke import CHAT

pytestmark = pytest.mark.usefixtures("no_loop_left")


@pytest.fixture
def provider(ai_client_upstream: Upstream) -> Iterator[ClientProvider]:
    """Yield a provider of clients to the upstream, and close it."""
    provider = ClientProvider(
        {"base_url": ai_client_upstream.base_url, "api_key": "any", "max_retries": 0, "shutdown_timeout": 60}
    )
    yield provider
    provider.close()


def ask(provider: ClientProvider) -> str:
    """Make one sync call."""
    return provider.client.chat.completions.create(**CHAT).choices[0].message.content or ""


async def ask_async(provider: ClientProvider) -> str:
    """Make one awaited call."""
    return (await provider.async_client.chat.completions.create(**CHAT)).choices[0].message.content or ""


async def until_in_flight(upstream: Upstream, calls: int) -> None:
    """Wait until the upstream has so many calls."""
    await asyncio.to_thread(upstream.wait_for, lambda: upstream.in_flight == calls)


def test_start_while_calls_finish(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """While `aclose` waits for calls, `start` on an event loop raises at once, and `astart` awaits the end."""
    gate = Gate()
    ai_client_upstream.reply(gate=gate, content="finished")

    async def main() -> None:
        provider.adopt_loop()
        before = provider.async_client
        call = asyncio.create_task(ask_async(provider))
        await until_in_flight(ai_client_upstream, 1)
        closing = asyncio.create_task(provider.aclose())
        await asyncio.sleep(0)
        with pytest.raises(ClientClosedError, match=r"await provider\.astart"):
            provider.start()
        starting = [asyncio.create_task(provider.astart()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(one.done() for one in starting)
        gate.set()
        assert await call == "finished"
        assert [await one for one in starting] == [provider] * 3
        await closing
        assert provider.state == "open"
        assert provider.async_client is not before
        assert await ask_async(provider)
        await provider.aclose()

    asyncio.run(main())


class Lingering:
    """An async client whose closing takes until it is told to end."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.closing, self.go = asyncio.Event(), asyncio.Event()

    async def close(self) -> None:
        """Wait."""
        self.closing.set()
        await self.go.wait()


@pytest.mark.parametrize("way", ["aclose", "running"])
def test_start_while_clients_close(way: str) -> None:
    """While `aclose` closes clients on this loop, `start` and `close` raise at once: they would wait for ever."""

    async def main() -> None:
        provider = ClientProvider({"api_key": "any", "async_client_class": Lingering})
        client: Any = provider.async_client

        async def leave() -> None:
            async with provider.running():
                pass

        closing = asyncio.create_task(provider.aclose() if way == "aclose" else leave())
        await client.closing.wait()
        with pytest.raises(ClientClosedError, match=r"await provider\.astart"):
            provider.start()
        with pytest.raises(ClientClosedError, match=r"await provider\.aclose"):
            provider.close()
        starting = asyncio.create_task(provider.astart())
        cancelled = asyncio.create_task(provider.astart())
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        assert cancelled.cancelled()
        assert not starting.done()
        client.go.set()
        await closing
        assert await starting is provider
        after: Any = provider.async_client
        assert after is not client
        after.go.set()
        await provider.aclose()

    asyncio.run(main())


def test_start_is_watched_again(provider: ClientProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that closes takes its end of signals back before anybody can start it again, and watch again."""
    done: list[bool] = []

    def unwatch(watcher: ClientProvider) -> None:
        done.append(watcher._gate.closed.done())

    monkeypatch.setattr("ai_client.provider.unwatch", unwatch)
    asyncio.run(provider.aclose())
    provider.start()
    provider.close()
    assert done == [False, False]


def test_start_in_a_thread_waits(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """In a thread without an event loop, `start` waits until the provider is closed."""
    gate = Gate()
    ai_client_upstream.reply(gate=gate)

    async def main() -> None:
        call = asyncio.create_task(ask_async(provider))
        await until_in_flight(ai_client_upstream, 1)
        closing = asyncio.create_task(provider.aclose())
        await asyncio.sleep(0)
        starting = asyncio.create_task(asyncio.to_thread(provider.start))
        await asyncio.sleep(0)
        assert provider.state == "draining"
        gate.set()
        assert await call
        await starting
        await closing
        assert provider.state == "open"

    asyncio.run(main())


def test_start_of_a_closed_provider(provider: ClientProvider) -> None:
    """On an event loop, `start` and `astart` open a provider that is closed, or leave it open."""

    async def main() -> None:
        for _ in range(3):
            await provider.aclose()
            assert provider.start().start().state == "open"
            assert await ask_async(provider)
            await provider.aclose()
            assert (await (await provider.astart()).astart()).state == "open"
            assert await ask_async(provider)

    asyncio.run(main())


@pytest.mark.parametrize("first", [0, 1, 2])
def test_last_user_closes(provider: ClientProvider, ai_client_upstream: Upstream, first: int) -> None:
    """Of applications that share a provider the last that ends closes it, in whatever order they end."""

    async def main() -> None:
        blocks = [provider.running() for _ in range(3)]
        for block in blocks:
            assert await block.__aenter__() is provider
        kept = provider.async_client
        blocks = [*blocks[first:], *blocks[:first]]
        for block in blocks[:-1]:
            await block.__aexit__(None, None, None)
            assert await ask_async(provider)
            assert provider.async_client is kept
        await blocks[-1].__aexit__(None, None, None)
        assert provider.state == "closed"
        assert kept.is_closed()

    for _ in range(2):
        asyncio.run(main())
        ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


def test_user_that_fails_is_counted_out(provider: ClientProvider) -> None:
    """A block that is left by an exception or by cancellation closes the provider if it is the last."""

    async def main() -> None:
        with pytest.raises(LookupError):
            async with provider.running():
                raise LookupError
        assert provider.state == "closed"

        async def hold() -> None:
            async with provider.running():
                await asyncio.Event().wait()

        holding = asyncio.create_task(hold())
        async with provider.running():
            await asyncio.sleep(0)
            holding.cancel()
            await asyncio.wait([holding])
            assert await ask_async(provider)
        assert provider.state == "closed"

    asyncio.run(main())


def test_user_that_comes_while_the_last_goes(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """An application that starts while the last one ends waits for that end, and then has clients of its own."""
    gate = Gate()
    ai_client_upstream.reply(gate=gate, content="finished")

    async def first() -> None:
        async with provider.running():
            pass

    async def second() -> str:
        async with provider.running():
            return await ask_async(provider)

    async def main() -> None:
        call = asyncio.create_task(ask_async(provider))
        await until_in_flight(ai_client_upstream, 1)
        leaving = asyncio.create_task(first())
        while provider.state == "open":
            await asyncio.sleep(0)
        coming = asyncio.create_task(second())
        await asyncio.sleep(0)
        gate.set()
        assert await call == "finished"
        await leaving
        assert await coming
        assert provider.state == "closed"

    asyncio.run(main())


def test_closing_by_hand_ends_it_for_all(provider: ClientProvider) -> None:
    """`close` and `aclose` close the provider whoever uses it, and it can be started again before they leave."""

    async def main() -> None:
        async with provider.running():
            async with provider.running():
                await provider.aclose()
                with pytest.raises(ClientClosedError):
                    await ask_async(provider)
                provider.start()
                assert await ask_async(provider)
            assert await ask_async(provider)
        assert provider.state == "closed"
        async with provider.running():
            await asyncio.to_thread(provider.close)
        assert provider.state == "closed"

    asyncio.run(main())


def test_users_in_threads_come_and_go(provider: ClientProvider) -> None:
    """However applications in several threads come and go, none finds the clients closed within its block."""
    faults: list[BaseException] = []
    barrier = threading.Barrier(4)

    async def use() -> None:
        async with provider.running():
            assert await asyncio.to_thread(ask, provider)

    def work() -> None:
        barrier.wait()
        try:
            for _ in range(10):
                asyncio.run(use())
        except BaseException as error:  # noqa: BLE001 - shown by the test's thread
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert provider.state == "closed"


def test_child_has_no_users(provider: ClientProvider) -> None:
    """A forked child counts its own users only: the last of them closes what the child has."""

    async def use() -> None:
        async with provider.running():
            await asyncio.to_thread(ask, provider)

    async def main() -> int:
        async with provider.running():
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    asyncio._set_running_loop(None)
                    asyncio.run(use())
                    code = 0 if provider.state == "closed" else 2
                finally:
                    os._exit(code)
            exited = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            assert await ask_async(provider)
            return exited

    assert asyncio.run(main()) == 0
