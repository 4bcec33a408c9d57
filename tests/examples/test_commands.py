"""Tests of the commands that start the examples."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from ai_client.testing import Upstream
from example_apps._showcase import QUESTION

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHAT = {"messages": [{"role": "user", "content": "Hello?"}]}


FRAMEWORKS = ["fastapi", "django", "flask"]
OWN_SETTINGS = {"DJANGO_SETTINGS_MODULE": "example_apps.django_chat.settings"}  # other tests set theirs


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    """Give the name of each framework in turn."""
    return str(request.param)


@contextmanager
def command(framework: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start the example as `make demo` does, and stop it after the block."""
    environment = {**os.environ, **OWN_SETTINGS, "PYTHONUNBUFFERED": "1", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", f"example_apps.{framework}_chat", *arguments],
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


def test_command(framework: str) -> None:
    """Without a key the command says that it is offline, streams, and ends with code 0 at Ctrl-C."""
    with command(framework, "--port", "0", OPENAI_API_KEY="") as process:
        url, printed = url_of(process)
        assert "offline" in printed
        with httpx.stream("POST", f"{url}/api/chat", json=CHAT) as response:
            events = [line for line in response.iter_lines() if line]
        assert events[-1] == "data: [DONE]"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=300)
        assert (process.returncode, errors) == (0, "")


def test_offline_showcase(framework: str) -> None:
    """Offline, the question that the page offers is answered with every kind of Markdown, as HTML."""
    question = {"messages": [{"role": "user", "content": QUESTION}]}
    with command(framework, "--port", "0", OPENAI_API_KEY="") as process:
        url, _ = url_of(process)
        assert f">{QUESTION}</button>" in httpx.get(f"{url}/").text
        with httpx.stream("POST", f"{url}/api/chat", json=question, timeout=60) as response:
            lines = [line for line in response.iter_lines() if line.startswith("data: {")]
    blocks: dict[int, str] = {}
    for event in (json.loads(line.removeprefix("data: ")) for line in lines):
        if "html" in event:
            blocks[event["kept"]] = event["html"]
    html = "".join(blocks.values())
    for part in (
        "<h4>",
        "<ul>",
        "<ol>",
        "<li>no TCP",
        "<table>",
        "<blockquote>",
        '<span class="k">',
        " href=",
    ):
        assert part in html


def test_command_ends_in_the_middle_of_a_stream(framework: str) -> None:
    """Ctrl-C while an answer is being streamed ends the command with code 0 as well."""
    with command(framework, "--port", "0", OPENAI_API_KEY="") as process:
        url, _ = url_of(process)
        with httpx.stream("POST", f"{url}/api/chat", json=CHAT) as response:
            lines = response.iter_lines()
            assert next(lines).startswith("data: ")
            process.send_signal(signal.SIGINT)
            with suppress(httpx.RemoteProtocolError):  # Flask's development server may cut the answer short
                list(lines)
        process.communicate(timeout=300)
        assert process.returncode == 0


def test_command_with_a_key(framework: str, upstream: Upstream) -> None:
    """With a key and an address the command talks to that API, and does not call itself offline."""
    with command(
        framework, "--port", "0", OPENAI_API_KEY="any", OPENAI_BASE_URL=upstream.base_url
    ) as process:
        url, printed = url_of(process)
        assert "offline" not in printed
        assert httpx.get(f"{url}/api/about").json()["offline"] is False
    assert upstream.requests[-1].path == "/v1/models"


def test_busy_port(framework: str) -> None:
    """A port that is taken is named, with what to do, and the code is 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with command(framework, "--port", port) as process:
            _, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert re.fullmatch(rf"Cannot listen on 127\.0\.0\.1, port {port}: .*PORT=8001\.\n", errors)


def test_the_django_project_itself() -> None:
    """The Django example's own tests pass under its own settings."""
    subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "example_apps.django_chat.manage",
            "test",
            "example_apps.django_chat",
        ],
        cwd=ROOT,
        env={**os.environ, **OWN_SETTINGS},
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_short(name: str) -> None:
    """Each back end has fewer than 130 lines, blank ones and what the demo alone needs aside."""
    sources = [
        path
        for path in (ROOT / "example_apps" / f"{name}_chat").glob("*.py")
        if "test" not in path.name and path.name not in {"__main__.py", "offline.py"}
    ]
    assert sum(bool(line.strip()) for path in sources for line in path.read_text().splitlines()) < 130


def test_page_is_whole() -> None:
    """The page loads nothing from elsewhere."""
    page = (ROOT / "example_apps" / "_static" / "chat.html").read_text()
    assert not re.search(r"""(src|href)=["']https?:""", page)
