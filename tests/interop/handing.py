"""Handing a client to a library, and running what it does with it."""

import asyncio
import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai

from ai_client import ClientProvider
from ai_client.testing import Upstream
from libraries.side import Side

KEY = "sk-interop"
HANDS = ("official", "bare", "own")
"""What is handed over: the official client over ours, the official client alone, or ours."""


class Handed:
    """One client of a process, in the hands of a library.

    Args:
        side: The library's side.
        hand: What it is handed, one of `HANDS`.
        upstream: Where the client's calls go.
        options: Of the client; the official client alone takes none of ours.
    """

    def __init__(self, side: type[Side], hand: str, upstream: Upstream, **options: Any) -> None:
        self._side = side
        self._runner = asyncio.Runner()
        self._provider = ClientProvider(api_key=KEY, base_url=upstream.base_url, max_retries=0, **options)
        self._client = self._given(hand, upstream)

    def _given(self, hand: str, upstream: Upstream) -> Any:
        if hand == "bare":
            kind = openai.OpenAI if self._side.takes == "sync" else openai.AsyncOpenAI
            return kind(api_key=KEY, base_url=upstream.base_url, max_retries=0)
        ours = self._provider.client if self._side.takes == "sync" else self._provider.async_client
        if hand == "own":
            return ours
        return self._side.given(ours)

    def do(self, name: str, *arguments: Any) -> Any:
        """Return what a function of the library returns, with objects of the library made for this call alone."""
        found = getattr(self._side(self._client), name)(*arguments)
        return self._runner.run(found) if inspect.iscoroutine(found) else found

    def at_once(self, times: int, name: str, *arguments: Any) -> list[Any]:
        """Return what many calls of a function return, which are under way at the same time."""
        function = getattr(self._side, name)
        if inspect.iscoroutinefunction(function):

            async def gathered() -> list[Any]:
                return await asyncio.gather(
                    *(function(self._side(self._client), *arguments) for _ in range(times))
                )

            return self._runner.run(gathered())
        with ThreadPoolExecutor(times) as threads:
            return list(threads.map(lambda _: function(self._side(self._client), *arguments), range(times)))

    def close(self) -> None:
        """Close the clients."""
        if isinstance(self._client, openai.AsyncOpenAI):
            self._runner.run(self._client.close())
        self._runner.close()
        self._provider.close()


Hand = Callable[..., Handed]
