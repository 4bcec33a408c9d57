"""Tests of the FastAPI chat, and of the command that starts it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from ai_client.testing import Upstream
from example_apps.fastapi_chat.app import create_app

ROOT = Path(__file__).parents[1]
CHAT = {"messages": [{"role": "user", "content": "Hello?"}]}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Yield a started upstream."""
    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def http(upstream: Upstream) -> Iterator[TestClient]:
    """Yield a client of the application, which talks to the upstream."""
    app = create_app(offline=True, base_url=upstream.base_url, api_key="any", max_retries=0)
    with TestClient(app) as http:
        yield http


def test_page(http: TestClient) -> None:
    """The page is served, and loads nothing from elsewhere."""
    page = http.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.search(r"""(src|href)=["']https?:""", page.text)


def test_about(http: TestClient, upstream: Upstream) -> None:
    """The page is told who answers and which models there are to chat with."""
    about = http.get("/api/about").json()
    assert about["offline"] is True
    assert about["base_url"].startswith(upstream.base_url)
    assert about["model"] in about["models"]
    assert "text-embedding-3-small" not in about["models"]


def test_about_without_a_list_of_models(http: TestClient, upstream: Upstream) -> None:
    """An API that does not list its models can be chatted with all the same."""
    upstream.reply(status=404, path="/models")
    about = http.get("/api/about").json()
    assert about["models"] == [about["model"]]


def test_chat_streams(http: TestClient) -> None:
    """An answer comes as server-sent events: its words, its usage and the end."""
    with http.stream("POST", "/api/chat", json=CHAT) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = [line for line in response.iter_lines() if line]
    assert len(events) > 20
    assert all(event.startswith("data: {") for event in events[:-1])
    assert '"total_tokens"' in events[-2]
    assert events[-1] == "data: [DONE]"


def test_ask(http: TestClient) -> None:
    """The JSON endpoint answers at once."""
    answer = http.post("/api/ask", json={"question": "Hello?", "model": "gpt-4o-mini"}).json()
    assert "Hello?" in answer["answer"]
    assert answer["model"] == "gpt-4o-mini"


@pytest.mark.parametrize(("path", "body"), [("/api/chat", CHAT), ("/api/ask", {"question": "Hello?"})])
def test_failing_upstream(http: TestClient, upstream: Upstream, path: str, body: object) -> None:
    """Where the upstream fails, the page gets a status and a message to show."""
    upstream.reply(status=500)
    response = http.post(path, json=body)
    assert response.status_code == 502
    assert response.json()["error"]["message"]


@contextmanager
def command(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start the example as `make demo` does, and stop it after the block."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "example_apps.fastapi_chat", *arguments],
        cwd=ROOT,
        env={name: value for name, value in environment.items() if value},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def url_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Read what the command prints until it names its address; give that, and all it printed."""
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if found := re.search(r"at (http://\S+)", line):
            return found[1], printed
    raise AssertionError(f"The command ended without an address; it printed: {printed}")


def test_command() -> None:
    """Without a key the command says that it is offline, streams, and ends with code 0 at Ctrl-C."""
    with command("--port", "0", OPENAI_API_KEY="") as process:
        url, printed = url_of(process)
        assert "offline" in printed
        with httpx.stream("POST", f"{url}/api/chat", json=CHAT) as response:
            events = [line for line in response.iter_lines() if line]
        assert events[-1] == "data: [DONE]"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, "")


def test_command_ends_in_the_middle_of_a_stream() -> None:
    """Ctrl-C while an answer is being streamed ends the command with code 0 as well."""
    with command("--port", "0", OPENAI_API_KEY="") as process:
        url, _ = url_of(process)
        with httpx.stream("POST", f"{url}/api/chat", json=CHAT) as response:
            lines = response.iter_lines()
            assert next(lines).startswith("data: ")
            process.send_signal(signal.SIGINT)
            assert list(lines)
        process.communicate(timeout=20)
        assert process.returncode == 0


def test_command_with_a_key(upstream: Upstream) -> None:
    """With a key and an address the command talks to that API, and does not call itself offline."""
    with command("--port", "0", OPENAI_API_KEY="any", OPENAI_BASE_URL=upstream.base_url) as process:
        url, printed = url_of(process)
        assert "offline" not in printed
        assert httpx.get(f"{url}/api/about").json()["offline"] is False
    assert upstream.requests[-1].path == "/v1/models"


def test_busy_port() -> None:
    """A port that is taken is named, with what to do, and the code is 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with command("--port", port) as process:
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert re.fullmatch(rf"Cannot listen on 127\.0\.0\.1, port {port}: .*PORT=8001\.\n", errors)
