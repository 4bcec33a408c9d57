"""Real servers in processes of their own, for the tests of the adapters."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
SECONDS_TO_START = 60
SECONDS_TO_END = 60


@dataclass
class Served:
    """A running server.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        process: Its first process.
    """

    port: int
    process: subprocess.Popen[bytes]
    _output: IO[bytes]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All it has printed so far."""
        self._output.seek(0)
        return self._output.read().decode()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end and give the exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS_TO_END)

    def connect(self) -> socket.socket:
        """Open a plain connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS_TO_END)


@contextmanager
def serving(
    *command: str,
    directory: Path = ROOT,
    python: str | Path = sys.executable,
    patience: float = SECONDS_TO_START,
    **environment: str,
) -> Iterator[Served]:
    """Run a Python module that serves, and end it after the block.

    Args:
        *command: The module and its arguments; `{port}` in them stands for a free port, `{scratch}` for an empty
            directory.
        directory: Where it runs.
        python: What runs it.
        patience: Seconds that it may take to start.
        **environment: Added to that of the tests.
    """
    port = free_port()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryDirectory() as scratch:
        arguments = [part.replace("{port}", str(port)).replace("{scratch}", scratch) for part in command]
        process = subprocess.Popen(
            [python, "-m", *arguments],
            cwd=directory,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        served = Served(port, process, output)
        try:
            _await_start(served, patience)
            yield served
        except BaseException as error:
            error.add_note(f"The server's log ends with:\n{served.log[-3000:]}")
            raise
        finally:
            _end(process)


def _await_start(served: Served, patience: float) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            served.connect().close()
        except OSError:
            if served.process.poll() is not None:
                raise AssertionError(f"The server did not start:\n{served.log}") from None
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"The server did not listen within {patience} s:\n{served.log}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server and every process that it started; they share its group."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
