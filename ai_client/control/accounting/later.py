"""Work that goes on after its call: background responses, runs and batches, whose usage a later call reports.

The call that begins it counts what was reserved for it, as nothing is known yet. What it counted, and where, is kept
in the store under the id of the work. The first call that sees the usage, in whatever process, counts the difference.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from ..._call.call import Call, Reply, StreamEnd
from ..._call.report import reported
from ..._call.usage import Usage
from ..._models.adapters import adapter_of
from ...errors import members_of
from ...stores.base import Spend, Tally
from ..pricing.billed import RUNS, is_billed, is_of_text
from ..pricing.meter import metered
from ..pricing.terms import Terms
from ..record import record_of
from .parts import Amounts, Books, Place, Unit

_NOTHING: Amounts = {"requests": 0, "tokens": 0, "usd": 0}
_KEPT = 7 * 86_400.0
"""Seconds for which begun work is remembered."""
_BEGINS = re.compile(rf"(?:^|/)(?:responses|batches|{RUNS})$")
_RESPONSES = re.compile(r"(?:^|/)responses$")
_USUAL = frozenset({"/chat/completions", "/responses", "/embeddings", "/completions"})
_ASKS = re.compile(
    r"(?:^|/)(?:responses|batches|threads/[^/]+/runs)/(?P<id>[^/]+)(?P<act>/cancel|/submit_tool_outputs)?$"
)
_GOES_ON = frozenset({"validating", "queued", "in_progress", "finalizing", "cancelling", "requires_action"})


def begins_work(call: Call) -> bool:
    """Return whether what a call begins may go on after its answer."""
    path = call.path.partition("?")[0]
    if call.method != "POST" or _BEGINS.search(path) is None:
        return False
    return _RESPONSES.search(path) is None or call.members().get("background") is True


def uses_tokens(call: Call) -> bool:
    """Return whether what a call uses is counted with it: it is billed, or begins work."""
    if is_of_text(call):
        return True
    return call.session or (call.method == "POST" and (is_billed(call) or begins_work(call)))


def asked_for(call: Call) -> str | None:
    """Return the id of the work that a call asks for, `None` where it asks for none."""
    if call.path in _USUAL:
        return None
    match = _ASKS.search(call.path.partition("?")[0])
    if match is None or call.method != ("POST" if match["act"] else "GET"):
        return None
    return match["id"]


def id_in(reply: Reply) -> str | None:
    """Return the id of the work in a whole answer."""
    found = _parsed(_content(reply)).get("id")
    return found if isinstance(found, str) else None


def watched(call: Call, reply: Reply) -> list[str]:
    """Return a list that will hold the id of the response in a stream, where that goes on if the stream breaks off."""
    found: list[str] = []

    def see(data: bytes) -> None:
        if not found and isinstance(name := members_of(_parsed(data).get("response")).get("id"), str):
            found.append(name)

    if begins_work(call):
        reply.on_event.append(see)
    return found


def _usage_in(content: bytes | None) -> Usage | None:
    """Return the usage that an answer reports of work that is done; `None` while it goes on."""
    answer = _parsed(content)
    if content is None or answer.get("status") in _GOES_ON:
        return None
    usage = reported(content)
    if usage is None or usage.is_empty:
        return None
    if answer.get("object") == "batch":
        usage.service_tier = "batch"
    return usage


def _parsed(content: bytes | None) -> Mapping[str, Any]:
    try:
        return members_of(from_json(content)) if content else {}
    except ValueError:
        return {}


def _content(reply: Reply) -> bytes | None:
    return reply.answer.content_if_read


def _key_of(work: str, policies: str) -> str:
    """Return the key under which policies keep begun work, which is also the ticket of its settlement."""
    return f"begun|{policies}|{work}"


class Begun(NamedTuple):
    """Amounts that were counted when work began.

    Attributes:
        places: Where it counts in budgets.
        needed: What it counted there.
        nano_usd: The cost that it counted, `None` where that is unknown.
        tally: Period, labels and end of the totals in which it counts; `None` where there are none.
        terms: What decides its price.
    """

    places: "tuple[Place, ...]"
    needed: Amounts
    nano_usd: int | None
    tally: tuple[str, str, float] | None
    terms: Terms

    def encoded(self) -> bytes:
        """Return it as JSON."""
        return to_json(self)

    @classmethod
    def decoded(cls, value: bytes | None) -> "Begun | None":
        """Return what `encoded` wrote; `None` where it is anything else."""
        try:
            begun = _adapter().validate_json(value or b"")
        except ValueError:
            return None
        return begun._replace(needed={**_NOTHING, **begun.needed})

    def spends(self, used: Amounts) -> list[Spend]:
        """Return what is to be counted in addition, now that *used* is known; a call counted as a request before."""
        amounts: dict[Unit, int] = {unit: used[unit] - self.needed.get(unit, 0) for unit in used}
        amounts["requests"] = 0
        return [Spend(key, amounts[unit], until) for key, unit, _, until in self.places]


@lru_cache
def _adapter() -> TypeAdapter[Begun]:
    return adapter_of(Begun)


async def remember(books: Books, call: Call, work: str, begun: Begun) -> None:
    """Keep what was counted for work that goes on."""
    if books.store is not None:
        now = call.io.now()
        key = _key_of(work, books.name)
        await books.store.set(call.io, key, begun.encoded(), now + _KEPT, now)


async def settle_work(books: Books, call: Call, reply: Reply, work: str) -> None:
    """Count what the work that a call asked for has used, now or when the answer ends, if the answer reports it."""
    if call.is_whole:
        await call.io.carry_through(_settle(books, call, work, _usage_in(_content(reply))))
    elif call.stream is not None:
        meter = metered(call, call, reply)

        async def settle(end: StreamEnd) -> None:
            del end
            usage = meter.usage()
            await _settle(books, call, work, usage if usage.source == "reported" else None)

        reply.on_end.append(settle)


async def _settle(books: Books, call: Call, work: str, usage: Usage | None) -> None:
    """Count what the work used instead of what was reserved for it, once."""
    io, store, now = call.io, books.store, call.io.now()
    if usage is None or store is None:
        return
    key = _key_of(work, books.name)
    begun = Begun.decoded(await store.get(io, key, now))
    if begun is None:  # it was not begun here, or is counted already
        return
    record, budgets, cost = record_of(call), books.budgets, books.cost
    record.usage = record.settled = usage
    tally: Tally | None = None
    if cost is not None:
        tally = cost.corrected(record, usage, begun.tally, begun.nano_usd, begun.terms)
    spends: list[Spend] = []
    if budgets is not None:
        spends = begun.spends(budgets.used(usage, record, begun.needed, begun.terms))
    ledgers = await store.settle(io, key, spends, now, tally=tally)
    await store.set(io, key, b"", now + 1, now)
    if budgets is not None and len(begun.places) == len(budgets.budgets):
        await budgets.warn(io, record, begun.places, ledgers)
