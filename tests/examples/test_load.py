"""Many readers in a row, and the page behind nginx."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from ai_client.testing import Gate, Upstream
from tests.examples.conftest import Example, running
from tests.examples.test_chat_page import gated
from tests.support.ports import free_port

pytestmark = pytest.mark.slow

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
CHAT = {"messages": [{"role": "user", "content": "Hello?"}]}
CONFIGURATION = """
daemon off;
pid {folder}/pid;
error_log {folder}/errors;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass {target}; }}
  }}
}}
"""


@contextmanager
def behind_nginx(target: str, folder: Path) -> Iterator[str]:
    """Run nginx with its default buffering before *target*, and give its address."""
    if NGINX is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, target=target))
    process = subprocess.Popen([NGINX, "-p", folder, "-c", configuration, "-e", folder / "errors"])
    try:
        transport = httpx.HTTPTransport(retries=8)  # until it listens
        with httpx.Client(transport=transport) as http:
            http.get(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def test_behind_nginx(example: Example, tmp_path: Path) -> None:
    """Words pass through nginx, which buffers by default, while later ones are still to come."""
    gate = Gate()
    example.upstream.reply(chunks=gated(gate), path="/chat/completions")
    with (
        behind_nginx(example.url, tmp_path) as url,
        httpx.stream("POST", f"{url}/api/chat", json=CHAT, timeout=30) as response,
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
