"""The upstream as a program."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from ai_client.testing import Upstream


@contextmanager
def program(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the upstream as a program; yield it with its URL."""
    command = [sys.executable, "-m", "ai_client.testing", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            match = re.search(r"http://\S+", line)
            assert match is not None, line
            yield process, match[0]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    """A signal ends it with exit code 0 and no noise, also while a stream is open."""
    with program("--delay", "60") as (process, url):
        chat = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
        headers = {"Authorization": "Bearer any"}
        with httpx.stream("POST", f"{url}/chat/completions", json=chat, headers=headers) as response:
            pieces = response.iter_raw()  # a generator that nobody holds would close the response
            next(pieces)
            process.send_signal(number)
            _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, "")


def test_it_serves_its_counters() -> None:
    """Another process can ask for the counters and reset them."""
    with program() as (_, url):
        for _ in range(3):
            httpx.get(f"{url}/models")
        root = url.removesuffix("/v1")
        stats = httpx.get(f"{root}/_stats").json()
        assert (stats["requests"], stats["connections_opened"]) == (3, 3)
        httpx.post(f"{root}/_reset").raise_for_status()
        assert httpx.get(f"{root}/_stats").json()["requests"] == 0


def test_a_busy_port_is_said_clearly() -> None:
    """A port in use ends it with exit code 1 and one line that says what to do."""
    with Upstream() as upstream:
        command = [sys.executable, "-m", "ai_client.testing", "--port", str(upstream.port)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        advice = "Stop the process that uses it, or choose another with --port."
        assert result.stderr == f"Port {upstream.port} on 127.0.0.1 is in use. {advice}\n"
    assert result.returncode == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [("--host", "192.0.2.1", "Cannot listen on 192.0.2.1"), ("--port", "70000", "Port 70000 does not exist")],
)
def test_an_address_that_cannot_be_is_said_clearly(option: str, value: str, message: str) -> None:
    """An address that cannot be listened on ends it with exit code 1 and one line."""
    command = [sys.executable, "-m", "ai_client.testing", option, value]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith(message)
    assert "Traceback" not in result.stderr
