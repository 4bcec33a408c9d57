"""A process that makes calls of every kind with every control: `python -m tests.support.hostile.spender OPTIONS`.

Each line on its standard output is JSON: what was set aside for a call before it was, and how the call ended once it
is settled. A process that is killed has said all that it set aside.
"""

import asyncio
import json
import logging
import os
import random
import sys
import threading
from contextlib import ExitStack
from typing import Any

from ai_client import AsyncOpenAI, OpenAI, OpenAIError, labels
from ai_client._call.retry import no_waiting
from ai_client.control import Call, Next, Record, Reply, make_layers
from ai_client.control.record import record_of
from ai_client.stores import Hold, open_store
from tests.support.hostile.biller import PRICES
from tests.support.hostile.chosen_calls import KINDS, aread, cancelled, read, request

LANES = 4
"""Calls under way at once."""
TIMEOUT = 2.0
EXPIRES = 1.0
"""Seconds after which a reservation expires that nobody renews: fewer than some calls last."""
TENANTS = ("acme", "bolt", "core", "bolt")


def say(**fact: Any) -> None:
    """Write a fact in one piece, whatever other threads write."""
    os.write(1, json.dumps(fact).encode() + b"\n")


class Announcing(logging.Handler):
    """Says that the store fails, as settlements are queued then, and lost where the process is killed."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it for each warning of the store."""
        if "until it is available again" in record.getMessage().lower():
            say(lacks_store=True)


class Witness:
    """The outermost policy: keeps the record of the call that a thread or task makes."""

    for_sessions = False

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        """Keep the record of a call."""
        record = record_of(call)
        self.records[record.labels.user or ""] = record
        return await proceed(call)


def watched(url: str) -> Any:
    """Open the store, and say what is set aside before it is."""
    store: Any = open_store(url, on_failure="closed")
    admit = store.admit

    async def saying(*args: Any, **options: Any) -> Any:
        holds = [(hold.key, hold.amount) for part in args if isinstance(part, list) for hold in part]
        if holds and isinstance(args[2][0], Hold):
            say(held=holds)
        return await admit(*args, **options)

    store.admit = saying
    return store


def controls(store: Any, base_url: str, limit: float, sync: bool, witness: Witness) -> tuple[Any, ...]:
    """Return all policies that have to do with money, limits and failures."""
    prices = {
        model: {name: amount / 1000 for name, amount in price.items() if name != "request"}
        | {"request": price["request"] / 10**9}
        for model, price in PRICES.items()
    }
    options = {
        "store": store,
        "policies": [witness],
        "models": {"smart": ["dear", "second/cheap"]},
        "fallback": {"clients": {"second": second(f"{base_url}/second/v1", sync)}},
        "budgets": [
            {"usd": 10**6, "per": "total", "name": "everything"},
            {"usd": 10**6, "per": "total", "name": "each", "scope": "user"},
            {"usd": limit, "per": "total", "name": "tenant", "scope": "tenant"},
            {"requests": 10**9, "per": "day", "scope": ["tenant", "model"]},
        ],
        "budget_options": {"expires": EXPIRES},
        "cost": True,
        "prices": prices,
        "price_options": {"library": False},
        "rate_limits": [{"requests": 10**6, "tokens": 10**9, "scope": "tenant"}],
        "rate_limit_options": {"max_wait": 1.0},
        "concurrency": {"max_in_flight": LANES - 1, "queue_timeout": TIMEOUT},
        "retry_budget": {"share": 1.0},
        "cache": {"scope": "all"},
        "guardrails": {"max_output_tokens": 64},
    }
    return make_layers(options)


def second(base_url: str, sync: bool) -> Any:
    """Return the client that a fallback goes to."""
    kind = OpenAI if sync else AsyncOpenAI
    return kind(base_url=base_url, api_key="two", max_retries=1, timeout=TIMEOUT)


class Caller:
    """Makes calls that are chosen by chance, each with a name of its own, and says how they end.

    Args:
        name: The name of the process.
        seed: What chance follows from.
        calls: How many calls.
        witness: What has their records.
    """

    def __init__(self, name: str, seed: int, calls: int, witness: Witness) -> None:
        self._name = name
        self._seed = seed
        self._numbers = iter(range(calls))
        self._witness = witness
        self._lock = threading.Lock()

    def next(self) -> tuple[str, str, random.Random] | None:
        """Return the next call: its name, its kind, and what else depends on chance; `None` after the last."""
        with self._lock:
            number = next(self._numbers, None)
        if number is None:
            return None
        ident = f"{self._name}-{number}"
        chance = random.Random(f"{self._seed} {ident}")
        return ident, chance.choices([*KINDS], [*KINDS.values()])[0], chance

    def ended(self, ident: str, kind: str, error: BaseException | None, *, cut: bool) -> None:
        """Say how a call ended."""
        record = self._witness.records.pop(ident, None)
        say(
            ended=ident,
            kind=kind,
            error=None if error is None else type(error).__name__,
            cut=cut,
            lost=0 if record is None else record.lost,
            answered=0 if record is None else record.answered,
            cache=None if record is None else record.cache,
            source=record.usage.source if record is not None and record.usage is not None else None,
        )

    def sync(self, client: OpenAI) -> None:
        """Make calls one after the other."""
        while (chosen := self.next()) is not None:
            ident, kind, chance = chosen
            about, make = request(ident, kind, chance)
            say(began=ident, about=about)
            error: BaseException | None = None
            cut = kind == "cut"
            with labels(tenant=chance.choice(TENANTS), user=ident):
                try:
                    if cut:
                        read(make(client.with_options(deadline=chance.uniform(0.001, 0.04))), None)
                    else:
                        cut = read(make(client), chance.randrange(3) if kind == "left" else None)
                except OpenAIError as caught:
                    error = caught
            self.ended(ident, kind, error, cut=cut)

    async def asynchronous(self, client: AsyncOpenAI) -> None:
        """Make calls one after the other, in one task of several."""
        while (chosen := self.next()) is not None:
            ident, kind, chance = chosen
            about, make = request(ident, kind, chance)
            say(began=ident, about=about)
            error: BaseException | None = None
            cut = kind == "cut"
            with labels(tenant=chance.choice(TENANTS), user=ident):
                try:
                    if cut:
                        await cancelled(make(client), chance)
                    else:
                        cut = await aread(make(client), chance.randrange(3) if kind == "left" else None)
                except OpenAIError as caught:
                    error = caught
            self.ended(ident, kind, error, cut=cut)


def main(options: dict[str, Any]) -> None:
    """Make the calls, in a project of Django with the databases that the store needs.

    Args:
        options: `name`, `seed`, `calls`; the provider's `url`, the `store`, its `databases`, the `limit` of a tenant in
            USD, and whether the client is the `sync` one.
    """
    with ExitStack() as stack:
        if options["databases"]:
            from tests.support import django_databases

            django_databases.load_site()
            for alias, entry in options["databases"].items():
                stack.enter_context(django_databases.database(alias, entry))
        make_calls(options)


def make_calls(options: dict[str, Any]) -> None:
    """Make the calls once a line comes in."""
    logging.getLogger("ai_client").addHandler(Announcing())
    witness = Witness()
    store = watched(options["store"])
    sync = options["sync"]
    base_url = options["url"]
    layers = controls(store, base_url, options["limit"], sync, witness)
    caller = Caller(options["name"], options["seed"], options["calls"], witness)
    given: dict[str, Any] = {
        "base_url": f"{base_url}/v1",
        "api_key": "one",
        "timeout": TIMEOUT,
        "layers": layers,
    }
    say(ready=options["name"])
    sys.stdin.readline()
    with no_waiting():
        if sync:
            with OpenAI(**given) as client:
                lanes = [threading.Thread(target=caller.sync, args=(client,)) for _ in range(LANES)]
                for lane in lanes:
                    lane.start()
                for lane in lanes:
                    lane.join()
        else:
            asyncio.run(make_all(caller, given))
    store.close()
    say(done=options["name"])


async def make_all(caller: Caller, given: dict[str, Any]) -> None:
    """Make calls in several tasks at once."""
    async with AsyncOpenAI(**given) as client:
        await asyncio.gather(*(caller.asynchronous(client) for _ in range(LANES)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
