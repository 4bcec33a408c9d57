"""Protocols of the policies that `Accounting` counts for, which import it themselves."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

from ..._call.call import Call
from ..._call.labels import Labels
from ..._call.record import Record
from ..._call.usage import Source, Usage
from ..._io import IO
from ...stores import Ledger, Store, Take, Tally
from ...stores.base import OnExpired
from ...stores.rows import Columns, Row
from ..pricing.price import Price
from ..pricing.prices import Prices
from ..pricing.terms import Terms
from ..scope import Scope
from ..windows import Per, Window
from .rates.line import Lines, Shortage
from .rates.upstream_call import UpstreamCall

Part = Literal["budgets", "cost", "rates"]
Unit = Literal["usd", "tokens", "requests"]
Amounts: TypeAlias = dict[Unit, int]
Names: TypeAlias = tuple[Labels, str | None, str | None, str | None, str | None, Source]
"""The labels, the model as it is asked and as it says it answered, the alias, the target, and the source of the usage:
calls that are alike in all of these count in the same place at the same price, for an hour."""


class Place(NamedTuple):
    """Where a call counts for one budget: the ledger's key, its unit, its limit, and when it may be forgotten."""

    key: str
    unit: Unit
    limit: int | None
    until: float


class OneBudget(Protocol):
    """The members of `Budget` that decide in which ledger a call counts."""

    @property
    def name(self) -> str:
        """The name that distinguishes it from others of the same unit, window and scope."""
        ...

    @property
    def per(self) -> Per:
        """The kind of its window."""
        ...

    @property
    def timezone(self) -> str:
        """The time zone of the calendar."""
        ...

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes that each have a budget of this size."""
        ...

    @property
    def unit(self) -> Unit:
        """The unit that it counts."""
        ...

    @property
    def limit(self) -> int:
        """The limit in that unit; 10^-9 USD for `usd`."""
        ...

    @property
    def hard(self) -> bool:
        """Whether a call that does not fit is rejected."""
        ...

    @property
    def places(self) -> "OnePlaces":
        """Its ledgers."""
        ...

    def key(self, record: Record, at: Window) -> str:
        """Return the key of the ledger in which a call counts."""
        ...

    def shown(self, amount: int) -> float:
        """Convert an amount of a ledger to its unit."""
        ...


class BudgetWatcher(Protocol):
    """Takes the balances of budgets that are nearly used up."""

    @property
    def least(self) -> float:
        """The share of a budget from which on it wants to know."""
        ...

    def balance(self, budget: OneBudget, record: Record, place: Place, ledger: Ledger, /) -> None:
        """Take the balance of a budget after a call; waits for nothing."""
        ...


class OnePlaces(Protocol):
    """The ledgers of a budget."""

    def of(self, record: Record, now: float, /) -> Place:
        """Return the ledger in which a call counts at *now*, in seconds since 1970."""
        ...


class OneRate(Protocol):
    """The members of `RateLimit` that decide what a call takes of its windows."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes that each have a rate of this size."""
        ...

    def takes(self, record: Record, tokens: int) -> tuple[Take | None, Take | None]:
        """Return the request, and the *tokens*, that a call takes of its windows."""
        ...


class BudgetsPart(Protocol):
    """The members of `Budgets` that `Accounting` uses."""

    @property
    def budgets(self) -> Sequence[OneBudget]:
        """The budgets that apply."""
        ...

    @property
    def prices(self) -> Prices:
        """Prices of the models."""
        ...

    @property
    def expires(self) -> float:
        """Seconds after which an unsettled reservation expires."""
        ...

    @property
    def on_expired(self) -> OnExpired:
        """Whether its amount then counts as used or is released."""
        ...

    @property
    def measures(self) -> bool:
        """Whether any budget counts tokens or USD."""
        ...

    @property
    def in_usd(self) -> bool:
        """Whether any budget counts USD."""
        ...

    def needed(self, call: Call, record: Record, terms: Terms) -> Amounts:
        """Return the amounts to reserve for a call."""
        ...

    def used(self, usage: Usage, record: Record, needed: Amounts, terms: Terms) -> Amounts:
        """Return the amounts that a call used; *needed* were reserved."""
        ...

    def is_near(self, ledgers: Sequence[Ledger]) -> bool:
        """Return whether any budget is nearly used up by these balances."""
        ...

    async def warn(self, io: IO, record: Record, places: Sequence[Place], ledgers: Sequence[Ledger]) -> None:
        """Log a warning for each budget that is nearly used up."""
        ...

    def refusal(self, position: int, ledger: Ledger, amount: int, record: Record, now: float) -> Exception:
        """Build the error for the budget at *position*, which has no room for *amount*."""
        ...


class CostPart(Protocol):
    """The members of `Cost` that `Accounting` uses."""

    @property
    def prices(self) -> Prices:
        """Prices of the models."""
        ...

    @property
    def store(self) -> Store | None:
        """Where totals are kept."""
        ...

    @property
    def ask(self) -> bool:
        """Whether streams are asked to report their usage."""
        ...

    def tally(self, record: Record, usage: Usage, lost: int, now: float, terms: Terms) -> Tally | None:
        """Price an answered call, and return what it adds to the totals."""
        ...

    def tally_of(
        self, call: Call, record: Record, usage: Usage, *, lost: int, at: float, now: float
    ) -> Tally | Row | None:
        """Return the same for a call that was made *at* a time, and answered as a whole."""
        ...

    def like(self, names: Names, hour: int) -> tuple[Price | None, Columns]:
        """Return the price of calls with these names, and the columns of the rows that they add in an hour."""
        ...

    def place(self, record: Record, now: float) -> tuple[str, str, float]:
        """Return the totals in which a call of unknown usage counts."""
        ...

    def corrected(
        self,
        record: Record,
        usage: Usage,
        place: tuple[str, str, float] | None,
        counted: int | None,
        terms: Terms,
    ) -> Tally | None:
        """Price a call of which only now the usage is known, and return what it adds to the totals."""
        ...

    def lost(self, record: Record, lost: int, now: float) -> Tally | None:
        """Return what attempts without an answer add to the totals."""
        ...


class RatesPart(Protocol):
    """The members of `RateLimits` that `Accounting` uses."""

    @property
    def limits(self) -> Sequence[OneRate]:
        """The rate limits that apply."""
        ...

    @property
    def lines(self) -> Lines:
        """The lines of those who wait for room in this process."""
        ...

    @property
    def in_tokens(self) -> bool:
        """Whether any limit counts tokens."""
        ...

    def tokens(self, call: Call) -> int:
        """Estimate the tokens of a call and its answer."""
        ...

    def patience(self, call: Call) -> float:
        """Return the seconds that a call may wait for room."""
        ...

    def refusal(self, shortage: Shortage) -> Exception:
        """Build the error for a call that there is no room for in time."""
        ...

    def upstream_call(self, call: Call, record: Record) -> UpstreamCall:
        """Return what counts a call under the limits that the upstream announces."""
        ...


class Books(Protocol):
    """The members of `Accounting` that a reservation and work that goes on use."""

    name: str
    store: Store | None
    budgets: BudgetsPart | None
    cost: CostPart | None
    rates: RatesPart | None
    measures: bool
    asks: bool
    prices_calls: bool
    expires: float
