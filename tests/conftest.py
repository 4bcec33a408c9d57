"""What most tests need: an upstream, and one way to drive both clients."""

import asyncio
import inspect
import signal
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings

from ai_client import AsyncOpenAI, OpenAI
from ai_client._exchange.loops import stop_background_loop
from ai_client.testing import Upstream

# A busy machine makes neither an example nor its making a failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# A shell that runs the tests in the background has them and the servers they start ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

KEY = "sk-planted-0123456789abcdef"
CHAT: dict[str, Any] = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "Hello"}]}


class Invoke:
    """Runs calls of one of the two clients to their end, whichever it is.

    `invoke(client.models.retrieve, "x")` gives the result on both, `invoke.collect(stream)` the items of what can
    be iterated, and `invoke.client(...)` makes a client of the kind, closed when the test ends.
    """

    def __init__(self, upstream: Upstream, *, sync: bool) -> None:
        self.upstream = upstream
        self.sync = sync
        self._runner = asyncio.Runner()
        self._clients: list[Any] = []

    def __repr__(self) -> str:
        return "sync" if self.sync else "async"

    def __call__(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call *function*, await what it returns where that can be awaited, and give the result."""
        if self.sync:
            return function(*args, **kwargs)

        async def run() -> Any:
            result = function(*args, **kwargs)
            return await result if inspect.isawaitable(result) else result

        return self._runner.run(run())

    def collect(self, items: Iterable[Any] | AsyncIterable[Any]) -> list[Any]:
        """Give all items of an iterable of the client."""
        if self.sync:
            return list(cast("Iterable[Any]", items))

        async def run() -> list[Any]:
            return [item async for item in cast("AsyncIterable[Any]", items)]

        return self._runner.run(run())

    def next(self, iterator: Any) -> Any:
        """Give the next item of an iterator of the client."""
        return next(iterator) if self.sync else self(lambda: anext(iterator))

    @contextmanager
    def within(
        self, manager: AbstractContextManager[Any] | AbstractAsyncContextManager[Any]
    ) -> Iterator[Any]:
        """Enter and leave a context manager of the client."""
        if isinstance(manager, AbstractContextManager):
            with manager as value:
                yield value
            return
        value = self(manager.__aenter__)
        try:
            yield value
        finally:
            self(lambda: manager.__aexit__(None, None, None))

    def client(self, cls: type[Any] | None = None, **options: Any) -> Any:
        """Make a client of the upstream, closed when the test ends."""
        cls = cls or (OpenAI if self.sync else AsyncOpenAI)
        client = self(lambda: cls(**{"api_key": KEY, "base_url": self.upstream.base_url, **options}))
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Close the clients and the loop."""
        for client in self._clients:
            self(client.close)
        self._runner.close()


@pytest.fixture
def no_loop_left() -> Iterator[None]:
    """End the background loop after the test."""
    yield
    stop_background_loop()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Yield a started upstream."""
    with Upstream() as upstream:
        yield upstream


@pytest.fixture(params=[True, False], ids=["sync", "async"])
def invoke(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Invoke]:
    """Yield the way to drive each of the two clients, in turn."""
    invoke = Invoke(upstream, sync=request.param)
    yield invoke
    invoke.close()
