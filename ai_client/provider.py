"""One client of each kind per process, whatever threads, forks and loops its framework uses."""

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from .config import ClientConfig
from .errors import ClientClosedError

if TYPE_CHECKING:
    from .client import AsyncOpenAI, OpenAI


class ClientProvider:
    """Owner of a process's clients: builds each on first use, closes both with the application.

    Args:
        config: The options of the clients, checked at once.
    """

    def __init__(self, config: ClientConfig | Mapping[str, Any] | None = None) -> None:
        self.config = ClientConfig.make(config)
        self._lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._client: OpenAI | None = None
        self._async_client: AsyncOpenAI | None = None
        self._open = True

    @property
    def client(self) -> "OpenAI":
        """The blocking client of this process.

        Raises:
            ClientClosedError: The provider is closed.
        """
        client = self._client
        if client is not None and self._pid == os.getpid():
            return client
        with self._lock:
            self._check()
            if self._client is None:
                from .client import OpenAI  # noqa: PLC0415 - built on first use

                self._client = OpenAI(**self.config.options())
            return self._client

    @property
    def async_client(self) -> "AsyncOpenAI":
        """The awaitable client of this process.

        Raises:
            ClientClosedError: The provider is closed.
        """
        client = self._async_client
        if client is not None and self._pid == os.getpid():
            return client
        with self._lock:
            self._check()
            if self._async_client is None:
                from .client import AsyncOpenAI  # noqa: PLC0415 - built on first use

                self._async_client = AsyncOpenAI(**self.config.options())
            return self._async_client

    def _check(self) -> None:
        if self._pid != os.getpid():
            self._reset()
        if not self._open:
            raise ClientClosedError("The application's AI client is closed; start() opens it again.")

    def start(self) -> Self:
        """Open the provider again after `close`; clients are still built on first use."""
        self._open = True
        return self

    def close(self) -> None:
        """Close the blocking client."""
        self._open = False
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Close both clients."""
        client, self._async_client = self._async_client, None
        self.close()
        if client is not None:
            await client.close()
