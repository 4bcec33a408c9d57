"""Many readers in a row, and the page behind nginx."""

from pathlib import Path

import httpx
import pytest

from ai_client.testing import Gate, Upstream
from tests.examples.conftest import Example, running
from tests.examples.test_chat_page import gated
from tests.support.nginx import behind_nginx

pytestmark = pytest.mark.slow

CHAT = {"messages": [{"role": "user", "content": "Hello?"}]}


def test_behind_nginx(example: Example, tmp_path: Path) -> None:
    """Words pass through nginx, which buffers by default, while later ones are still to come."""
    gate = Gate()
    example.upstream.reply(chunks=gated(gate), path="/chat/completions")
    with (
        behind_nginx(example.url, tmp_path) as nginx,
        httpx.stream("POST", f"{nginx.url}/api/chat", json=CHAT, timeout=30) as response,
    ):
        lines = response.iter_lines()
        assert "First" in next(lines)  # would not come before the gate is open if nginx kept it
        gate.set()
        assert "data: [DONE]" in list(lines)


def memory_of(pid: int) -> int:
    """Give the memory that a process holds, in kB."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("Memory is read from /proc, which this system does not have.")
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmRSS"))


def converse(http: httpx.Client, times: int) -> None:
    """Load the page and have a conversation, again and again; leave every tenth in the middle."""
    for number in range(times):
        assert http.get("/").status_code == 200
        assert http.get("/api/about").status_code == 200
        with http.stream("POST", "/api/chat", json=CHAT) as response:
            assert response.status_code == 200
            for line in response.iter_lines():
                if number % 10 == 0 and line:
                    break


def test_200_conversations(framework: str) -> None:
    """After 200 page loads and conversations the process has one client, few connections, and the memory it had."""
    with (
        Upstream(record=False) as upstream,
        running(framework, upstream) as example,
        httpx.Client(base_url=example.url, timeout=30) as http,
    ):
        converse(http, 50)
        before = memory_of(example.pid)
        converse(http, 150)
        assert memory_of(example.pid) - before < 8_000
        upstream.wait_for(lambda: upstream.in_flight == 0)
        left = 20  # conversations that their reader left, which close their connection
        assert upstream.connections_opened <= left + 5
        assert upstream.connections_open <= 5
        assert upstream.max_in_flight <= 5
