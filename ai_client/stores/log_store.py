"""Logs of a store whose backend keeps some."""

from collections.abc import Sequence
from typing import Any

from .._io import IO
from ..errors import ConfigError
from .log import LogEntry, LogQuery, LogState
from .place import place_of
from .recording import write_recorded
from .shared import SharedStore

_METHODS = ("append_log", "read_log", "log_content", "log_state")


def checked_log_store(store: Any) -> SharedStore:
    """Return a store whose backend keeps logs.

    Raises:
        ConfigError: It does not; the message names the methods that it lacks.
    """
    backend = getattr(store, "backend", store)
    lacking = [name for name in _METHODS if not callable(getattr(backend, name, None))]
    if lacking:
        raise ConfigError(
            f"the store's backend {type(backend).__qualname__} cannot keep a journal: it lacks the methods"
            f" {', '.join(map(repr, lacking))} of ai_client.stores.LogBackend. Use a store at memory://, sqlite:///,"
            " redis:// or django-db://, or leave the journal out with 'journal': False."
        )
    if not isinstance(store, SharedStore):
        raise ConfigError("the journal needs a store that `open_store` or `SharedStore` makes.")
    return store


def append_log(
    store: SharedStore, name: str, entries: Sequence[LogEntry], *, keep: int, oldest: str, until: float
) -> None:
    """Add entries to a log; blocks, for the thread of `stores.heartbeat`.

    Raises:
        StoreError: The store is down; it may have added them and lost the answer.
    """
    backend: Any = store.backend
    store._attempt(backend.append_log, (name, entries, keep, oldest, until))


async def read_log(store: SharedStore, io: IO, name: str, query: LogQuery) -> list[bytes]:
    """Return the summaries of entries, those included that this process is about to write.

    Raises:
        StoreError: The store is down, whatever `on_failure` says.
    """
    backend: Any = store.backend

    def read_all() -> list[bytes]:
        write_recorded(place_of(store))
        found: list[bytes] = backend.read_log(name, query)
        return found

    return await store._do(io, read_all)


async def log_content(store: SharedStore, io: IO, name: str, id: str) -> bytes | None:  # noqa: A002
    """Return the content of an entry.

    Raises:
        StoreError: The store is down, whatever `on_failure` says.
    """
    backend: Any = store.backend
    return await store._do(io, backend.log_content, name, id)


async def log_state(store: SharedStore, io: IO, name: str, after: str) -> LogState:
    """Return how much a log holds, with what this process is about to write.

    Raises:
        StoreError: The store is down, whatever `on_failure` says.
    """
    backend: Any = store.backend

    def state() -> LogState:
        write_recorded(place_of(store))
        found: LogState = backend.log_state(name, after)
        return found

    return await store._do(io, state)
