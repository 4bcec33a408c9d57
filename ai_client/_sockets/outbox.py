"""The outbox of unsent messages and the event handlers of a WebSocket connection."""

from collections import deque
from collections.abc import Callable
from typing import Any, Self

from ..errors import WebSocketQueueFullError

Handler = Callable[[Any], Any]


class Outbox:
    """Messages that wait for a connection, bounded in bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._messages: deque[str | bytes] = deque()

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: str | bytes) -> None:
        """Keep a message.

        Raises:
            WebSocketQueueFullError: It does not fit.
        """
        size = len(message)
        if self._size + size > self._limit:
            raise WebSocketQueueFullError(
                f"The messages waiting for the connection would exceed max_queue_size ({self._limit} bytes)."
            )
        self._size += size
        self._messages.append(message)

    def first(self) -> str | bytes:
        """Return the oldest message without removing it."""
        return self._messages[0]

    def drop(self) -> None:
        """Take out the oldest message."""
        self._size -= len(self._messages.popleft())

    def drain(self) -> list[str | bytes]:
        """Take out all messages."""
        messages, self._size = list(self._messages), 0
        self._messages.clear()
        return messages


class Handlers:
    """Functions to call for each type of event; those for `event` see every one."""

    def __init__(self) -> None:
        self._by_type: dict[str, list[tuple[Handler, bool]]] = {}

    def add(self, kind: str, handler: Handler, *, once: bool = False) -> None:
        """Call *handler* for events of type *kind*."""
        self._by_type.setdefault(kind, []).append((handler, once))

    def remove(self, kind: str, handler: Handler) -> None:
        """Call *handler* no more."""
        kept = [(each, once) for each, once in self._by_type.get(kind, ()) if each is not handler]
        self._by_type[kind] = kept

    def take(self, kind: str) -> list[Handler]:
        """Return the handlers of a type, removing those registered for one event."""
        found = self._by_type.get(kind, [])
        self._by_type[kind] = [(handler, once) for handler, once in found if not once]
        return [handler for handler, _ in found]


class Listening:
    """Base that registers event handlers."""

    _handlers: Handlers

    def on(self, event_type: str, handler: Handler | None = None) -> Any:
        """Call a function for each event of a type; also usable as a decorator."""
        return self._register(event_type, handler, once=False)

    def once(self, event_type: str, handler: Handler | None = None) -> Any:
        """Call a function for the next event of a type; also usable as a decorator."""
        return self._register(event_type, handler, once=True)

    def off(self, event_type: str, handler: Handler) -> Self:
        """Call a function no more."""
        self._handlers.remove(event_type, handler)
        return self

    def _register(self, event_type: str, handler: Handler | None, *, once: bool) -> Any:
        if handler is not None:
            self._handlers.add(event_type, handler, once=once)
            return self

        def decorator(function: Handler) -> Handler:
            self._handlers.add(event_type, function, once=once)
            return function

        return decorator
