"""How soon a call ends after its reader has disconnected: `python -m tools.bench departure`.

The figure is the time from closing the reader's socket until the upstream sees its own connection close.
"""

import socket
import statistics
import time
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response

from ai_client.testing import Gate, Upstream, sse
from ai_client_fastapi import AIClientDep, ai_client_lifespan, cancel_on_disconnect, stream_response

from .endpoints import UVICORN, serving

NAME = "departure of readers"
READERS = 30
ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello?"}]}
ITEM = sse({"id": "1", "created": 1, "model": "m", "object": "chat.completion.chunk", "choices": []})
EVENTS = {"content-type": "text/event-stream"}
WINDOWS: dict[str, tuple[str, dict[str, Any], bytes]] = {
    "awaiting a call": ("/await", {"never": True}, b""),
    "opening a stream": ("/stream", {"never": True}, b""),
    "before the first item": ("/stream", {"chunks": [Gate()], "headers": EVENTS}, b"\r\n\r\n"),
    "in the middle of a stream": ("/stream", {"chunks": [ITEM, Gate()], "headers": EVENTS}, b"data: "),
}


def application() -> FastAPI:
    """Build an application that awaits a call and streams one."""
    app = FastAPI(lifespan=ai_client_lifespan())

    @app.get("/await")
    async def awaited(request: Request, client: AIClientDep) -> None:
        await cancel_on_disconnect(request, client.chat.completions.create(**ASK))

    @app.get("/stream")
    async def stream(client: AIClientDep) -> Response:
        return stream_response(client.chat.completions.create(**ASK, stream=True))

    return app


def milliseconds(*, quick: bool = False) -> dict[str, tuple[float, float]]:
    """Measure several readers for each window, one after the other; print the median and the slowest."""
    print("\nfrom the reader's leaving to the upstream's connection closed, in ms (median, slowest)")
    found: dict[str, tuple[float, float]] = {}
    with (
        Upstream() as upstream,
        serving(f"{UVICORN} tools.bench.departure:{{name}}", "application", upstream.base_url) as (port, _),
    ):
        for window in WINDOWS:
            times = sorted(_times(upstream, port, window, 3 if quick else READERS))
            median, slowest = found[window] = (round(statistics.median(times), 1), round(times[-1], 1))
            print(f"  {window:42}{median:12.1f}{slowest:13.1f}", flush=True)
    return found


def _times(upstream: Upstream, port: int, window: str, readers: int) -> Iterator[float]:
    path, reply, wanted = WINDOWS[window]
    for _ in range(readers):
        upstream.reset()
        upstream.reply(**reply)
        with socket.create_connection(("127.0.0.1", port)) as reader:
            reader.sendall(f"GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n".encode())
            upstream.wait_for(lambda: len(upstream.requests) == 1)
            read = b""
            while wanted not in read:
                read += reader.recv(65536)
            began = time.perf_counter()
        upstream.wait_for(lambda: upstream.requests[0].aborted)
        yield (time.perf_counter() - began) * 1000
