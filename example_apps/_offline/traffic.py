"""A minute of traffic: varied requests to the application's own routes, so that there is something to look at."""

import asyncio
import os
import threading
from contextlib import suppress
from itertools import islice

import httpx

from example_apps._chat import LOCAL

from .steps import Step, steps

SECONDS = 60.0
BETWEEN = 0.25
"""Seconds between two requests."""
PATIENCE = 30.0
"""Seconds for one request."""


class Traffic:
    """Runs of requests, one at a time, in a thread of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def start(self, url: str, *, seconds: float = SECONDS, between: float = BETWEEN) -> bool:
        """Begin a run, and return whether it has begun: not while another one is under way.

        Args:
            url: The address of the application.
            seconds: Seconds in which requests are sent; the last answers may take longer.
            between: Seconds between two requests.
        """
        with self._lock:
            if self.running:
                return False
            self._stopping.clear()
            run = self._send_all(url, round(seconds / between), between)
            self._thread = threading.Thread(target=asyncio.run, args=[run], name="traffic", daemon=True)
            self._thread.start()
            return True

    def stop(self) -> None:
        """End the run; return once what was sent is answered, or the application has ended."""
        self._stopping.set()
        if (thread := self._thread) is not None:
            thread.join()

    async def _send_all(self, url: str, number: int, between: float) -> None:
        """Send requests until the last, until it is stopped, or until the application has gone."""
        try:
            async with (
                httpx.AsyncClient(base_url=url, timeout=PATIENCE) as http,
                asyncio.TaskGroup() as group,
            ):
                for step in islice(steps(), number):
                    if self._stopping.is_set():
                        break
                    group.create_task(_send(http, step))
                    await asyncio.sleep(between)
        except* httpx.ConnectError:
            pass  # the application has gone: nobody waits for what was sent before


async def _send(http: httpx.AsyncClient, step: Step) -> None:
    headers = {"x-tenant": step.tenant}
    with suppress(httpx.ReadError, httpx.RemoteProtocolError, httpx.ReadTimeout):  # the application is ending
        async with http.stream("POST", step.path, json=step.body, headers=headers) as response:
            async for _ in response.aiter_bytes():
                if step.leaves:
                    return


traffic = Traffic()
"""That of this process."""


def begin(site: str | None) -> int:
    """Start a run where none is under way; return the status to answer with.

    Args:
        site: The header `Sec-Fetch-Site`, by which a browser tells whether a page of the application asks.

    Returns:
        303, to look at the dashboard, or 403 for a page from elsewhere.
    """
    if site not in {None, "none", "same-origin"}:
        return 403
    traffic.start(os.environ[LOCAL])
    return 303
