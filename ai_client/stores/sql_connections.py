"""A few connections to a database in one process, each used by one thread at a time."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .._fork import PerProcess
from .._io.deadline import at_most
from ..errors import StoreError
from .sql_dialects import Dialect


class _Here:
    """The connections of one process."""

    def __init__(self, most: int) -> None:
        self.places = threading.BoundedSemaphore(most)
        self.idle: list[Any] = []
        self.all: dict[int, Any] = {}
        self._process = os.getpid()

    def __del__(self) -> None:
        if self._process == os.getpid():  # else the parent goes on to use them
            for connection in self.idle:
                with suppress(Exception):
                    connection.close()


class SqlConnections:
    """Connections that are opened when they are needed and kept until they fail.

    Args:
        connect: Opens one, in autocommit mode.
        dialect: The database's dialect.
    """

    def __init__(self, connect: Callable[[], Any], dialect: Dialect) -> None:
        self._connect = connect
        self._dialect = dialect

        def leave(parent: _Here) -> _Here:
            for connection in list(parent.all.values()):
                dialect.leave(connection)
            return _Here(dialect.connections)

        self._here = PerProcess(lambda: _Here(dialect.connections), leave)

    def take(self) -> tuple[Any, bool]:
        """Return a connection for this thread alone, and whether it was used before.

        Raises:
            StoreError: Other threads use all of them, or none may be opened in this process.
        """
        here = self._here()
        if not here.places.acquire(timeout=at_most(self._dialect.seconds)):
            raise StoreError("All connections of the store to its database are in use.")
        with suppress(IndexError):
            return here.idle.pop(), True
        try:
            with self._dialect.opening():
                connection = self._connect()
        except BaseException:
            here.places.release()
            raise
        here.all[id(connection)] = connection
        return connection, False

    def give_back(self, connection: Any, *, keep: bool) -> None:
        """Keep a connection for the next use, or close it."""
        here = self._here()
        if keep:
            here.idle.append(connection)
        else:
            self._close(here, connection)
        here.places.release()

    def close(self) -> None:
        """Close those that no thread is using."""
        here = self._here()
        with suppress(IndexError):
            while True:
                self._close(here, here.idle.pop())

    def _close(self, here: _Here, connection: Any) -> None:
        here.all.pop(id(connection), None)
        with suppress(Exception), self._dialect.opening():  # it has failed before
            connection.close()
