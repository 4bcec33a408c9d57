"""A terminal with a shell in it, into which a newcomer types."""

import os
import re
import subprocess
import termios
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SECONDS = 300
"""The longest that a command may take: installing, on a busy machine."""
_PROMPT = re.compile(r"(?:\(\S+\) )?<status (\d+)> ")
_CTRL_C = b"\x03"


@contextmanager
def terminal(directory: Path, environment: Mapping[str, str]) -> "Iterator[Terminal]":
    """Open a terminal, and close it after the block with all that runs in it."""
    opened = Terminal(directory, environment)
    try:
        opened.wait_for_prompt()
        yield opened
    finally:
        opened.close()


class Terminal:
    """An interactive shell on a terminal of its own."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._keyboard, self._slave = os.openpty()
        modes = termios.tcgetattr(self._slave)
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(self._slave, termios.TCSANOW, modes)
        # a session's leader that opens a terminal is controlled by it: Ctrl-C reaches what runs in the foreground
        command = 'exec bash --norc --noprofile --noediting -i <>"$0" >&0 2>&1'
        self._shell = subprocess.Popen(
            ["sh", "-c", command, os.ttyname(self._slave)],
            cwd=directory,
            env={**environment, "PS1": "<status $?> ", "TERM": "dumb"},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._output = ""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """What was printed since the line typed last."""
        with self._changed:
            return self._output

    @property
    def is_idle(self) -> bool:
        """Whether the line typed last has ended."""
        return _PROMPT.search(self.output) is not None

    def run(self, text: str) -> str:
        """Type lines, each after the one before has ended, and return what they print.

        Raises:
            AssertionError: A line failed, or did not end in time.
        """
        printed = ""
        for line in text.replace("\\\n", "").splitlines():
            self.begin(line)
            status = self.wait_for_prompt()
            assert status == 0, f"{line}: status {status}\n{self.output}"
            printed += _PROMPT.split(self.output, maxsplit=1)[0]
        return printed.replace("\r\n", "\n")

    def begin(self, line: str) -> None:
        """Type a line, and do not wait for its end."""
        with self._changed:
            self._output = ""
        os.write(self._keyboard, line.encode() + b"\n")

    def interrupt(self) -> None:
        """Press Ctrl-C, and wait until what runs in the foreground has ended."""
        os.write(self._keyboard, _CTRL_C)
        self.wait_for_prompt()

    def wait_for_prompt(self) -> int:
        """Wait for the end of the line typed last, and return its status."""
        with self._changed:
            found = self._changed.wait_for(lambda: _PROMPT.search(self._output), SECONDS)
            assert found, f"No prompt within {SECONDS} s:\n{self._output}"
            return int(found[1])

    def close(self) -> None:
        """End what runs in the shell, and the shell."""
        try:
            if not self.is_idle:
                self.interrupt()
            self.begin("kill $(jobs -p); wait; exit")
            self._shell.wait(SECONDS)
        finally:
            if self._shell.poll() is None:
                self._shell.kill()
                self._shell.wait()
            os.close(self._slave)  # the last that has it open: the reader ends
            self._reader.join(SECONDS)
            os.close(self._keyboard)

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._keyboard, 65536).decode(errors="replace")
            except OSError:  # nobody has the other side open
                return
            with self._changed:
                self._output += piece
                self._changed.notify_all()
