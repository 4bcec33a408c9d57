"""Kept connections that end under the next request, as where a server's patience with idle ones runs out just then."""

import asyncio
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ai_client import InternalServerError
from tests.support.hostile.wire import CLOSE, RESET, Request, Script, Wire
from tests.support.invoke import CHAT, Invoke, no_waiting

BODY = b'{"id": "m", "object": "model", "created": 1, "owned_by": "o"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)
FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nerror"
KEPT = 6


@pytest.mark.parametrize("end", [CLOSE, RESET], ids=["in order", "broken off"])
def test_a_retry_uses_no_kept_connection(invoke: Invoke, wire: Wire, end: Any) -> None:
    """After a kept connection ended under a request, the retry opens one: others may be at their end too."""
    together = threading.Event()
    seen: Counter[int] = Counter()

    def answer(request: Request) -> Script:
        seen[request.connection] += 1
        return [together, ANSWER] if seen[request.connection] == 1 else [end]

    wire.answer = answer
    client = invoke.client(base_url=wire.base_url, max_retries=1)

    def release() -> None:
        wire.wait_for(lambda: len(wire.requests) == KEPT)
        together.set()

    with ThreadPoolExecutor(KEPT + 1) as threads:
        threads.submit(release)
        if invoke.sync:
            for call in [threads.submit(client.models.retrieve, "m") for _ in range(KEPT)]:
                call.result()
        else:

            async def all_at_once() -> None:
                await asyncio.gather(*(client.models.retrieve("m") for _ in range(KEPT)))

            invoke(all_at_once)
    with no_waiting():
        assert invoke(client.models.retrieve, "m").id == "m"
    assert len(wire.requests) == KEPT + 2
    assert wire.opened == KEPT + 1


@pytest.mark.parametrize(
    "cut",
    [len(FAILED), len(FAILED) - 3, FAILED.index(b"Content")],
    ids=["whole", "in the body", "in the head"],
)
def test_no_request_follows_a_500(invoke: Invoke, wire: Wire, cut: int) -> None:
    """After a 500 a connection is not used again: a server that failed often closes it without saying so."""
    seen: Counter[int] = Counter()

    def answer(request: Request) -> Script:
        seen[request.connection] += 1
        if seen[request.connection] > 1:
            return [CLOSE]
        return [FAILED[:cut], FAILED[cut:]] if request.method == "POST" else [ANSWER]

    wire.answer = answer
    client = invoke.client(base_url=wire.base_url, max_retries=0)
    for stream in (False, True):
        with pytest.raises(InternalServerError):
            invoke(client.chat.completions.create, **CHAT, stream=stream)
        assert invoke(client.models.retrieve, "m").id == "m"
        seen.clear()  # that one may be used again
