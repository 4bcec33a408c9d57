"""Processes that spend from one store, some of which are killed, and the comparison of its ledgers with the bill."""

import json
import random
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ai_client.control import Cost
from ai_client.stores import open_store
from tests.support.hostile.spender import EXPIRES
from tests.support.policies import finish, sync_io

PATIENCE = 300.0


@dataclass
class Spender:
    """A process that makes calls, and what it has said.

    Attributes:
        dies_after: After how many ended calls it is killed, `None` for never.
        held: What was set aside for each ledger, amount by amount.
        about: What each call is about that was begun.
        ended: How each call ended.
        is_done: Whether it came to its end.
        lacked_store: Whether the store failed it, so that settlements were queued.
    """

    process: "subprocess.Popen[str]"
    dies_after: int | None
    held: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    about: dict[str, str] = field(default_factory=dict)
    ended: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_done: bool = False
    lacked_store: bool = False

    def listen(self) -> None:
        """Take in what the process says, until it ends; kill it when its time has come."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                fact = json.loads(line)
            except ValueError:  # cut off in the middle
                continue
            for key, amount in fact.get("held", ()):
                self.held[key].append(amount)
            if "began" in fact:
                self.about[fact["began"]] = fact["about"]
            if "ended" in fact:
                self.ended[fact["ended"]] = fact
            self.is_done |= "done" in fact
            self.lacked_store |= "lacks_store" in fact
            if self.dies_after is not None and len(self.ended) >= self.dies_after:
                self.process.kill()
        self.process.wait()


@contextmanager
def biller(seed: int) -> Iterator["subprocess.Popen[str]"]:
    """Run the provider in a process of its own; `answer_of` has its port first, and then its bill."""
    command = [sys.executable, "-m", "tests.support.hostile.biller", str(seed)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def answer_of(process: "subprocess.Popen[str]", ask: bool = True) -> Any:
    """Return the next line that a process says, after asking for it."""
    assert process.stdin is not None
    assert process.stdout is not None
    if ask:
        process.stdin.write("\n")
        process.stdin.flush()
    return json.loads(process.stdout.readline())


def spend(given: Mapping[str, Any], processes: int) -> list[Spender]:
    """Run processes, sync and async ones in turn, kill half of them at some moment, and wait for the others.

    Args:
        given: The options of each, see `spender`.
        processes: How many.
    """
    chance = random.Random(given["seed"])
    calls = given["calls"]
    spenders: list[Spender] = []
    for number in range(processes):
        options = {**given, "name": f"p{number}", "sync": bool(number & 1)}
        command = [sys.executable, "-m", "tests.support.hostile.spender", json.dumps(options)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        dies_after = chance.randrange(calls // 10, calls * 9 // 10) if number & 2 else None
        spenders.append(Spender(process, dies_after))
    try:
        for spender in spenders:
            assert answer_of(spender.process, ask=False)["ready"]
        listening = [threading.Thread(target=spender.listen) for spender in spenders]
        for spender, thread in zip(spenders, listening, strict=True):
            assert spender.process.stdin is not None
            thread.start()
            spender.process.stdin.write("\n")
            spender.process.stdin.flush()
        for thread in listening:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a call never ends"
    finally:
        for spender in spenders:
            spender.process.kill()
            spender.process.communicate()
    return spenders


@dataclass
class Subject:
    """All calls about one thing, and what the provider bills for it: one call, or those that share an answer.

    Attributes:
        bill: What the provider bills.
        counted: What their ledgers say once reservations that nobody settles have expired.
        set_aside: What was set aside for its calls, amount by amount.
        priced: What the totals of cost say.
        unknown: The calls and attempts of which nobody can know whether they are billed.
        killed: The calls that never ended, or whose settlement may have been lost with their process.
    """

    bill: int = 0
    counted: int = 0
    set_aside: list[int] = field(default_factory=list)
    priced: int = 0
    unknown: int = 0
    killed: int = 0

    def wrong(self) -> str | None:
        """Return what is wrong with the ledger, `None` where nothing is."""
        if self.counted < self.bill:
            return "less than the bill"
        if not self.unknown and not self.killed:
            if self.counted != self.bill:
                return "other than the bill, though all is known"
            return None if self.priced == self.bill else "totals of cost other than the bill"
        most = sum(self.set_aside if self.killed else sorted(self.set_aside)[-self.unknown :])
        return None if self.counted <= self.bill + most else "more than was set aside for what is unknown"


def subjects_of(spenders: Sequence[Spender], bill: dict[str, Any], url: str) -> dict[str, Subject]:
    """Return what was counted and billed, by subject."""
    store = open_store(url)
    ledgers = ledgers_of(store, spenders, "each")
    found: dict[str, Subject] = defaultdict(Subject)
    for about, entries in bill.items():
        found[about].bill = sum(cost for _, _, cost in entries)
    try:
        priced = {
            row.labels["user"]: row.sums.get("nano_usd", 0) for row in Cost(store=store).report(by=["user"])
        }
        for spender in spenders:
            for key in spender.held.keys() & ledgers.keys():
                ident = key.rpartition("user=")[2]
                subject = found[spender.about[ident]]
                subject.set_aside += spender.held[key]
                subject.counted += ledgers[key]
                subject.priced += priced.get(ident, 0)
            loses_settlements = spender.lacked_store and not spender.is_done
            for ident, about in spender.about.items():
                fact = spender.ended.get(ident)
                if fact is None or loses_settlements:
                    found[about].killed += 1
                else:
                    known = fact["source"] == "reported"
                    found[about].unknown += fact["lost"] + max(0, fact["answered"] - known) + fact["cut"]
    finally:
        store.close()
    return found


def ledgers_of(store: Any, spenders: Sequence[Spender], name: str) -> dict[str, int]:
    """Return what each ledger of a budget says once all reservations have expired that nobody settles."""
    io = sync_io()
    keys = {key for spender in spenders for key in spender.held if key.startswith(f"{name}|")}
    found = {key: finish(store.ledger(io, key, io.now() + 2 * EXPIRES)) for key in sorted(keys)}
    assert not any(ledger.held for ledger in found.values())
    return {key: ledger.used for key, ledger in found.items()}


def outcomes(spenders: Sequence[Spender]) -> Counter[str]:
    """Count how calls ended."""
    facts = [fact for spender in spenders for fact in spender.ended.values()]
    return Counter(fact["error"] or ("cut" if fact["cut"] else fact["cache"] or "answered") for fact in facts)
