"""How WebSocket methods are written: what they connect to, what gives the connection, what sends over it."""

from collections.abc import Callable, Mapping
from functools import wraps
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeVar, Unpack, cast, overload

from .._client.inspected import show
from .._client.modes import Async, M, Sync
from .._client.operation import Resource
from .._io import finish
from .._models.accessor import accessor
from .._params.encoding import encode
from .._params.omit import Omit
from ..errors import OpenAIError
from .channel import Channel
from .opening import ConnectOptions, Opening
from .outbox import Handlers, Listening, Outbox

if TYPE_CHECKING:
    from .client import SessionClient

P = ParamSpec("P")
S = TypeVar("S", bound=Channel[Any, Any])
A = TypeVar("A", bound=Channel[Any, Any])
C = TypeVar("C", bound=Channel[Any, Any])


class _Manager(Listening, Generic[C]):
    """A connection to be opened by `with`; messages sent before are queued."""

    def __init__(self, opening: Opening, channel: type[C]) -> None:
        self._opening = opening
        self._type = channel
        self._outbox = Outbox(opening.max_queue_size)
        self._handlers = Handlers()
        self._channel: C | None = None

    def send(self, event: Any) -> None:
        """Keep an event to be sent as soon as the connection is open."""
        self._outbox.put(encode(event).decode())

    async def _open(self) -> C:
        channel = self._type(self._opening, await self._opening.open(), self._outbox, self._handlers)
        try:
            await channel._flush()
        except BaseException as error:
            await channel._close(1000, "", error)
            raise
        self._channel = channel
        return channel

    async def _leave(self, error: BaseException | None) -> None:
        if self._channel is not None:
            await self._channel._close(1000, "", error if isinstance(error, OpenAIError) else None)


class ConnectionManager(_Manager[C]):
    """A connection of `OpenAI`, open within a `with` block."""

    def __enter__(self) -> C:
        return finish(self._open())

    enter = __enter__

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        finish(self._leave(error))


class AsyncConnectionManager(_Manager[C]):
    """A connection of `AsyncOpenAI`, open within an `async with` block."""

    async def __aenter__(self) -> C:
        return await self._open()

    enter = __aenter__

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        await self._leave(error)


class Connecting(Generic[S, A]):
    """A connection described: what a method below `@connects` returns."""

    def __init__(
        self,
        resource: Resource[Any],
        path: str,
        channel: type[Channel[Any, Any]],
        query: Mapping[str, object] | None = None,
        **options: Unpack[ConnectOptions],
    ) -> None:
        given = {name: value for name, value in (query or {}).items() if not isinstance(value, Omit)}
        options.setdefault("max_queue_size", channel.max_queue_size)
        self.opening = Opening(cast("SessionClient", resource._client), path, given, **options)
        self.channel = channel


class connects(Generic[P, S, A]):  # noqa: N801 - reads as a keyword
    """Expose a method that connects: for a `with` block on `OpenAI`, for `async with` on `AsyncOpenAI`."""

    def __init__(self, method: Callable[Concatenate[Any, P], Connecting[S, A]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    @accessor
    def _managed(self) -> Callable[..., Any]:
        method = self._method

        @wraps(method)
        def connect(resource: Resource[Any], /, *args: Any, **kwargs: Any) -> Any:
            described = method(resource, *args, **kwargs)
            manager: Any = ConnectionManager if resource._client.io.sync else AsyncConnectionManager
            return manager(described.opening, described.channel)

        return show(connect, method)

    @overload
    def __get__(self, obj: None, owner: type, /) -> Self: ...
    @overload
    def __get__(self, obj: Resource[Sync], owner: type, /) -> Callable[P, ConnectionManager[S]]: ...
    @overload
    def __get__(self, obj: Resource[Async], owner: type, /) -> Callable[P, AsyncConnectionManager[A]]: ...
    def __get__(self, obj: Resource[Any] | None, owner: type, /) -> object:
        if obj is None:
            return self
        return MethodType(self._managed, obj)


class EventSender(Resource[M]):
    """Methods that send events over one connection."""

    def __init__(self, channel: Channel[Any, Any]) -> None:
        super().__init__(channel._client)
        self._channel = channel

    async def _send(self, kind: str, **members: object) -> None:
        given = {name: value for name, value in members.items() if not isinstance(value, Omit)}
        await self._channel._send_event({"type": kind, **given})
