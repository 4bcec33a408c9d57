"""The sessions over WebSockets that a client and its copies have open, which end with it."""

import logging
import time
from collections.abc import Callable
from typing import Protocol

from .._fork import PerProcess

logger = logging.getLogger("ai_client")

PARTING_SECONDS = 2.0
"""Seconds that the other side has to answer a goodbye where its WebSocket is closed with the client."""
_POLL_SECONDS = 0.02


class OpenSession(Protocol):
    """A session that can be closed with its client."""

    def part(self) -> Callable[[], bool]:
        """Begin to close the session, from any thread; return a function that tells whether it is closed."""
        ...

    def drop(self) -> None:
        """Break the session's connection off, from any thread."""
        ...


class Sessions:
    """The open sessions of a client and its copies, those of this process."""

    def __init__(self) -> None:
        self._open: PerProcess[set[OpenSession]] = PerProcess(set)

    def __len__(self) -> int:
        return len(self._open())

    def add(self, session: OpenSession) -> None:
        """Count a session."""
        self._open().add(session)

    def discard(self, session: OpenSession) -> None:
        """Count a session no more."""
        self._open().discard(session)

    def close(self) -> None:
        """Close all sessions, saying goodbye to who answers within a moment."""
        if self._open():
            sessions, parting = self._begin()
            end = time.monotonic() + PARTING_SECONDS
            while not all(ended() for ended in parting) and time.monotonic() < end:
                time.sleep(_POLL_SECONDS)
            self._drop(sessions)

    async def aclose(self) -> None:
        """Do the same from an event loop."""
        if self._open():
            import asyncio  # noqa: PLC0415 - whoever awaits has loaded it

            sessions, parting = self._begin()
            end = time.monotonic() + PARTING_SECONDS
            while not all(ended() for ended in parting) and time.monotonic() < end:
                await asyncio.sleep(_POLL_SECONDS)
            self._drop(sessions)

    def _begin(self) -> tuple[list[OpenSession], list[Callable[[], bool]]]:
        sessions = list(self._open())
        logger.warning("%d WebSocket sessions were open when their client was closed.", len(sessions))
        return sessions, [session.part() for session in sessions]

    def _drop(self, sessions: list[OpenSession]) -> None:
        for session in sessions:
            session.drop()
            self.discard(session)
