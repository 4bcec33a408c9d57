"""A circuit breaker per target: after several failures in a row no call is sent for a while, then one is tried."""

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


class _Circuits:
    """The circuits of a process by target, and the lock that guards them."""

    __slots__ = ("circuits", "lock")

    def __init__(self) -> None:
        self.circuits: dict[str, _Circuit] = {}
        self.lock = threading.Lock()


@dataclass(frozen=True)
class Breaker:
    """Opens the circuit of a target after *failures* failures in a row.

    Args:
        failures: Consecutive failures that open the circuit.
        within: Seconds within which they must happen.
        cool_down: Seconds for which an open circuit rejects calls; then it admits one trial call at a time.
    """

    failures: int = 5
    within: float = 60.0
    cool_down: float = 30.0
    _known: PerProcess[_Circuits] = field(
        init=False, repr=False, compare=False, default_factory=lambda: PerProcess(_Circuits)
    )

    def __post_init__(self) -> None:
        if self.failures < 1:
            raise ConfigError("breaker: failures must be at least 1.")
        check_amounts("breaker", above_zero=True, within=self.within, cool_down=self.cool_down)

    @property
    def circuits(self) -> dict[str, _Circuit]:
        """Circuits of this process by target. A target whose last call succeeded has none."""
        return self._known().circuits

    def admit(self, target: str, now: float) -> float:
        """Return 0 if a call to *target* is admitted, else the seconds until it may be.

        A caller that is admitted must report the outcome: `succeeded`, `failed` or `left`.
        """
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
        """Close the circuit of *target*."""
        self._known().circuits.pop(target, None)

    def failed(self, target: str, now: float) -> None:
        """Count a failure of *target*; open its circuit when there are enough."""
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
        """Release a trial call whose outcome says nothing about the target, such as a cancelled one."""
        circuit = self._known().circuits.get(target)
        if circuit is not None:
            circuit.probing = False

    def state(self, target: str, now: float) -> str:
        """Return the state of a circuit: `closed`, `open` or `half-open`."""
        circuit = self.circuits.get(target)
        if circuit is None or circuit.failures < self.failures:
            return "closed"
        return "open" if now < circuit.open_until else "half-open"
