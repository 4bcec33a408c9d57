"""The interface of what performs HTTP exchanges, sync and async."""

from collections.abc import Coroutine
from typing import Any, Protocol

from .._libraries import httpx
from .._pool.message import Message
from .answer import Answer
from .call_request import CallRequest


class _Exchange(Protocol):
    @property
    def timeouts(self) -> tuple[type[Exception], ...]: ...
    @property
    def failures(self) -> tuple[type[Exception], ...]: ...
    @property
    def is_closed(self) -> bool: ...
    @property
    def headers(self) -> dict[str, str]: ...

    def build(
        self,
        method: str,
        url: "httpx.URL | str",
        headers: list[tuple[str, str]],
        extensions: dict[str, Any],
        content: Any,
    ) -> CallRequest: ...
    def usual(self, message: Message, url: "httpx.URL", extensions: dict[str, Any]) -> CallRequest: ...


class Sender(_Exchange, Protocol):
    """Performs exchanges and blocks."""

    def exchange(self, request: CallRequest, /, *, stream: bool) -> Answer: ...
    def close(self) -> None: ...


class AsyncSender(_Exchange, Protocol):
    """Performs exchanges and suspends."""

    def exchange(self, request: CallRequest, /, *, stream: bool) -> Coroutine[Any, Any, Answer]: ...
    async def aclose(self) -> None: ...
