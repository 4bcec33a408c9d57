"""A circuit breaker per target: after too many failures no call is sent for a while, then one is tried."""

import threading
import weakref
from dataclasses import dataclass, field

from .._fork import PerProcess
from ..errors import CircuitOpen, ConfigError
from ..stores import Store
from .cache.lease import Lease
from .options.amounts import check_amounts
from .sliding import SlidingCounts

_TARGETS_KEPT = 1000
_LONGEST = 900.0
"""Seconds for which an upstream's `Retry-After` may keep a circuit open."""
_OF_ACCOUNT = "|account="
NEXT_TRIAL = 1.0
"""Seconds after which a caller may ask again while a trial call is under way."""


def split_circuit(name: str) -> tuple[str, str | None]:
    """Split the name of a circuit into the target and the tenant's own account, if it is of one."""
    target, mark, account = name.partition(_OF_ACCOUNT)
    return target, account if mark else None


def circuit_of(target: str, account: str | None) -> str:
    """Return the name of a target's circuit, of which a tenant's own account has one of its own."""
    return target if account is None else f"{target}{_OF_ACCOUNT}{account}"


class Permission:
    """Leave to send one call to a target, whose outcome its holder reports.

    Attributes:
        target: The target.
        since: When it was given.
        state: The state of the circuit that it was given in: once that has changed, the outcome says nothing.
        is_trial: Whether the circuit was open, and this is the call that finds out whether it may close.
        slow: Whether the target was slow to answer.
        lease: What keeps other processes from making a trial call too, until the outcome is reported.
    """

    __slots__ = ("__weakref__", "is_trial", "lease", "since", "slow", "state", "target")

    def __init__(self, target: str, since: float, state: int, *, is_trial: bool) -> None:
        self.target = target
        self.since = since
        self.state = state
        self.is_trial = is_trial
        self.slow = False
        self.lease: Lease | None = None


class _Circuit:
    """The circuit of one target; `state` counts its changes between closed and open.

    A trial ends with its permission, which an exception that a signal raises may drop without an outcome.
    """

    __slots__ = ("_trial", "counts", "failures", "first", "open_until", "opened", "state")

    def __init__(self, within: float) -> None:
        self.counts = SlidingCounts(within)
        self.failures = 0  # in a row
        self.first = 0.0  # when the first of them was
        self.open_until: float | None = None
        self.opened = 0.0  # when it last opened
        self.state = 0
        self.trial = None

    @property
    def trial(self) -> Permission | None:
        """The permission of the call that finds out whether the circuit may close, while that is under way."""
        return None if self._trial is None else self._trial()

    @trial.setter
    def trial(self, permission: Permission | None) -> None:
        self._trial = None if permission is None else weakref.ref(permission)


class _ProcessCircuits:
    """The circuits of a process by target, and the lock that guards them."""

    __slots__ = ("circuits", "lock")

    def __init__(self) -> None:
        self.circuits: dict[str, _Circuit] = {}
        self.lock = threading.Lock()


@dataclass(frozen=True)
class Breaker:
    """Opens the circuit of a target after *failures* failures in a row, or where too large a share of calls fails.

    An outcome counts only in the state that its call was sent in: the late answer of a call from before the circuit
    opened neither closes it nor keeps it open.

    Args:
        failures: Consecutive failures that open the circuit.
        share: Share of the calls within the window that must fail to open it; `None` counts no shares.
        minimum: Calls within the window from which on the share counts.
        slow_after: Seconds after which an answer, or the first event of a stream, counts as a failure in the share;
            `None` lets targets be slow.
        within: Length of the window in seconds, also for consecutive failures.
        cool_down: Seconds for which an open circuit rejects calls; then it admits one trial call at a time. A
            `Retry-After` of the target takes its place, up to 15 minutes.
        shared: Whether processes that share the store tell each other which circuits are open, and try an open one
            with one call of them all.
        store: Where they do so.
    """

    failures: int = 5
    share: float | None = 0.5
    minimum: int = 20
    slow_after: float | None = None
    within: float = 60.0
    cool_down: float = 30.0
    shared: bool = False
    store: Store | None = field(default=None, repr=False)
    _known: PerProcess[_ProcessCircuits] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", PerProcess(_ProcessCircuits))
        for name, least in (("failures", self.failures), ("minimum", self.minimum)):
            if least < 1:
                raise ConfigError(f"breaker: {name} must be at least 1.")
        if self.share is not None and not 0 < self.share <= 1:
            raise ConfigError("breaker: share must be more than 0 and at most 1.")
        if self.shared and self.store is None:
            raise ConfigError("breaker: shared: it needs a store.")
        amounts = {"within": self.within, "cool_down": self.cool_down, "slow_after": self.slow_after}
        check_amounts("breaker", above_zero=True, **amounts)

    def admit(self, target: str, now: float) -> Permission:
        """Return the permission for a call to *target*.

        Its holder must report the outcome with `succeeded`, `failed` or `left`.

        Raises:
            CircuitOpen: The circuit is open, or a trial call is under way.
        """
        known = self._known.get()
        with known.lock:
            circuit = known.circuits.get(target) or self._circuit(known, target)
            if circuit.open_until is None:
                return Permission(target, now, circuit.state, is_trial=False)
            if now < circuit.open_until:
                raise circuit_open(target, circuit.open_until - now)
            if circuit.trial is not None:
                raise circuit_open(target, NEXT_TRIAL)
            permission = Permission(target, now, circuit.state, is_trial=True)
            circuit.trial = permission
            return permission

    def answered(self, permission: Permission, now: float) -> None:
        """Note that a target has begun to answer, which may have taken too long."""
        permission.slow = self.slow_after is not None and now - permission.since > self.slow_after

    def succeeded(self, permission: Permission, now: float) -> bool:
        """Count a success; return whether it closed the circuit, or opened it, as it was too slow."""
        known = self._known.get()
        with known.lock:
            circuit = self._concerned(known, permission)
            if circuit is None:
                return False
            if circuit.open_until is None:
                circuit.failures = 0
                circuit.counts.add(now, calls=1, marked=permission.slow)
                if not self._share_is_reached(circuit):
                    return False
                self._open(circuit, now + self.cool_down, now)
            elif permission.slow:
                self._open(circuit, now + self.cool_down, now)
            else:
                self._close(circuit)
            return True

    def failed(self, permission: Permission, now: float, retry_after: float | None = None) -> bool:
        """Count a failure, after which the target asked to be left alone for *retry_after* seconds.

        Returns:
            Whether it opened the circuit, or keeps it open for longer.
        """
        known = self._known.get()
        with known.lock:
            circuit = self._concerned(known, permission)
            if circuit is None:
                return False
            if circuit.open_until is None:
                if now - circuit.first > self.within:
                    circuit.failures, circuit.first = 0, now
                circuit.failures += 1
                circuit.counts.add(now, calls=1, marked=1)
                if circuit.failures < self.failures and not self._share_is_reached(circuit):
                    return False
            asked = retry_after is not None and retry_after > 0
            self._open(circuit, now + (min(retry_after or 0.0, _LONGEST) if asked else self.cool_down), now)
            return True

    def left(self, permission: Permission) -> None:
        """Allow another call to try an open circuit, as the outcome of this one is not known yet, or says nothing."""
        known = self._known.get()
        with known.lock:
            circuit = known.circuits.get(permission.target)
            if circuit is not None and circuit.trial is permission:
                circuit.trial = None

    def learn(self, target: str, open_until: float | None, happened: float) -> None:
        """Take over what another process found out: until when a circuit is open, `None` for one that closed."""
        known = self._known.get()
        with known.lock:
            circuit = self._circuit(known, target)
            if open_until is not None:
                if circuit.open_until is None or circuit.open_until < open_until:
                    self._open(circuit, open_until, happened)
            elif circuit.open_until is not None:
                self._close(circuit)

    def open_until(self, target: str) -> float | None:
        """Return until when the circuit of *target* is open; `None` where it is closed."""
        circuit = self._known().circuits.get(target)
        return None if circuit is None else circuit.open_until

    def close(self, target: str) -> None:
        """Close the circuit of *target* and forget its failures, whatever calls under way will tell."""
        known = self._known()
        with known.lock:
            if (circuit := known.circuits.get(target)) is not None:
                self._close(circuit)

    def seen(self) -> dict[str, tuple[float | None, float, int]]:
        """Return of each circuit that this process knows until when it is open, since when, and failures in a row."""
        known = self._known()
        with known.lock:
            return {name: (one.open_until, one.opened, one.failures) for name, one in known.circuits.items()}

    def state(self, target: str, now: float) -> str:
        """Return the state of a circuit: `closed`, `open` or `half-open`."""
        until = self.open_until(target)
        if until is None:
            return "closed"
        return "open" if now < until else "half-open"

    def _circuit(self, known: _ProcessCircuits, target: str) -> _Circuit:
        circuit = known.circuits.get(target)
        if circuit is None:
            if len(known.circuits) >= _TARGETS_KEPT:
                self._forget_what_works(known)
            circuit = known.circuits[target] = _Circuit(self.within)
        return circuit

    def _forget_what_works(self, known: _ProcessCircuits) -> None:
        """Drop the circuits of targets that did not fail last, and all where that makes no room."""
        kept = {
            name: one for name, one in known.circuits.items() if one.open_until is not None or one.failures
        }
        known.circuits = kept if len(kept) < _TARGETS_KEPT else {}

    def _concerned(self, known: _ProcessCircuits, permission: Permission) -> _Circuit | None:
        """Return the circuit that an outcome counts for, if it still is in the state that the call was sent in."""
        circuit = known.circuits.get(permission.target)
        return circuit if circuit is not None and circuit.state == permission.state else None

    def _share_is_reached(self, circuit: _Circuit) -> bool:
        counts = circuit.counts
        return (
            self.share is not None
            and counts.calls >= self.minimum
            and counts.marked >= self.share * counts.calls
        )

    def _open(self, circuit: _Circuit, until: float, now: float) -> None:
        if circuit.open_until is None:
            circuit.opened = now
        circuit.open_until = until
        circuit.state += 1
        circuit.trial = None

    def _close(self, circuit: _Circuit) -> None:
        circuit.open_until = None
        circuit.state += 1
        circuit.trial = None
        circuit.failures = 0
        circuit.counts = SlidingCounts(self.within)


def circuit_open(target: str, wait: float) -> CircuitOpen:
    """Make the error of a call that is not sent, as its target failed too often."""
    target = target.partition(_OF_ACCOUNT)[0]
    message = f"{target} failed too often lately; no call is sent to it for {wait:.0f} s."
    return CircuitOpen(message, retry_after=wait, target=target)
