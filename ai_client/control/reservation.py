"""What one call holds of its budgets, until it is known what it used."""

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

from ..errors import StoreError
from ..stores.base import Hold, Ledger, Spend
from ..stores.tickets import new_ticket

if TYPE_CHECKING:
    from ..stores import Store
    from .call import Call
    from .record import Record


class Reservation:
    """Amounts that are set aside for a call, and once more for each attempt after one that may have been billed.

    Args:
        store: Where they are set aside.
        call: What is about to be sent.
        record: Its record.
        holds: The amounts.
        ticket: The name under which they were set aside first.
        by_attempt: For each of them, whether an attempt without an answer uses it up; else the call does, once.
        expires: Seconds after which what nobody settled is given back.
    """

    __slots__ = (
        "_before",
        "_by_attempt",
        "_expires",
        "_holds",
        "_io",
        "_outer",
        "_record",
        "_store",
        "_tickets",
    )

    def __init__(
        self,
        store: "Store",
        call: "Call",
        record: "Record",
        holds: Sequence[Hold],
        *,
        ticket: str,
        by_attempt: Sequence[bool],
        expires: float,
    ) -> None:
        self._store = store
        self._io = call.io
        self._record = record
        self._holds = holds
        self._by_attempt = by_attempt
        self._expires = expires
        self._before = record.billable
        self._outer = record.before_retry
        self._tickets = [ticket]
        record.before_retry = self._again

    def sent(self) -> None:
        """Note that there will be no further attempt."""
        self._record.before_retry = self._outer

    def settle(self, used: Sequence[int] | None) -> Awaitable[list[Ledger]]:
        """Count what the answered attempt *used*, if one was, and what was set aside for each that was lost."""
        billable = self._record.billable - self._before
        tickets = self._tickets
        if used is not None and billable <= 1 and len(tickets) == 1:  # as nearly always
            pairs = zip(self._holds, used)  # noqa: B905 - of one length, and to check takes as long as the rest
            spends = [Spend(hold[0], amount, hold[3]) for hold, amount in pairs]
            return self._store.settle(self._io, tickets[0], spends, self._io.now())
        return self._settle_each(used, billable if used is None else max(0, billable - 1))

    async def _settle_each(self, used: Sequence[int] | None, lost: int) -> list[Ledger]:
        ledgers: list[Ledger] = []
        for number, ticket in enumerate(self._tickets):
            ledgers = await self._count(ticket, self._amounts(number, lost, used))
        return ledgers

    def _count(self, ticket: str, amounts: Sequence[int]) -> Awaitable[list[Ledger]]:
        spends = [Spend(hold[0], amount, hold[3]) for hold, amount in zip(self._holds, amounts, strict=True)]
        return self._store.settle(self._io, ticket, spends, self._io.now())

    def _amounts(self, number: int, lost: int, used: Sequence[int] | None) -> Sequence[int]:
        """Give what one of the tickets comes to."""
        if number < lost:
            return self._amounts_of(number)
        if used is None or number > lost:
            return [0] * len(self._holds)
        if number == 0:
            return used
        return [amount if each else 0 for amount, each in zip(used, self._by_attempt, strict=True)]

    def _amounts_of(self, number: int) -> list[int]:
        return [
            hold.amount if each or number == 0 else 0
            for hold, each in zip(self._holds, self._by_attempt, strict=True)
        ]

    async def _again(self) -> bool:
        """Set aside as much once more where the attempt before may have been billed; tell whether there is room."""
        if self._outer is not None and not await self._outer():
            return False
        if self._record.billable - self._before < len(self._tickets) or not any(self._by_attempt):
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
