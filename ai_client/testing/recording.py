"""Records of what the upstream received: requests, connections and the outcome of each exchange."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


class Headers(Mapping[str, str]):
    """The headers of a request, looked up case-insensitively; `raw` has them as sent."""

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self.raw = tuple(raw)

    def __getitem__(self, name: str) -> str:
        wanted = name.lower().encode()
        for key, value in self.raw:
            if key.lower() == wanted:
                return value.decode("latin-1")
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(key.decode("latin-1").lower() for key, _ in self.raw))

    def __len__(self) -> int:
        return len({key.lower() for key, _ in self.raw})


@dataclass(slots=True)
class Outcome:
    """The outcome of an exchange; both are false while it is in progress."""

    finished: bool = False
    aborted: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as received. Its `repr` leaves out headers and body, which may hold keys and prompts."""

    method: str
    path: str
    query: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    connection: int
    outcome: Outcome = field(repr=False, compare=False)

    @property
    def params(self) -> dict[str, str]:
        """The decoded query parameters; the last value of a repeated name."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def finished(self) -> bool:
        """Whether the whole answer has been written to the socket."""
        return self.outcome.finished

    @property
    def aborted(self) -> bool:
        """Whether the client disconnected before the whole answer was sent."""
        return self.outcome.aborted

    def json(self) -> Any:
        """Return the body decoded as JSON.

        Raises:
            ValueError: The body is not JSON.
        """
        return json.loads(self.body)


@dataclass(slots=True)
class Counters:
    """The counters that `GET /_stats` returns."""

    requests: int = 0
    finished: int = 0
    aborted: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    connections_opened: int = 0
    connections_open: int = 0


class Recorder:
    """Counters and requests, written by the server's thread and read from any other."""

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self._requests: list[Recorded] = []
        self._changed = threading.Condition()
        self.counters = Counters()

    @property
    def requests(self) -> list[Recorded]:
        """Requests whose body has been received, in order."""
        with self._changed:
            return list(self._requests)

    def connected(self) -> None:
        """Count an opened connection."""
        with self._changed:
            self.counters.connections_opened += 1
            self.counters.connections_open += 1
            self._changed.notify_all()

    def uncounted(self) -> None:
        """Uncount a connection that turned out to query the upstream itself."""
        with self._changed:
            self.counters.connections_opened -= 1
            self.counters.connections_open -= 1
            self._changed.notify_all()

    def disconnected(self) -> None:
        """Count a closed connection."""
        with self._changed:
            self.counters.connections_open -= 1
            self._changed.notify_all()

    def begun(self) -> None:
        """Count a request whose head has been received."""
        counters = self.counters
        with self._changed:
            counters.requests += 1
            counters.in_flight += 1
            counters.max_in_flight = max(counters.max_in_flight, counters.in_flight)
            self._changed.notify_all()

    def arrived(self, recorded: Recorded) -> None:
        """Store a request whose body has been received, or whose client disconnected before that."""
        if self._keep:
            with self._changed:
                self._requests.append(recorded)
                self._changed.notify_all()

    def ended(self, outcome: Outcome, *, aborted: bool) -> None:
        """Set the outcome of an exchange, which must be in progress."""
        with self._changed:
            outcome.finished, outcome.aborted = not aborted, aborted
            self.counters.in_flight -= 1
            self.counters.finished += not aborted
            self.counters.aborted += aborted
            self._changed.notify_all()

    def wait_for(self, predicate: Callable[[], bool], timeout: float) -> None:
        """Block until *predicate* returns true; it is evaluated after each change.

        Raises:
            TimeoutError: It did not within *timeout* seconds.
        """
        with self._changed:
            if not self._changed.wait_for(predicate, timeout):
                raise TimeoutError(
                    f"The condition was not met within {timeout} s; counters: {self.counters}."
                )

    def reset(self) -> None:
        """Drop the requests and reset the counters; open connections and requests in flight stay counted."""
        old = self.counters
        with self._changed:
            self._requests.clear()
            self.counters = Counters(
                in_flight=old.in_flight, max_in_flight=old.in_flight, connections_open=old.connections_open
            )
            self._changed.notify_all()
