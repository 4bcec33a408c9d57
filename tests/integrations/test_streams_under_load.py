"""Streams with a deadline, many at once, through applications under real servers, from an upstream that pauses."""

import asyncio
import signal
from collections.abc import Iterator

import httpx
import pytest

from tests.support.hostile.framing import EVENT_STREAM, events, framed
from tests.support.hostile.shapes import chat_events
from tests.support.hostile.wire import Request, Script, Wire
from tests.support.servers import serving

pytestmark = pytest.mark.slow

STREAMS = 100
IN_FLIGHT = 20
PIECES = framed([*events(*chat_events())], content_type=EVENT_STREAM)
SERVERS = {
    "gunicorn": (
        (
            "gunicorn",
            "--threads",
            "20",
            "--bind",
            "127.0.0.1:{port}",
            "tests.support.sites.flask_site:create_app()",
        ),
        ("/stream", "/stream-async"),
    ),
    "uvicorn": (
        ("uvicorn", "tests.support.sites.fastapi_app:app", "--port", "{port}", "--no-access-log"),
        ("/stream", "/opened", "/sync"),
    ),
}


def with_pauses(request: Request) -> Script:
    """Return a whole stream, each piece of which comes a little after the one before."""
    steps: list[bytes | float] = []
    for number, piece in enumerate(PIECES):
        steps += [0.001 * ((request.number + number) % 4), piece]
    return steps


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Yield an upstream that pauses between events."""
    with Wire() as wire:
        wire.answer = with_pauses
        yield wire


async def read_many(url: str) -> list[str]:
    """Return the bodies of many streams, of which some are read at a time."""
    bodies: list[str] = []
    left = iter(range(STREAMS))
    limits = httpx.Limits(
        max_keepalive_connections=0
    )  # which a server may close just before they are used again
    async with httpx.AsyncClient(timeout=120, limits=limits) as http:

        async def work() -> None:
            for _ in left:
                answer = await http.get(url)
                bodies.append(answer.raise_for_status().text)

        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return bodies


@pytest.mark.parametrize("server", SERVERS)
def test_no_stream_breaks_under_load(wire: Wire, server: str) -> None:
    """Every stream arrives whole over as many connections as there are streams at once, all closed at the end."""
    command, paths = SERVERS[server]
    with serving(
        *command,
        OPENAI_API_KEY="any",
        OPENAI_BASE_URL=wire.base_url,
        UPSTREAM=wire.base_url,
        AI_CLIENT_DEADLINE="300",
    ) as served:
        for path in paths:
            bodies = asyncio.run(read_many(served.url + path))
            assert len(bodies) == STREAMS
            for body in bodies:
                assert body.count("data: {") == len(chat_events()), body
                assert body.endswith("data: [DONE]\n\n"), body
        wire.wait_for(lambda: wire.open <= 2 * IN_FLIGHT)  # those of the sync and of the async client
        assert served.stop() in {0, -signal.SIGTERM}
        assert "Traceback" not in served.log
    wire.wait_for(lambda: wire.open == 0)
    assert len(wire.requests) == STREAMS * len(paths)
