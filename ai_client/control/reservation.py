"""What one call holds of its budgets, until it is known what it used."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import StoreError
from ..stores.base import Hold, Ledger, Spend
from ..stores.tickets import new_ticket

if TYPE_CHECKING:
    from ..stores import Store
    from .budget import Amounts
    from .call import Call
    from .ledgers import Place
    from .record import Record


class Reservation:
    """Amounts that are set aside for a call, and once more for each attempt after one that may have been billed.

    Args:
        store: Where they are set aside.
        call: What is about to be sent.
        record: Its record.
        places: Where the call counts.
        holds: What was set aside there.
        ticket: The name under which that was done.
        expires: Seconds after which what nobody settled is given back.
    """

    __slots__ = ("_before", "_expires", "_holds", "_io", "_outer", "_places", "_record", "_store", "_tickets")

    def __init__(
        self,
        store: "Store",
        call: "Call",
        record: "Record",
        places: "Sequence[Place]",
        *,
        holds: Sequence[Hold],
        ticket: str,
        expires: float,
    ) -> None:
        self._store = store
        self._io = call.io
        self._record = record
        self._places = places
        self._holds = holds
        self._expires = expires
        self._before = record.billable
        self._outer = record.before_retry
        self._tickets = [ticket]
        record.before_retry = self._again

    def sent(self) -> None:
        """Note that there will be no further attempt."""
        self._record.before_retry = self._outer

    async def settle(self, used: "Amounts | None") -> list[Ledger]:
        """Count what the answered attempt *used*, if one was, and what was set aside for each that was lost."""
        billable = self._record.billable - self._before
        tickets = self._tickets
        if used is not None and billable <= 1 and len(tickets) == 1:  # as nearly always
            spends = [Spend(key, used[unit], until) for key, unit, _, until in self._places]
            instant = self._store.instant
            if instant is not None:
                return instant.settle(tickets[0], spends, self._io.now())
            return await self._store.settle(self._io, tickets[0], spends, self._io.now())
        lost = billable if used is None else max(0, billable - 1)
        ledgers: list[Ledger] = []
        for number, ticket in enumerate(tickets):
            amounts = self._amounts(number, lost, used)
            spends = [
                Spend(hold[0], amount, hold[3]) for hold, amount in zip(self._holds, amounts, strict=True)
            ]
            ledgers = await self._store.settle(self._io, ticket, spends, self._io.now())
        return ledgers

    def _amounts(self, number: int, lost: int, used: "Amounts | None") -> list[int]:
        """Give what one of the tickets comes to."""
        if number < lost:
            return self._amounts_of(number)
        if used is None or number > lost:
            return [0] * len(self._holds)
        return [used[place.unit] if number == 0 or _by_attempt(place) else 0 for place in self._places]

    def _amounts_of(self, number: int) -> list[int]:
        return [
            hold.amount if number == 0 or _by_attempt(place) else 0
            for hold, place in zip(self._holds, self._places, strict=True)
        ]

    async def _again(self) -> bool:
        """Set aside as much once more where the attempt before may have been billed; tell whether there is room."""
        if self._outer is not None and not await self._outer():
            return False
        if self._record.billable - self._before < len(self._tickets) or not any(
            map(_by_attempt, self._places)
        ):
            return True
        number, now, ticket = len(self._tickets), self._io.now(), new_ticket()
        holds = [
            hold._replace(amount=amount)
            for hold, amount in zip(self._holds, self._amounts_of(number), strict=True)
        ]
        try:
            refusal = await self._store.reserve(self._io, ticket, holds, now, now + self._expires)
        except StoreError:
            return False
        if refusal is None:
            self._tickets.append(ticket)
        return refusal is None


def _by_attempt(place: "Place") -> bool:
    """Tell whether each attempt without an answer uses up what is set aside; else the call does, once."""
    return place.unit != "requests"
