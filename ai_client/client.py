"""The sync and the async client: the same resources and policies, with different I/O."""

from typing import TYPE_CHECKING, Any, Self

from ._base_client import BaseClient
from ._client.arguments import pool_of
from ._client.modes import Async, Sync
from ._exchange.client_senders import AsyncClientSender, ClientSender
from ._exchange.pool_senders import AsyncPoolSender, AsyncTransportSender, PoolSender, TransportSender
from ._http.options import PoolOptions
from ._io import SyncIO

if TYPE_CHECKING:  # the same with every keyword spelled out, for editors
    from ._signatures import AsyncSignatures, SyncSignatures
else:
    from ._client.verbs import AsyncVerbs as AsyncSignatures, SyncVerbs as SyncSignatures

__all__ = ["AsyncClient", "AsyncOpenAI", "BaseClient", "Client", "OpenAI"]


class OpenAI(SyncSignatures, BaseClient[Sync]):
    """The sync client. It can and should be shared between threads."""

    _sync = True

    def _connect(self, http_client: Any, options: PoolOptions) -> None:
        if http_client is None:
            from ._pool.sync_pool import SyncPool  # noqa: PLC0415 - not needed over an HTTP client

            self._sender = PoolSender(pool_of(SyncPool, options), self._library)
        elif isinstance(http_client, self._library.http.BaseTransport):
            self._sender = TransportSender(http_client, self._library)
        else:
            self._sender = ClientSender(http_client, self._library, options.owner)
        self.io = SyncIO(self._sender)

    def close(self) -> None:
        """Close the client and, unless it is a copy, its connections; one that a provider owns stays open."""
        (self._keep_open or self._end)()

    def _end(self) -> None:
        self._closed = True
        if self._owns_sender:
            self._sender.close()
            self._sessions.close()
            for client in self._built_by_layers():
                client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncOpenAI(AsyncSignatures, BaseClient[Async]):
    """The async client. It can and should be shared between tasks and event loops."""

    _sync = False

    def _connect(self, http_client: Any, options: PoolOptions) -> None:
        from ._io.async_io import AsyncIO  # noqa: PLC0415 - the sync client needs no event loop

        if http_client is None:
            from ._exchange.loop_sender import LoopSender  # noqa: PLC0415 - not needed over an HTTP client
            from ._pool.async_pool import AsyncPool  # noqa: PLC0415 - likewise
            from ._pool.proxy import Proxies  # noqa: PLC0415 - likewise

            # validates the proxies now: the pool reads them only in the first call
            pool_of(Proxies, options.proxy, trust_env=options.trust_env)
            self._sender = LoopSender(
                lambda: AsyncPoolSender(pool_of(AsyncPool, options), self._library), self._library
            )
        elif isinstance(http_client, self._library.http.AsyncBaseTransport):
            self._sender = AsyncTransportSender(http_client, self._library)
        else:
            self._sender = AsyncClientSender(http_client, self._library, options.owner)
        self.io = AsyncIO(self._sender)

    async def close(self) -> None:
        """Close the client, after settling abandoned calls, and its connections, as `OpenAI.close` does."""
        if self._keep_open is None:
            await self._end()
        else:
            self._keep_open()

    async def _end(self) -> None:
        self._closed = True
        if self._owns_sender:
            await self.io.ended()
            await self._sender.aclose()
            await self._sessions.aclose()
            for client in self._built_by_layers():
                await client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


Client = OpenAI
AsyncClient = AsyncOpenAI
