"""The lines of code that built clients while requests were served: how many each, and when to warn of it."""

import logging
import threading
import time
from dataclasses import dataclass
from typing import NamedTuple

from .._fork import PerProcess

logger = logging.getLogger("ai_client.detector")

_FIRST_WARNING = 2
"""The construction of a line that is warned of: one alone may be a client that is built once, on first use."""
_SECOND_WARNING = 128
"""The construction that is warned of next; each later warning comes after twice as many."""
_WHOLE = 100.0
"""The rate from which on it is shown without decimals."""
_MOST_LINES = 1000
"""Lines counted apart, at most: code that is generated may have any number of them."""


class CodeLine(NamedTuple):
    """A line of code that builds clients.

    Attributes:
        file: The path of its file.
        line: Its number.
        function: The function that it belongs to.
        client: The class that it builds.
    """

    file: str
    line: int
    function: str
    client: str


@dataclass(frozen=True, slots=True)
class ExtraClients:
    """Clients that a line of code built while requests were served.

    Attributes:
        file: The path of its file; `other` for all lines beyond the first thousand together.
        line: Its number.
        function: The function that it belongs to.
        client: The class of the clients, such as `openai.OpenAI`.
        count: The clients that it has built.
        seconds: The seconds from the first to the last of them.
    """

    file: str
    line: int
    function: str
    client: str
    count: int
    seconds: float


class _Built:
    __slots__ = ("count", "first", "last", "warns_at")

    def __init__(self, now: float) -> None:
        self.count = 0
        self.first = self.last = now
        self.warns_at = _FIRST_WARNING


class _LinesFound:
    """The lines that a process has counted, with their lock."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.built: dict[CodeLine, _Built] = {}


_found = PerProcess(_LinesFound)


def count(line: CodeLine, instead: str) -> ExtraClients | None:
    """Count a client that a line built, and warn of the line where that is due.

    Args:
        line: The line.
        instead: What to do in its place, as a sentence.

    Returns:
        What the line has built, where it was warned of.
    """
    found, now = _found(), time.monotonic()
    with found.lock:
        if line not in found.built and len(found.built) >= _MOST_LINES:
            line = CodeLine("other", 0, "", line.client)
        built = found.built.setdefault(line, _Built(now))
        built.count += 1
        built.last = now
        number, seconds = built.count, now - built.first
        if number != built.warns_at:
            return None
        built.warns_at = max(_SECOND_WARNING, 2 * number)
    rate = number / max(seconds, 0.001)
    logger.warning(
        "%s:%d, in %s, builds %s while requests are served: %d clients in %.2f seconds (%.*f a second). Each opens"
        " connections of its own. %s",
        *line,
        number,
        seconds,
        0 if rate >= _WHOLE else 2,
        rate,
        instead,
    )
    return ExtraClients(*line, number, seconds)


def counts() -> list[ExtraClients]:
    """Return the lines of code that built more than one client in this process while requests were served.

    A line that built a single one is no leak: that client may be built once, on first use.
    """
    found = _found()
    with found.lock:
        return [
            ExtraClients(*line, built.count, built.last - built.first)
            for line, built in found.built.items()
            if built.count >= _FIRST_WARNING
        ]


def forget() -> None:
    """Forget what this process has counted."""
    found = _found()
    with found.lock:
        found.built.clear()
