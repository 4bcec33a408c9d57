"""What the accounting of calls asks of the policies that it counts for."""

from collections.abc import Sequence, Sized
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    import httpx

    from ..._call.call import Call
    from ..._call.record import Record
    from ..._call.usage import Usage
    from ..._io import IO
    from ...stores import Ledger, Take, Tally
    from ..pricing.prices import Prices
    from ..scope import Per, Scope, Window

Part = Literal["budgets", "cost", "rates"]
Unit = Literal["usd", "tokens", "requests"]
Amounts: TypeAlias = dict[Unit, int]


class Place(NamedTuple):
    """Where a call counts for one budget: the ledger, its unit, what it may reach, and when it may be forgotten."""

    key: str
    unit: Unit
    limit: int | None
    until: float


class OneBudget(Protocol):
    """A budget, as far as the place where a call counts for it depends on it; see `Budget`."""

    @property
    def per(self) -> "Per":
        """The kind of its window."""
        ...

    @property
    def timezone(self) -> str:
        """Where the calendar is read."""
        ...

    @property
    def scopes(self) -> "tuple[Scope, ...]":
        """Who has a budget of this size."""
        ...

    @property
    def unit(self) -> Unit:
        """What it counts."""
        ...

    @property
    def limit(self) -> int:
        """How much of that, USD in 10^-9."""
        ...

    @property
    def hard(self) -> bool:
        """Whether a call that does not fit is refused."""
        ...

    def key(self, record: "Record", at: "Window") -> str:
        """Name the ledger on which a call counts."""
        ...


class OneRate(Protocol):
    """A rate, as far as what a call takes of its windows depends on it; see `RateLimit`."""

    @property
    def scopes(self) -> "tuple[Scope, ...]":
        """Who has a rate of this size."""
        ...

    def takes(self, record: "Record") -> "Sequence[Take]":
        """Return what a call takes of its windows, 0 of those that count tokens."""
        ...


class BudgetsPart(Protocol):
    """Budgets that calls are held to; see `Budgets`."""

    @property
    def budgets(self) -> Sequence[OneBudget]:
        """All that apply."""
        ...

    @property
    def prices(self) -> "Prices":
        """What models cost."""
        ...

    @property
    def expires(self) -> float:
        """Seconds after which a reservation that nobody settled is given back."""
        ...

    @property
    def measures(self) -> bool:
        """Whether any counts what a call uses."""
        ...

    @property
    def in_usd(self) -> bool:
        """Whether any counts what that costs."""
        ...

    def needed(self, call: "Call", record: "Record") -> Amounts:
        """Return what to set aside for a call."""
        ...

    def used(self, usage: "Usage", record: "Record", needed: Amounts) -> Amounts:
        """Return what was used, of which *needed* was set aside."""
        ...

    def are_low(self, ledgers: "Sequence[Ledger]") -> bool:
        """Return whether any is so nearly used up that its owner wants to hear of it."""
        ...

    async def warn(
        self, io: "IO", record: "Record", places: Sequence[Place], ledgers: "Sequence[Ledger]"
    ) -> None:
        """Warn of those that are nearly used up."""
        ...

    def refusal(
        self, position: int, ledger: "Ledger", amount: int, record: "Record", now: float
    ) -> Exception:
        """Return the error that the budget at *position* has no room for an amount."""
        ...


class CostPart(Protocol):
    """What prices calls and adds up their cost; see `Cost`."""

    @property
    def prices(self) -> "Prices":
        """What models cost."""
        ...

    @property
    def ask(self) -> bool:
        """Whether streams are asked for their usage."""
        ...

    def tally(self, record: "Record", usage: "Usage", lost: int, now: float) -> "Tally | None":
        """Price a call that was answered, and return what it adds to the sums."""
        ...

    def lost(self, record: "Record", lost: int, now: float) -> "Tally | None":
        """Return what attempts without an answer add to the sums."""
        ...


class RatesPart(Protocol):
    """Rates that calls are held to; see `RateLimits`."""

    @property
    def limits(self) -> Sequence[OneRate]:
        """All that apply."""
        ...

    @property
    def max_wait(self) -> float:
        """Seconds that a call may wait for room."""
        ...

    @property
    def upstream(self) -> bool:
        """Whether the upstream's own limits count."""
        ...

    @property
    def in_tokens(self) -> bool:
        """Whether any counts tokens."""
        ...

    @property
    def allowances(self) -> Sized:
        """What is left at the upstream, where that is little."""
        ...

    def tokens(self, call: "Call") -> int:
        """Estimate the tokens of a call and its answer."""
        ...

    def refusal(self, wait: float, takes: "Sequence[Take]") -> Exception:
        """Return the error that there is no room for a call."""
        ...

    def upstream_wait(self, call: "Call", record: "Record", now: float) -> float:
        """Return the seconds until the upstream has room for a call."""
        ...

    def learn(self, record: "Record", response: "httpx.Response", now: float) -> None:
        """Note what the upstream says of its limits."""
        ...
