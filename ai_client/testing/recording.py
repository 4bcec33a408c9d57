"""What the upstream saw: requests, connections and how each exchange ended."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


class Headers(Mapping[str, str]):
    """The headers of a request, looked up by name without regard to case; `raw` keeps them as sent."""

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
    """How an exchange stands: neither finished nor aborted while it runs."""

    finished: bool = False
    aborted: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it arrived. Headers and body stay out of its `repr`, since they hold keys and prompts."""

    method: str
    path: str
    query: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    connection: int
    outcome: Outcome = field(repr=False, compare=False)

    @property
    def params(self) -> dict[str, str]:
        """The decoded query parameters; of a repeated name, the last."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def finished(self) -> bool:
        """True once the whole answer has been handed to the socket."""
        return self.outcome.finished

    @property
    def aborted(self) -> bool:
        """True once the client has gone before the answer was whole."""
        return self.outcome.aborted

    def json(self) -> Any:
        """Decode the body as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class Counters:
    """The figures that `GET /_stats` serves."""

    requests: int = 0
    finished: int = 0
    aborted: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    connections_opened: int = 0
    connections_open: int = 0


class Recorder:
    """The counters and the requests, written by the server's thread and read by any other."""

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self._requests: list[Recorded] = []
        self._changed = threading.Condition()
        self.counters = Counters()

    @property
    def requests(self) -> list[Recorded]:
        """The requests whose body has arrived, in the order of their arrival."""
        with self._changed:
            return list(self._requests)

    def connected(self) -> None:
        """Count a connection that opened."""
        with self._changed:
            self.counters.connections_opened += 1
            self.counters.connections_open += 1
            self._changed.notify_all()

    def uncounted(self) -> None:
        """Take back a connection that turned out to ask about the upstream itself."""
        with self._changed:
            self.counters.connections_opened -= 1
            self.counters.connections_open -= 1
            self._changed.notify_all()

    def disconnected(self) -> None:
        """Count a connection that closed."""
        with self._changed:
            self.counters.connections_open -= 1
            self._changed.notify_all()

    def begun(self) -> None:
        """Count a request whose head has arrived."""
        counters = self.counters
        with self._changed:
            counters.requests += 1
            counters.in_flight += 1
            counters.max_in_flight = max(counters.max_in_flight, counters.in_flight)
            self._changed.notify_all()

    def arrived(self, recorded: Recorded) -> None:
        """Keep a request whose body has arrived, or whose client left before it had."""
        if self._keep:
            with self._changed:
                self._requests.append(recorded)
                self._changed.notify_all()

    def ended(self, outcome: Outcome, *, aborted: bool) -> None:
        """Settle an exchange, once."""
        with self._changed:
            outcome.finished, outcome.aborted = not aborted, aborted
            self.counters.in_flight -= 1
            self.counters.finished += not aborted
            self.counters.aborted += aborted
            self._changed.notify_all()

    def wait_for(self, predicate: Callable[[], bool], timeout: float) -> None:
        """Return when `predicate()` is true; look again whenever something changed.

        Raises:
            TimeoutError: It was not true within `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(predicate, timeout):
                raise TimeoutError(f"The upstream did not get there in {timeout} s; it saw {self.counters}.")

    def reset(self) -> None:
        """Forget the requests and start counting anew; what is open or in flight stays counted."""
        old = self.counters
        with self._changed:
            self._requests.clear()
            self.counters = Counters(
                in_flight=old.in_flight, max_in_flight=old.in_flight, connections_open=old.connections_open
            )
            self._changed.notify_all()
