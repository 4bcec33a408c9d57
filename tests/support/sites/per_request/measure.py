"""Measure a client per request against one client, each in a uvicorn of its own, over TLS.

`python -m tests.support.sites.per_request.measure` prints the table of docs/operations/verify-in-production.md. It
needs Linux and its `ss`.
"""

import asyncio
import json
import os
import re
import resource
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import certifi
import httpx
import trustme

from tests.support.ports import free_port
from tests.support.raw_server import Exchange, RawServer
from tests.support.servers import ROOT

REQUESTS = 500
AT_ONCE = 20
LATENCY = 0.05
ANSWER = json.dumps(
    {
        "id": "a",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-5.4-mini",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}
        ],
    }
).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER)
TICKS = os.sysconf("SC_CLK_TCK")


def seconds_of(process: int) -> float:
    """Return the seconds of CPU that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def status_of(process: int, name: str) -> int:
    """Return a number of a process's status, such as its `VmHWM` in KiB."""
    found = re.search(rf"^{name}:\s+(\d+)", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def time_waits(port: int) -> int:
    """Count the connections to a port that wait for their time to be over."""
    listed = subprocess.run(
        ["ss", "-tanH", "state", "time-wait", f"( dport = :{port} )"],
        capture_output=True,
        text=True,
        check=True,
    )
    return len(listed.stdout.splitlines())


class Descriptors(threading.Thread):
    """The most descriptors that a process has had open."""

    def __init__(self, process: int) -> None:
        super().__init__()
        self._place = Path(f"/proc/{process}/fd")
        self._ended = threading.Event()
        self.most = 0

    def run(self) -> None:
        """Look, until `end`."""
        while not self._ended.wait(0.01):
            with suppress(OSError):
                self.most = max(self.most, sum(1 for _ in self._place.iterdir()))

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()


@contextmanager
def serving(base_url: str, authorities: Path) -> Iterator[tuple[int, str]]:
    """Serve the programs of FastAPI; yield the process and its address."""
    port = free_port()
    given = {
        "OPENAI_API_KEY": "any",
        "OPENAI_BASE_URL": base_url,
        "SSL_CERT_FILE": str(authorities),
    }
    command = ("uvicorn", "tests.support.sites.per_request.fastapi_app:app", "--port", str(port))
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "--log-level", "warning"], cwd=ROOT, env={**os.environ, **given}
    )
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                httpx.get(f"{address}/openapi.json", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield process.pid, address
    finally:
        process.terminate()
        process.wait(30)


async def ask(address: str) -> float:
    """Send all requests; return the seconds that they took."""
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as http:
        await asyncio.gather(*(http.get(address) for _ in range(4)))
        began = time.monotonic()
        answers = await asyncio.gather(*(http.get(address) for _ in range(REQUESTS)))
        assert {answer.status_code for answer in answers} == {200}, answers[0].text
        return time.monotonic() - began


def measure(page: str, context: ssl.SSLContext, authorities: Path) -> dict[str, str]:
    """Return the figures of a page."""

    def answer(exchange: Exchange) -> None:
        exchange.later(LATENCY, HEAD + ANSWER)

    with (
        RawServer(answer, context) as upstream,
        serving(f"{upstream.url}/v1", authorities) as (process, address),
    ):
        descriptors = Descriptors(process)
        descriptors.start()
        before = seconds_of(process)
        took = asyncio.run(ask(f"{address}/{page}"))
        used = seconds_of(process) - before
        waiting = time_waits(upstream.port)
        threads = status_of(process, "Threads")
        descriptors.end()
        sent = REQUESTS + 4
        return {
            "connections opened": str(upstream.opened),
            "per request": f"{upstream.opened / sent:.2f}",
            "in TIME_WAIT after it": str(waiting),
            "most descriptors": str(descriptors.most),
            "CPU per request": f"{1000 * used / sent:.1f} ms",
            "requests a second": f"{REQUESTS / took:.0f}",
            "most memory": f"{status_of(process, 'VmHWM') // 1024} MB",
            "threads": str(threads),
        }


def main() -> None:
    """Measure each page and print the table."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    pages = ("bad/official", "bad/ours", "good/official", "good/ours")
    with tempfile.TemporaryDirectory() as folder:
        authorities = Path(folder) / "authorities.pem"
        authorities.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
        found = {page: measure(page, context, authorities) for page in pages}
    rows = [["", *pages], ["---", *["---:"] * len(pages)]]
    rows += [[name, *(found[page][name] for page in pages)] for name in found[pages[0]]]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
