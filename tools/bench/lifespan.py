"""One client for the process beside one for each request, under uvicorn: `python -m tools.bench.lifespan`.

The same FastAPI application, served by one uvicorn worker in a process of its own, takes the same load in each of
its ways to have a client; the upstream, in a third process, counts the connections. Contenders take turns, each
turn in a fresh server; medians are kept.
"""

import asyncio
import json
import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import departure

RESULTS = Path(__file__).parent / "results" / "lifespan.json"
CONTENDERS = {
    "ours_shared": "our client as a dependency",
    "official_shared": "one official client, shared by hand",
    "ours_per_request": "our client, built for each request",
    "official_per_request": "official client, built for each request",
}
ROUNDS = 3
REQUESTS = 500
IN_FLIGHT = 20
WARM_UP = 20
SECONDS_TO_START = 30


@dataclass(frozen=True)
class Turn:
    """What one server did under the load.

    Attributes:
        requests_per_second: Answered.
        upstream_connections: Opened to the upstream, the warm-up's included.
        resident_megabytes: Of the server's process, after the load.
    """

    requests_per_second: float
    upstream_connections: float
    resident_megabytes: float


def main() -> None:
    """Measure, print the tables and keep the figures."""
    turns: dict[str, list[Turn]] = {name: [] for name in CONTENDERS}
    with offline_upstream() as upstream:
        for _ in range(ROUNDS):
            for name, found in turns.items():
                found.append(_turn(name, upstream))
    contenders = {name: _median(found) for name, found in turns.items()}
    results = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}",
        "requests": REQUESTS,
        "in_flight": IN_FLIGHT,
        "contenders": {name: asdict(turn) for name, turn in contenders.items()},
        "departure_milliseconds": departure.milliseconds(),
    }
    _print(contenders, results)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def _turn(name: str, upstream: str) -> Turn:
    with uvicorn(f"tools.bench.fastapi_app:{name}", upstream) as (port, process):
        _ask(f"{upstream}/_reset", method="POST")
        asyncio.run(_load(port, WARM_UP))
        began = time.perf_counter()
        asyncio.run(_load(port, REQUESTS))
        seconds = time.perf_counter() - began
        opened = _ask(f"{upstream}/_stats")["connections_opened"]
        return Turn(REQUESTS / seconds, opened, _resident_megabytes(process.pid))


def _median(turns: list[Turn]) -> Turn:
    columns = zip(*(asdict(turn).values() for turn in turns), strict=True)
    return Turn(*(round(statistics.median(column), 1) for column in columns))


@contextmanager
def offline_upstream() -> Iterator[str]:
    """Run the offline upstream in another process and give its address."""
    command = [sys.executable, "-m", "ai_client.testing"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        found = re.search(r"(http://\S+)/v1", process.stdout.readline())
        try:
            yield found[1] if found else ""
        finally:
            process.terminate()


@contextmanager
def uvicorn(application: str, upstream: str) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Serve an application that talks to an upstream; give its port and its process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "uvicorn", application, "--factory", "--port", str(port)]
    environment = {**os.environ, "OPENAI_API_KEY": "any", "OPENAI_BASE_URL": f"{upstream}/v1"}
    with subprocess.Popen([*command, "--log-level", "error"], env=environment) as process:
        try:
            _await_start(port)
            yield port, process
        finally:
            process.terminate()


def _await_start(port: int) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


async def _load(port: int, requests: int) -> None:
    """Make requests, so many at once, on connections that stay open; any other status than 200 ends it."""
    left = iter(range(requests))

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            writer.write(b"GET /ask HTTP/1.1\r\nhost: bench\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            if not head.startswith(b"HTTP/1.1 200") or length is None:
                raise RuntimeError(head.decode())
            await reader.readexactly(int(length[1]))
        writer.close()
        await writer.wait_closed()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(IN_FLIGHT, requests)):
            group.create_task(work())


def _ask(url: str, method: str = "GET") -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:  # noqa: S310 - our own server
        return json.load(answer)


def _resident_megabytes(process: int) -> float:
    command = ["ps", "-o", "rss=", "-p", str(process)]
    return int(subprocess.run(command, check=True, capture_output=True).stdout) / 1024


def _print(contenders: dict[str, Turn], results: dict[str, Any]) -> None:
    print(f"\n{REQUESTS} requests, {IN_FLIGHT} in flight, one uvicorn worker")
    print(f"  {'':42}{'requests/s':>12}{'connections':>13}{'resident MB':>13}")
    for name, turn in contenders.items():
        print(
            f"  {CONTENDERS[name]:42}{turn.requests_per_second:12.1f}"
            f"{turn.upstream_connections:13.0f}{turn.resident_megabytes:13.1f}"
        )
    print("\nfrom the reader's leaving to the upstream's connection closed, in ms (median, slowest):")
    for window, (median, slowest) in results["departure_milliseconds"].items():
        print(f"  {window:42}{median:12.1f}{slowest:13.1f}")


if __name__ == "__main__":
    main()
