"""Whatever happens to a store in whatever order: no limit is passed, and no amount is lost or counted twice."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ai_client.stores import Backend, Change, Hold, Ledger, Spend, Take, Tally, open_store
from ai_client.stores.base import SLOTS, OnExpired

NOW = 1_800_000_000.0
FAR = NOW + 10**7
LIMITS = {"a": 100, "b": 40, "c": None}
WINDOWS = {"w": (50, 60.0), "v": (20, 6.0)}
PERIOD = "2027-01-15T08"


class Held(NamedTuple):
    """What a ticket holds on a ledger."""

    amount: int
    expires: float
    then: OnExpired


class Ticket:
    """A call as the model sees it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.holds: dict[str, Held] = {}
        self.takes: list[Take] = []
        self.asked: tuple[list[Hold], list[Take], float] = [], [], 0.0
        self.settled = False


class Calls(RuleBasedStateMachine):
    """Calls that are admitted, renewed, settled, repeated or forgotten, while time passes and stores are reopened."""

    url: str
    backend: Any

    def __init__(self) -> None:
        super().__init__()
        self.run = uuid4().hex
        self.now = NOW + 0.0123  # off the borders of slots
        self.tickets: list[Ticket] = []
        self.used = dict.fromkeys(LIMITS, 0)
        self.granted = dict.fromkeys(LIMITS, 0)
        self.resets = dict.fromkeys(LIMITS, 0)
        self.changed = 0
        self.slots: dict[str, dict[int, int]] = {key: {} for key in WINDOWS}
        self.taken: list[tuple[str, float, int]] = []
        self.calls = 0

    def key(self, name: str) -> str:
        """Return the name of a ledger or window of this run."""
        return f"{self.run}|{name}"

    def balance(self, name: str) -> Ledger:
        """Return what a ledger has to say."""
        holds = [ticket.holds[name] for ticket in self.tickets if name in ticket.holds]
        expired = sum(hold.amount for hold in holds if hold.expires <= self.now and hold.then == "count")
        held = sum(hold.amount for hold in holds if hold.expires > self.now)
        return Ledger(self.used[name] + expired, held, self.granted[name], self.resets[name])

    def add(self, name: str, at: float, amount: int) -> None:
        """Add to a slot of a window."""
        slot = int(at / (WINDOWS[name][1] / SLOTS))
        self.slots[name][slot] = self.slots[name].get(slot, 0) + amount

    def total(self, name: str) -> int:
        """Return the amount in a window."""
        first = int(self.now / (WINDOWS[name][1] / SLOTS)) - SLOTS
        return sum(amount for slot, amount in self.slots[name].items() if slot >= first)

    @rule(
        amounts=st.dictionaries(st.sampled_from([*LIMITS]), st.integers(0, 60), max_size=3),
        takes=st.dictionaries(st.sampled_from([*WINDOWS]), st.integers(0, 20), max_size=2),
        seconds=st.integers(1, 120),
        then=st.sampled_from(["count", "release"]),
    )
    def admit(self, amounts: dict[str, int], takes: dict[str, int], seconds: int, then: OnExpired) -> None:
        """A call is admitted where all of its amounts have room, and changes nothing where one has none."""
        ticket = Ticket(f"{self.run}-{len(self.tickets)}")
        holds = [Hold(self.key(name), amount, LIMITS[name], FAR, then) for name, amount in amounts.items()]
        wanted = [Take(self.key(name), amount, *WINDOWS[name]) for name, amount in takes.items()]
        expires = self.now + seconds
        refusal = self.backend.admit(ticket.name, holds, wanted, self.now, expires)
        for index, (name, amount) in enumerate(amounts.items()):
            before, limit = self.balance(name), LIMITS[name]
            if limit is not None and before.used + before.held + amount > limit + before.granted:
                assert refusal is not None
                assert refusal.position == index
                assert (refusal.used, refusal.held) == (before.used, before.held)
                assert refusal.granted == before.granted
                return
        if any(self.total(name) + amount > WINDOWS[name][0] for name, amount in takes.items()):
            assert refusal is not None
            assert refusal.position is None
            assert refusal.wait > 0
            return
        assert refusal is None
        self.tickets.append(ticket)
        ticket.asked = holds, wanted, expires
        ticket.takes = wanted
        ticket.holds = {name: Held(amount, expires, then) for name, amount in amounts.items()}
        for (name, amount), take in zip(takes.items(), wanted, strict=True):
            assert take.at == pytest.approx(self.now)
            self.add(name, self.now, amount)

    @precondition(lambda self: self.tickets)
    @rule(data=st.data())
    def admit_again(self, data: st.DataObject) -> None:
        """An admission that is repeated, as after a lost reply, changes nothing, also after its settlement."""
        ticket = data.draw(st.sampled_from(self.tickets))
        holds, takes, expires = ticket.asked
        again = [Take(take.key, take.amount, take.limit, take.window) for take in takes]
        assert self.backend.admit(ticket.name, holds, again, self.now, expires) is None

    @precondition(lambda self: self.tickets)
    @rule(data=st.data(), seconds=st.integers(0, 120))
    def renew(self, data: st.DataObject, seconds: int) -> None:
        """A reservation is extended where it is held, is never shortened, and does not come back."""
        ticket = data.draw(st.sampled_from(self.tickets))
        holds, _, _ = ticket.asked
        expires = self.now + seconds
        held = [held.expires > self.now for held in ticket.holds.values()]
        is_held = len(held) == len(holds) and all(held)
        assert self.backend.renew(ticket.name, holds, self.now, expires) is is_held
        ticket.holds = {
            name: held._replace(expires=max(held.expires, expires)) if held.expires > self.now else held
            for name, held in ticket.holds.items()
        }

    @precondition(lambda self: self.tickets)
    @rule(
        data=st.data(),
        amounts=st.dictionaries(st.sampled_from([*LIMITS]), st.integers(0, 60)),
        times=st.integers(1, 2),
    )
    def settle(self, data: st.DataObject, amounts: dict[str, int], times: int) -> None:
        """A call counts what it used, once, in place of what it held, in time or long after."""
        ticket = data.draw(st.sampled_from(self.tickets))
        holds, _, _ = ticket.asked
        used = {hold.key.partition("|")[2]: amounts.get(hold.key.partition("|")[2], 0) for hold in holds}
        spends = [Spend(self.key(name), amount, FAR) for name, amount in used.items()]
        changes = [Change(take.key, -take.amount, take.window, take.at or self.now) for take in ticket.takes]
        tally = Tally(PERIOD, self.run, {"calls": 1}, FAR)
        for _ in range(times):
            balances = self.backend.settle(ticket.name, spends, self.now, changes, tally)
            if not ticket.settled:
                ticket.settled = True
                self.calls += 1
                ticket.holds = {}
                for name, amount in used.items():
                    self.used[name] += amount
                for change in changes:
                    self.add(change.key.partition("|")[2], change.at, change.amount)
            assert balances == [self.balance(name) for name in used]

    @rule(
        name=st.sampled_from([*LIMITS]),
        grant=st.integers(0, 30),
        reset=st.booleans(),
        times=st.integers(1, 2),
    )
    def adjust(self, name: str, grant: int, reset: bool, times: int) -> None:
        """What is used is taken away and the limit raised once; what is held stays held."""
        self.changed += 1
        ticket = f"{self.run}-change-{self.changed}"
        for each in range(times):
            found = self.backend.adjust(ticket, self.key(name), FAR, self.now, grant=grant, reset=reset)
            if each == 0:
                self.granted[name] += grant
                if reset:
                    self.resets[name] += 1
                    self.used[name] = 0
                    for one in self.tickets:
                        if name in one.holds and one.holds[name].expires <= self.now:
                            del one.holds[name]
            assert found == self.balance(name)

    @rule(seconds=st.sampled_from([0.05, 0.4, 1.0, 6.1, 30.0, 61.0, 121.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @rule()
    def reopen(self) -> None:
        """The files and connections of the store are closed."""
        self.backend.close()

    @invariant()
    def every_ledger_is_exact(self) -> None:
        """Each ledger says what was used and is held."""
        for name in LIMITS:
            assert self.backend.ledger(self.key(name), self.now) == self.balance(name)

    @invariant()
    def every_ledger_is_listed(self) -> None:
        """The ledgers with a balance are listed with it, and no others."""
        listed = self.backend.ledgers(f"{self.run}|", self.now)
        balances = {self.key(name): self.balance(name) for name in LIMITS}
        assert {key: one for key, one in listed.items() if one != Ledger()} == {
            key: one for key, one in balances.items() if one != Ledger()
        }

    @invariant()
    def no_reservation_passes_a_limit(self) -> None:
        """What is held fits into what is left, but for what calls used beyond their reservations."""
        for name, limit in LIMITS.items():
            if limit is not None and self.used[name] == 0:
                balance = self.balance(name)
                assert balance.used + balance.held <= limit + balance.granted

    def teardown(self) -> None:
        """Every settled call is in the totals, once."""
        sums = self.backend.sums(PERIOD, PERIOD).get(PERIOD, {}).get(self.run, {})
        assert sums.get("calls", 0) == self.calls


@pytest.fixture
def backend(store_url: str) -> Iterator[Backend]:
    """Yield the backend of a fresh store."""
    store = open_store(store_url)
    yield store.backend
    store.close()


def test_no_interleaving_passes_a_limit_or_loses_an_amount(backend: Backend) -> None:
    """Whatever is admitted, renewed, settled, repeated or left to expire: the store equals a simple model of it."""
    machine = type("OfStore", (Calls,), {"backend": backend})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=[*HealthCheck]
        ),
    )
