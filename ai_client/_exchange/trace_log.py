"""The log of connections of a user's HTTP client, as far as its library tells of them."""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from .._libraries import httpx
from .._pool.connection_log import logger

_CONNECTS = frozenset({"connect_tcp", "connect_unix_socket"})
_PROTOCOLS = {"http2": "HTTP/2", "http11": "HTTP/1.1"}


class TraceLog:
    """A `trace` of the HTTP library that logs for one request which connection it goes over, a new one or a kept one.

    Args:
        owner: The name of the client.
        request: The request, of which the origin is shown.
        then: The trace that the request had before.
    """

    def __init__(
        self, owner: str, request: "httpx.Request", then: Callable[[str, dict[str, Any]], Any] | None
    ) -> None:
        url = request.url
        host = f"[{url.host}]" if ":" in url.host else url.host
        self._name = f"{owner} to {url.scheme}://{host}:{url.port or (443 if url.scheme == 'https' else 80)}"
        self._then: Callable[[str, dict[str, Any]], Any] | None = (
            then._then if isinstance(then, TraceLog) else then
        )
        self._began: float | None = None

    def __call__(self, name: str, info: dict[str, Any]) -> None:
        """Log what happens, where it says anything of a connection."""
        self.note(name, info)
        if self._then is not None:
            self._then(name, info)

    def note(self, name: str, info: dict[str, Any]) -> None:
        """Log what happens, and call nothing else."""
        layer, _, event = name.partition(".")
        step, _, stage = event.partition(".")
        if stage == "started" and step in _CONNECTS:
            self._began = time.monotonic()
        elif stage == "failed" and (step in _CONNECTS or step == "start_tls"):
            self._log(f"not opened after {self._since()}: {type(info.get('exception')).__name__}")
        elif stage == "started" and step == "send_request_headers" and layer in _PROTOCOLS:
            if getattr(info.get("request"), "method", None) == b"CONNECT":
                return  # opens a tunnel, over which the request goes then
            how = "reused" if self._began is None else f"opened in {self._since()}"
            self._log(f"{how}, {_PROTOCOLS[layer]}")

    def _since(self) -> str:
        return f"{time.monotonic() - (self._began or 0.0):.3f} s"

    def _log(self, said: str) -> None:
        with suppress(Exception):  # of a filter of the application's, and none of the call's
            logger.debug("Connection of %s: %s", self._name, said)


class AsyncTraceLog(TraceLog):
    """The same for async HTTP clients, whose library awaits it."""

    _then: Callable[[str, dict[str, Any]], Awaitable[None]] | None

    async def __call__(self, name: str, info: dict[str, Any]) -> None:  # type: ignore[override]
        """Log what happens, where it says anything of a connection."""
        self.note(name, info)
        if self._then is not None:
            await self._then(name, info)
