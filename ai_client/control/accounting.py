"""Counting calls for budgets, cost and rates together: one visit to the store before a call, and one after it."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..errors import RateLimitError
from .bill import Bill
from .call import Call, Layer, Next, Reply
from .meter import usage_of
from .record import record_of

if TYPE_CHECKING:
    from ..stores import Backend, Store
    from .budget import Budgets
    from .cost import Cost
    from .rate_limit import RateLimits

Part = Literal["budgets", "cost", "rates"]
_ORDER: tuple[Part, ...] = ("budgets", "cost", "rates")


class Counted:
    """A policy that counts calls in a store: alone, or as one with those next to it that count in the same."""

    part: ClassVar[Part]

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call and count it; see `Accounting`."""
        return Accounting({self.part: self})(call, proceed)

    def joined(self, outer: Sequence[Layer]) -> list[Layer]:
        """Give what acts for this policy and for that next further out, if there is one, in one step or two."""
        for layer in outer:
            if isinstance(layer, Accounting) and layer.may_include(self):
                return [Accounting({**layer.parts, self.part: self})]
        return [*outer, Accounting({self.part: self})]


class Accounting:
    """Counts calls for policies next to each other that share a store.

    Args:
        parts: The policies: budgets are asked for room first, and rates after them; a call waits for these with
            nothing set aside. Cost prices what was used before budgets count it.
    """

    __slots__ = ("budgets", "cost", "expires", "instant", "parts", "rates", "store")

    def __init__(self, parts: Mapping[Part, Any]) -> None:
        self.parts = parts
        self.budgets: Budgets | None = parts.get("budgets")
        self.cost: Cost | None = parts.get("cost")
        self.rates: RateLimits | None = parts.get("rates")
        stores = [part.store for part in parts.values() if part.store is not None]
        self.store: Store | None = stores[0] if stores else None
        self.expires = 0.0 if self.budgets is None else self.budgets.expires
        self.instant: Backend | None = None if self.store is None else self.store.instant

    def may_include(self, inner: Any) -> bool:
        """Tell whether it makes no difference to anyone if this counts for the policy next further in too."""
        if any(_ORDER.index(part) >= _ORDER.index(inner.part) for part in self.parts):
            return False
        return self.store is None or inner.store is None or inner.store is self.store

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        """Send a call if there is room for it, and count what came of it.

        Raises:
            BudgetExceeded: A hard budget has no room for the most that the call may need.
            RateLimitExceeded: The rates have none within `max_wait`.
            ConfigError: A hard budget counts USD, and the price of the model is not known.
            StoreError: The store is down and set to refuse calls then.
        """
        budgets, cost, rates = self.budgets, self.cost, self.rates
        if budgets is not None and budgets.in_usd and call.method == "POST" and not budgets.prices.is_ready:
            await budgets.prices.ready(call.io)
        if cost is not None:
            cost.prices.warm()
        record = call.record or record_of(call)
        bill = Bill(self, call, record)
        if not bill.is_admitted():
            await bill.admitted()
        usage = None
        try:
            reply = await proceed(bill.sent)
            if bill.measures and call.stream is None and not call.unread:
                usage = reply.usage or usage_of(call, reply, record)
        except BaseException as error:
            if rates is not None and isinstance(error, RateLimitError):
                rates.learn(call, record, error.response)
            await call.io.carry_through(bill.fail())
            raise
        finally:
            bill.no_more_attempts()
        if rates is not None and rates.upstream:
            rates.learn(call, record, reply.response)
        if bill.measures and usage is None:
            bill.settle_at_end_of(reply)
            return reply
        try:
            ledgers = bill.settled_at_once(usage)
            if ledgers is None:
                ledgers = await bill.settled(usage)
            if budgets is not None and budgets.are_low(ledgers):
                await bill.warn(ledgers)
        except BaseException as error:
            await reply.abandon(call.io, error)
            raise
        return reply
