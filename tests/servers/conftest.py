"""What the tests of the servers' table have in common: an upstream that answers with what was asked."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.hostile.wire import Request, Script, Wire
from tests.support.server_table import Row
from tests.support.servers import SECONDS_TO_START, Served

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"


def answered(request: Request) -> Script:
    """Answer a chat completion, streamed or not, with the message that was asked."""
    asked = json.loads(request.body)
    told = asked["messages"][0]["content"]
    about = {"id": "c", "created": 1, "model": "m"}
    if asked.get("stream"):
        chunks = (
            {"index": 0, "delta": {"content": told}},
            {"index": 0, "delta": {}, "finish_reason": "stop"},
        )
        events = [
            f"data: {json.dumps({**about, 'object': 'chat.completion.chunk', 'choices': [chunk]})}\n\n".encode()
            for chunk in chunks
        ]
        events.append(b"data: [DONE]\n\n")
        return [HEAD % (b"text/event-stream", len(b"".join(events))) + events[0], 0.05, *events[1:]]
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": told}}
    body = json.dumps({**about, "object": "chat.completion", "choices": [choice]}).encode()
    return [0.002, HEAD % (b"application/json", len(body)) + body]


@pytest.fixture
def upstream() -> Iterator[Wire]:
    """Run an upstream that answers each call with its own message."""
    with Wire() as wire:
        wire.answer = answered
        yield wire


def awake(served: Served, row: Row) -> None:
    """Ask until the application answers: a server may listen, and drop connections, before it has started."""
    deadline = time.monotonic() + SECONDS_TO_START
    while row.starts and served.log.count(row.starts) < row.workers:
        assert time.monotonic() < deadline, served.log
        time.sleep(0.05)
    while True:
        try:
            answer = httpx.get(f"{served.url}/sync/first", timeout=30)
        except httpx.TransportError:
            assert time.monotonic() < deadline, served.log
        else:
            assert answer.status_code == 200, served.log
            return
