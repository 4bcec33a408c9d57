"""Counting calls for budgets, cost and rates together: one visit to the store before a call, and one after it."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..._call.call import Call, Reply
from ..._call.pipeline import Layer, Next
from ...errors import RateLimitError
from ..pricing.media import TEXT_PATHS, is_billed
from ..pricing.meter import usage_of
from ..record import record_of
from .places import Standings
from .reservation import Bill

if TYPE_CHECKING:
    from ..._io import IO
    from ...stores import Backend, Store
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

    Attributes:
        measures: Whether it matters what a call used.
        asks: Whether streams are asked for that.
        standings: Where calls count.
    """

    __slots__ = (
        "_is_warm",
        "_of_free",
        "_of_reads",
        "asks",
        "budgets",
        "cost",
        "expires",
        "instant",
        "measures",
        "parts",
        "rates",
        "standings",
        "store",
    )

    def __init__(self, parts: Mapping[Part, Any]) -> None:
        self.parts = parts
        budgets: Budgets | None = parts.get("budgets")
        cost: Cost | None = parts.get("cost")
        rates: RateLimits | None = parts.get("rates")
        weighs = (budgets is not None and budgets.measures) or (rates is not None and rates.in_tokens)
        self.budgets, self.cost, self.rates = budgets, cost, rates
        self.measures = weighs or cost is not None
        self.asks = weighs or (cost is not None and cost.ask)
        self.standings = Standings(
            () if budgets is None else budgets.budgets, () if rates is None else rates.limits
        )
        stores = [part.store for part in parts.values() if part.store is not None]
        self.store: Store | None = stores[0] if stores else None
        self.expires = 0.0 if budgets is None else budgets.expires
        self.instant: Backend | None = None if self.store is None else self.store.instant
        self._of_free = self._with("budgets", "rates")
        self._of_reads = self._with("rates")
        self._is_warm = False

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
        accounting = self if call.method == "POST" and call.path in TEXT_PATHS else self._of(call)
        if not accounting._is_warm:
            await accounting._warm_up(call.io)
        budgets, rates = accounting.budgets, accounting.rates
        record = call.record or record_of(call)
        bill = Bill(accounting, call, record)
        if not bill.is_admitted():
            await bill.admitted()
        usage = None
        try:
            reply = await proceed(bill.sent)
            if accounting.measures and call.stream is None and not call.unread:
                usage = usage_of(call, reply, record)
        except BaseException as error:
            if rates is not None and isinstance(error, RateLimitError):
                rates.learn(record, error.response, call.io.now())
            await call.io.carry_through(bill.fail())
            raise
        finally:
            record.before_retry = bill.outer
        now = call.io.now()
        if rates is not None and rates.upstream:
            rates.learn(record, reply.response, now)
        if accounting.measures and usage is None:
            bill.settle_at_end_of(reply)
            return reply
        try:
            ledgers = bill.settled_at_once(usage, now)
            if ledgers is None:
                ledgers = await bill.settled(usage, now)
            if budgets is not None and budgets.are_low(ledgers):
                await bill.warn(ledgers)
        except BaseException as error:
            await reply.abandon(call.io, error)
            raise
        return reply

    def _of(self, call: Call) -> "Accounting":
        """Give what counts a call: rates alone where it only lists, reads or deletes; no cost where it is free."""
        if call.session:
            return self
        if call.method != "POST":
            return self._of_reads
        return self if is_billed(call) else self._of_free

    def _with(self, *names: Part) -> "Accounting":
        parts: dict[Part, Any] = {name: part for name, part in self.parts.items() if name in names}
        return self if len(parts) == len(self.parts) else Accounting(parts)

    async def _warm_up(self, io: "IO") -> None:
        """Have prices loaded; only budgets in USD wait for that."""
        if self.budgets is not None and self.budgets.in_usd:
            await self.budgets.prices.ready(io)
        if self.cost is not None:
            self.cost.prices.warm()
        self._is_warm = True
