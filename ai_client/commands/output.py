"""The output of a command: lines and tables for a terminal, or for whatever reads it."""

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Literal, TextIO, TypeAlias

from .tables import Column, laid_out
from .text import printable

Style: TypeAlias = Literal["fault", "warning", "good", "faint", "strong"]
_CODES: dict[Style, str] = {"fault": "31", "warning": "33", "good": "32", "faint": "2", "strong": "1"}


class Output:
    """Where a command writes; what it writes has no control characters that others may have smuggled in.

    Args:
        stream: For the result; by default standard output.
        errors: For errors and progress; by default standard error.
        colours: Whether to colour; by default on a terminal, unless `NO_COLOR` is set.

    Attributes:
        is_terminal: Whether the result goes to a terminal.
        width: Columns of the terminal; `None` where there is none.
    """

    def __init__(
        self, stream: TextIO | None = None, errors: TextIO | None = None, *, colours: bool | None = None
    ) -> None:
        self.stream = stream or sys.stdout or StringIO()  # a process may have none, and yet an exit code
        self.errors = errors or sys.stderr or StringIO()
        self.is_terminal = _is_terminal(self.stream)
        self.width = shutil.get_terminal_size().columns if self.is_terminal else None
        self._colours = (self.is_terminal and _wants_colours()) if colours is None else colours
        self._error_colours = _is_terminal(self.errors) and _wants_colours() if colours is None else colours
        self._shows_progress = _is_terminal(self.errors) and os.environ.get("TERM") != "dumb"
        self._progress = False

    def line(self, text: str = "", style: Style | None = None, *, flush: bool = False) -> None:
        """Write a line."""
        self._end_progress()
        self.stream.write(f"{_styled(printable(text), style if self._colours else None)}\n")
        if flush:
            self.stream.flush()

    def piece(self, text: str) -> None:
        """Write a piece of a text at once: as it is, but on a terminal without control characters."""
        self._end_progress()
        self.stream.write(printable(text) if self.is_terminal else text)
        self.stream.flush()

    def raw(self, text: str) -> None:
        """Write what a program reads, such as CSV, as it is."""
        self._end_progress()
        self.stream.write(text)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
        """Write a table; on a terminal it is as wide as that at most."""
        heading, *lines = laid_out(columns, rows, self.width)
        self.line(heading, "strong")
        for line in lines:
            self.line(line)

    def progress(self, text: str) -> None:
        """Show on a terminal what goes on; the next output replaces it."""
        if self._shows_progress:
            self.errors.write(f"\r{printable(text)}\x1b[K")
            self.errors.flush()
            self._progress = True

    def note(self, text: str) -> None:
        """Write a line that is no part of the result, beside it."""
        self._end_progress()
        self.stream.flush()
        self.errors.write(f"{_styled(printable(text), 'faint' if self._error_colours else None)}\n")

    def error(self, text: str) -> None:
        """Write an error."""
        self._end_progress()
        self.stream.flush()
        self.errors.write(
            f"{_styled('Error:', 'fault' if self._error_colours else None)} {printable(text)}\n"
        )
        self.errors.flush()

    def flush(self) -> None:
        """Write what is held back, and end a progress line."""
        self._end_progress()
        self.stream.flush()

    def _end_progress(self) -> None:
        if self._progress:
            self._progress = False
            self.errors.write("\r\x1b[K")
            self.errors.flush()


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # a stream of somebody's own, or a closed one
        return False


def _wants_colours() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _styled(text: str, style: Style | None) -> str:
    return text if style is None else f"\x1b[{_CODES[style]}m{text}\x1b[0m"
