"""One client per process against one per request, in each framework: `python -m tools.bench endpoints`.

The same application, served by one worker in its own process, gets the same load with each way to get a client;
the upstream, in a third process, counts the connections. Contenders take turns, each turn with a fresh server.
"""

import asyncio
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from . import server
from .serving import await_start, free_port

NAME = "endpoints, shared client or one a request"
CONTENDERS = {
    "ours_shared": "ai_client, one shared",
    "official_shared": "official SDK, one shared",
    "ours_per_request": "ai_client, one a request",
    "official_per_request": "official SDK, one a request",
}
IN_FLIGHT = 20
UVICORN = "uvicorn --factory --log-level error --port {port}"
GUNICORN = (
    f"gunicorn --worker-class gthread --threads {IN_FLIGHT} --log-level error --no-control-socket"
    " --bind 127.0.0.1:{port}"
)
SERVERS: Mapping[str, str] = {
    "FastAPI": f"{UVICORN} tools.bench.fastapi_app:{{name}}",
    "Flask": f"{GUNICORN} tools.bench.flask_app:{{name}}()",
    "Django": f"{GUNICORN} tools.bench.django_app:{{name}}()",
}
ROUNDS = 3
REQUESTS = 200
WARM_UP = 20


@dataclass(frozen=True)
class Turn:
    """The result of one server under the load.

    Attributes:
        requests_per_second: Requests answered.
        upstream_connections: Connections opened to the upstream, including the warm-up.
        resident_megabytes: Memory of the serving process after the load.
    """

    requests_per_second: float
    upstream_connections: float
    resident_megabytes: float


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Measure and print all ways in all frameworks; return medians, and the slowest and fastest turn."""
    requests, rounds = (IN_FLIGHT, 1) if quick else (REQUESTS, ROUNDS)
    found: dict[str, Any] = {"requests": requests, "in_flight": IN_FLIGHT, "frameworks": {}}
    print(f"\n{NAME}: {requests} requests, {IN_FLIGHT} in flight, one worker")
    for framework in SERVERS:
        turns: dict[str, list[Turn]] = {name: [] for name in CONTENDERS}
        for _ in range(rounds):
            for name, kept in turns.items():
                kept.append(_turn(framework, name, requests))
        found["frameworks"][framework] = {name: _sum_up(kept) for name, kept in turns.items()}
        _print(framework, found["frameworks"][framework])
    return found


def _turn(framework: str, name: str, requests: int) -> Turn:
    with server.running() as upstream, serving(SERVERS[framework], name, upstream) as (port, process):
        asyncio.run(_load(port, WARM_UP))
        began = time.perf_counter()
        asyncio.run(_load(port, requests))
        seconds = time.perf_counter() - began
        with urllib.request.urlopen(f"{upstream}/connections") as answer:  # noqa: S310 - our own server
            opened = int(answer.read()) - 1  # without this request's own
        return Turn(requests / seconds, opened, _resident_megabytes(process.pid))


def _sum_up(turns: list[Turn]) -> dict[str, float]:
    columns = zip(*(asdict(turn).values() for turn in turns), strict=True)
    medians = Turn(*(round(statistics.median(column), 1) for column in columns))
    rates = [round(turn.requests_per_second, 1) for turn in turns]
    return {**asdict(medians), "slowest": min(rates), "fastest": max(rates)}


@contextmanager
def serving(command: str, name: str, upstream: str) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Serve an application that talks to an upstream; yield its port and process."""
    port = free_port()
    arguments = command.format(port=port, name=name).split()
    environment = {**os.environ, "OPENAI_API_KEY": "any", "OPENAI_BASE_URL": upstream}
    with subprocess.Popen([sys.executable, "-m", *arguments], env=environment) as process:
        try:
            await_start(port)
            yield port, process
        finally:
            process.terminate()


async def _load(port: int, requests: int) -> None:
    """Send requests, `IN_FLIGHT` at once, on persistent connections; raise at any status other than 200."""
    left = iter(range(requests))

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            writer.write(b"GET /ask HTTP/1.1\r\nhost: bench\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            if not head.startswith(b"HTTP/1.1 200") or length is None:
                raise RuntimeError(head.decode())
            await reader.readexactly(int(length[1]))
        writer.close()
        await writer.wait_closed()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(IN_FLIGHT, requests)):
            group.create_task(work())


def _resident_megabytes(process: int) -> float:
    """Return the memory of a process, or of its worker where it has one."""
    command = ["ps", "-axo", "pid=,ppid=,rss="]
    table = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [tuple(map(int, line.split())) for line in table.splitlines()]
    workers = [rss for _, parent, rss in rows if parent == process]
    return (workers or [rss for pid, _, rss in rows if pid == process])[0] / 1024


def _print(framework: str, contenders: Mapping[str, Mapping[str, float]]) -> None:
    print(f"  {framework:34}{'requests/s':>12}{'connections':>13}{'resident MB':>13}")
    for name, figures in contenders.items():
        print(
            f"    {CONTENDERS[name]:32}{figures['requests_per_second']:12.1f}"
            f"{figures['upstream_connections']:13.0f}{figures['resident_megabytes']:13.1f}",
            flush=True,
        )
