"""A circuit breaker: what failed several times in a row is left alone for a while, then tried with one call."""

import threading
from dataclasses import dataclass, field

from .._fork import PerProcess
from ..errors import ConfigError
from .options.amounts import check_amounts

_TARGETS_KEPT = 1000


class _Circuit:
    __slots__ = ("failures", "first", "open_until", "probing")

    def __init__(self) -> None:
        self.failures = 0
        self.first = 0.0
        self.open_until = 0.0
        self.probing = False


class _Known:
    """The circuits of a process, by target, and the lock under which they change."""

    __slots__ = ("circuits", "lock")

    def __init__(self) -> None:
        self.circuits: dict[str, _Circuit] = {}
        self.lock = threading.Lock()


@dataclass(frozen=True)
class Breaker:
    """Counts the failures in a row of each target.

    Args:
        failures: So many in a row open the circuit.
        within: Seconds in which they must come.
        cool_down: Seconds for which an open circuit lets nothing through; then it lets one call at a time try.
    """

    failures: int = 5
    within: float = 60.0
    cool_down: float = 30.0
    _known: PerProcess[_Known] = field(
        init=False, repr=False, compare=False, default_factory=lambda: PerProcess(_Known)
    )

    def __post_init__(self) -> None:
        if self.failures < 1:
            raise ConfigError("breaker: failures must be at least 1.")
        check_amounts("breaker", above_zero=True, within=self.within, cool_down=self.cool_down)

    @property
    def circuits(self) -> dict[str, _Circuit]:
        """What this process knows of targets whose last call failed; mostly empty."""
        return self._known().circuits

    def admit(self, target: str, now: float) -> float:
        """Give 0 where a call may try, else the seconds until one may; who is admitted must report or leave."""
        known = self._known()
        if target not in known.circuits:
            return 0.0
        with known.lock:
            circuit = known.circuits.get(target)
            if circuit is None or circuit.failures < self.failures:
                return 0.0
            if now < circuit.open_until:
                return circuit.open_until - now
            if circuit.probing:
                return 1.0
            circuit.probing = True
            return 0.0

    def succeeded(self, target: str) -> None:
        """Close the circuit."""
        self._known().circuits.pop(target, None)

    def failed(self, target: str, now: float) -> None:
        """Count a failure."""
        known = self._known()
        with known.lock:
            if len(known.circuits) > _TARGETS_KEPT:
                known.circuits.clear()
            circuit = known.circuits.setdefault(target, _Circuit())
            if circuit.failures < self.failures and now - circuit.first > self.within:
                circuit.failures, circuit.first = 0, now
            circuit.failures += 1
            circuit.probing = False
            if circuit.failures >= self.failures:
                circuit.open_until = now + self.cool_down

    def left(self, target: str) -> None:
        """Forget a try that ended without telling anything about the target, as a cancelled one."""
        circuit = self._known().circuits.get(target)
        if circuit is not None:
            circuit.probing = False

    def state(self, target: str, now: float) -> str:
        """Say how a circuit is: `closed`, `open` or `half-open`."""
        circuit = self.circuits.get(target)
        if circuit is None or circuit.failures < self.failures:
            return "closed"
        return "open" if now < circuit.open_until else "half-open"
