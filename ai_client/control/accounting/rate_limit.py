"""Rate limits: requests and tokens per second, minute, hour or day, and the limits that the upstream announces."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ..._call.call import Call
from ..._call.record import Record
from ..._fork import PerProcess
from ..._io.deadline import remaining
from ...errors import ConfigError, RateLimitExceeded
from ...stores import Store
from ...stores.base import Take
from ..options.amounts import check_amounts
from ..pricing.estimates import size_of
from ..scope import Scope, key_in, scopes_of
from ..windows import SECONDS
from .counted import Counted
from .parts import Part
from .rates.announced import Announced
from .rates.line import Lines, Shortage, lines_at
from .rates.upstream_call import UpstreamCall


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """A rate limit; at least one of `requests` and `tokens` is given.

    The window slides: no period of the length `per` holds more, wherever it starts.

    Args:
        requests: The limit in requests.
        tokens: The limit in tokens.
        per: The length of the window.
        scope: Who gets a rate of this size; see `Budget`.
        name: Distinguishes rate limits of the same window and scope.
    """

    requests: int | None = None
    tokens: int | None = None
    per: Literal["second", "minute", "hour", "day"] = "minute"
    scope: Scope | Sequence[Scope] = "all"
    name: str = ""
    window: float = field(init=False)
    scopes: tuple[Scope, ...] = field(init=False)
    _kind: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.requests is None and self.tokens is None:
            raise ConfigError("rate limit: set requests, tokens or both.")
        for amount in (self.requests, self.tokens):
            if amount is not None and type(amount) is not int:
                raise ConfigError(
                    "rate limit: requests and tokens must be whole numbers; a longer window holds more."
                )
            if amount is not None and amount < 1:
                raise ConfigError("rate limit: requests and tokens must be at least 1.")
        if self.per not in SECONDS:
            raise ConfigError(f"rate limit: per must be one of {', '.join(SECONDS)}.")
        object.__setattr__(self, "window", SECONDS[self.per])
        object.__setattr__(self, "scopes", scopes_of(self.scope, "rate limit: scope"))
        object.__setattr__(self, "_kind", f"{self.name}|{self.per}|")

    def takes(self, record: Record, tokens: int) -> tuple[Take | None, Take | None]:
        """Return the request, and the *tokens*, that a call takes of the windows; of tokens, at most a whole window."""
        caller = key_in(self.scopes, record)
        request = spent = None
        if self.requests is not None:
            request = Take(f"requests|{self._kind}{caller}", 1, self.requests, self.window)
        if self.tokens is not None and tokens:
            spent = Take(f"tokens|{self._kind}{caller}", min(self.tokens, tokens), self.tokens, self.window)
        return request, spent


@dataclass(frozen=True)
class RateLimits(Counted):
    """Enforces rate limits, shared through the store; tokens count as estimated first, and as used afterwards.

    Args:
        limits: The rate limits that apply.
        store: Where they are counted.
        max_wait: Seconds that a call may wait for room; 0 rejects at once.
        upstream: Whether to wait, or reject, where the upstream's `x-ratelimit-*` headers say that there is no
            room.
        output_tokens: Tokens first counted for the answer to a call that sets no limit of its own.

    Attributes:
        in_tokens: Whether any limit counts tokens.
        announced: The upstream's limits, and the calls under way.
    """

    part: ClassVar[Part] = "rates"
    limits: Sequence[RateLimit] = ()
    store: Store | None = None
    max_wait: float = 0.0
    upstream: bool = True
    output_tokens: int = 1000
    announced: PerProcess[Announced] = field(
        init=False, repr=False, compare=False, default_factory=lambda: PerProcess(Announced)
    )
    _lines: PerProcess[Lines] = field(init=False, repr=False, compare=False)
    in_tokens: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.limits and self.store is None:
            raise ConfigError("rate limits: a store is required, such as memory://.")
        check_amounts(
            "rate limits", above_zero=False, max_wait=self.max_wait, output_tokens=self.output_tokens
        )
        for unit in ("requests", "tokens"):
            limits = [limit for limit in self.limits if getattr(limit, unit) is not None]
            kinds = [(limit.name, limit.per, limit.scopes) for limit in limits]
            if len({*kinds}) < len(kinds):
                raise ConfigError(
                    f"rate limits: two limits of {unit} have the same window and scope; set a name on one of them."
                )
        object.__setattr__(self, "_lines", lines_at(self.store))
        object.__setattr__(self, "in_tokens", any(limit.tokens is not None for limit in self.limits))

    def tokens(self, call: Call) -> int:
        """Estimate the tokens of a call and its answer."""
        size = size_of(call)
        return size.tokens() + size.answer(self.output_tokens)

    def refusal(self, shortage: Shortage) -> RateLimitExceeded:
        """Build the error for a call that there is no room for in time."""
        wait, takes = shortage.wait, shortage.takes
        if not takes:
            return RateLimitExceeded("The upstream's rate limit has no room for this call.", retry_after=wait)
        rates = " and ".join(
            f"{take.limit} {take.key.partition('|')[0]} per {take.window:g} s" for take in takes
        )
        return RateLimitExceeded(
            f"The rate limit of {rates} has no room for this call.",
            retry_after=wait,
            limit=takes[0].limit,
            unit=takes[0].key.partition("|")[0],
            per=takes[0].window,
        )

    @property
    def lines(self) -> Lines:
        """The lines of those who wait in this process; policies that share a store share them."""
        return self._lines.get()

    def patience(self, call: Call) -> float:
        """Return the seconds that a call may wait for room."""
        return self.max_wait if call.deadline is None else min(self.max_wait, remaining(call.deadline))

    def upstream_call(self, call: Call, record: Record) -> UpstreamCall:
        """Return what counts a call under the limits that the upstream announces."""
        announced = self.announced.get() if self.upstream else None
        return UpstreamCall(announced, self._lines.get(), record, lambda: self.tokens(call))
