"""One way to say "both clients": a test that takes `invoke` runs for the sync and for the async one."""

import asyncio
import contextvars
import inspect
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from itertools import islice
from typing import Any, cast

from ai_client import AsyncOpenAI, OpenAI
from ai_client._call import retry
from ai_client.testing import Upstream

KEY = "sk-planted-0123456789abcdef"
CHAT: dict[str, Any] = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "Hello"}]}


class Invoke:
    """Runs calls of one of the two clients to their end, whichever it is.

    `invoke(client.models.retrieve, "x")` returns the result on both, `invoke.collect(stream)` the items of what can
    be iterated, and `invoke.client(...)` makes a client of the kind, closed when the test ends.

    Args:
        upstream: Where the clients' calls go.
        sync: Which of the two clients.
        **options: Of every client that is made.
    """

    def __init__(self, upstream: Upstream, *, sync: bool, **options: Any) -> None:
        self.upstream = upstream
        self.sync = sync
        self._options = {"api_key": KEY, "base_url": upstream.base_url, **options}
        self._runner = asyncio.Runner()
        self._clients: list[Any] = []

    def __repr__(self) -> str:
        return "sync" if self.sync else "async"

    def __call__(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call *function*, await what it returns where that can be awaited, and return the result."""
        if self.sync:
            return function(*args, **kwargs)

        async def run() -> Any:
            result = function(*args, **kwargs)
            return await result if inspect.isawaitable(result) else result

        return self._runner.run(run(), context=contextvars.copy_context())

    def collect(self, items: Iterable[Any] | AsyncIterable[Any], count: int | None = None) -> list[Any]:
        """Return all items of an iterable of the client, or the first *count*."""
        if self.sync:
            return list(islice(cast("Iterable[Any]", items), count))

        async def run() -> list[Any]:
            found: list[Any] = []
            async for item in cast("AsyncIterable[Any]", items):
                found.append(item)
                if len(found) == count:
                    break
            return found

        return self._runner.run(run())

    def next(self, iterator: Any) -> Any:
        """Return the next item of an iterator of the client."""
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
        client = self(lambda: cls(**{**self._options, **options}))
        self._clients.append(client)
        return client

    def chat(self, client: Any, content: str = "Hello", **options: Any) -> Any:
        """Ask for a chat completion; what the method takes none of goes into the body."""
        body: dict[str, Any] = {
            "model": options.pop("model", "gpt-4o-mini"),
            "messages": options.pop("messages", [{"role": "user", "content": content}]),
        }
        own = {name: options.pop(name) for name in ("stream", "extra_headers") if name in options}
        return self(client.chat.completions.create, **body, **own, extra_body=options)

    def close(self) -> None:
        """Close the clients and the loop."""
        for client in self._clients:
            self(client.close)
        self._runner.close()


def no_waiting() -> AbstractContextManager[None]:
    """Retry at once inside the block."""
    return retry.no_waiting()
