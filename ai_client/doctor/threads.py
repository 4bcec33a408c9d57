"""Examinations in threads of their own, whose results are collected up to the end of the time for all."""

import queue
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TypeAlias

from .bounds import COLLECTING, Bound, in_thread
from .check import Check

Examination: TypeAlias = Callable[[], Iterator[Check]]


def guarded(area: str, client: str, examination: Examination) -> Iterator[Check]:
    """Yield the checks of an examination; its crash is a check too."""
    try:
        for check in examination():
            yield check if check.client else replace(check, client=client)
    except Exception as error:  # noqa: BLE001 - diagnosed, as everything; its message may hold a secret
        message = f"The examination itself failed ({type(error).__name__})."
        yield Check(area, "doctor", "fault", message, "Please report it.", client=client)


class InThread:
    """An examination in a thread of its own, which keeps no process alive.

    Args:
        area: The area of its checks.
        client: Whom they are about.
        examination: Yields them.
    """

    def __init__(self, area: str, client: str, examination: Examination) -> None:
        self._area = area
        self._client = client
        self._examination = examination
        self._found: queue.SimpleQueue[Check | None] = queue.SimpleQueue()
        in_thread(partial(copy_context().run, self._run))  # the context is the application's, such as Flask's

    def _run(self) -> None:
        for check in guarded(self._area, self._client, self._examination):
            self._found.put(check)
        self._found.put(None)

    def found(self, bound: Bound) -> Iterator[Check]:
        """Yield what is found as it comes, up to the end of the time for all."""
        with suppress(queue.Empty):
            while True:
                check = self._found.get(timeout=max(0.001, bound.end + COLLECTING - monotonic()))
                if check is None:
                    return
                yield check
        message = "This was not finished in time: something hangs without a bound of its own."
        yield Check(self._area, "doctor", "fault", message, client=self._client)
