"""The interface of what performs HTTP exchanges, sync and async."""

from collections.abc import Coroutine
from typing import Any, Protocol

from .._libraries import httpx


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
        headers: "httpx.Headers | list[tuple[str, str]]",
        extensions: dict[str, Any],
        content: Any,
    ) -> "httpx.Request": ...


class Sender(_Exchange, Protocol):
    """Performs exchanges and blocks."""

    def exchange(self, request: "httpx.Request", /, *, stream: bool) -> "httpx.Response": ...
    def close(self) -> None: ...


class AsyncSender(_Exchange, Protocol):
    """Performs exchanges and suspends."""

    def exchange(
        self, request: "httpx.Request", /, *, stream: bool
    ) -> "Coroutine[Any, Any, httpx.Response]": ...
    async def aclose(self) -> None: ...
