"""How many requests and tokens may go out in a second, minute, hour or day, and what the upstream says it allows."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from ..._call.call import Call
from ..._call.record import Record
from ..._call.retry import retry_after
from ..._http.library import RAW_HEADERS
from ...errors import ConfigError, RateLimitExceeded
from ...stores.base import Take
from ..options.amounts import check_amounts
from ..pricing.estimates import size_of
from ..scope import SECONDS, Scope, key_in, scopes_of
from .counted import Counted
from .parts import Part

if TYPE_CHECKING:
    import httpx

    from ...stores import Store

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:([\d.]+)ms)?")
_UNITS = (86_400, 3600, 60, 1, 0.001)
_MODELS_KEPT = 1000
_TOO_MANY = 429
_PAUSE = 0.02
"""Seconds between two looks at what answers say of the upstream's limits, while more than half of these is left."""
_LONGEST = 86_400.0
"""Seconds after which a model is asked again, whatever the upstream said."""
_LEFT = b"x-ratelimit-remaining-requests"
_NAMES = (
    ("requests", _LEFT, b"x-ratelimit-limit-requests", b"x-ratelimit-reset-requests"),
    ("tokens", b"x-ratelimit-remaining-tokens", b"x-ratelimit-limit-tokens", b"x-ratelimit-reset-tokens"),
)


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """A rate; at least one of `requests` and `tokens` is given.

    No stretch of `per` holds more, wherever it begins: the window slides.

    Args:
        requests, tokens: How many.
        per: In what time.
        scope: Who has a rate of this size; see `Budget`.
        name: What tells it from another rate of the same window and scope.
    """

    requests: int | None = None
    tokens: int | None = None
    per: Literal["second", "minute", "hour", "day"] = "minute"
    scope: Scope | Sequence[Scope] = "all"
    name: str = ""
    window: float = field(init=False)
    scopes: tuple[Scope, ...] = field(init=False)

    def __post_init__(self) -> None:
        if self.requests is None and self.tokens is None:
            raise ConfigError("rate limit: give requests, tokens or both.")
        if any(amount is not None and amount < 1 for amount in (self.requests, self.tokens)):
            raise ConfigError("rate limit: requests and tokens must be at least 1.")
        if self.per not in SECONDS:
            raise ConfigError(f"rate limit: per must be one of {', '.join(SECONDS)}.")
        object.__setattr__(self, "window", SECONDS[self.per])
        object.__setattr__(self, "scopes", scopes_of(self.scope, "rate limit: scope"))

    def takes(self, record: Record) -> list[Take]:
        """Give what a call takes of its windows: one request, and of tokens an amount that is not known yet, 0."""
        key = f"{self.name}|{self.per}|{key_in(self.scopes, record)}"
        takes: list[Take] = []
        if self.requests is not None:
            takes.append(Take(f"requests|{key}", 1, self.requests, self.window))
        if self.tokens is not None:
            takes.append(Take(f"tokens|{key}", 0, self.tokens, self.window))
        return takes


class _Allowance(NamedTuple):
    """What the upstream says about a model, as at a time: what remains and the seconds until all is back."""

    at: float
    left: float
    limit: float
    reset: float

    def wait(self, needed: float, now: float) -> float:
        """Give the seconds until there may be *needed* again; the upstream gives back at a steady rate."""
        if self.left >= needed or self.limit <= self.left:
            return 0.0
        needed = min(needed, self.limit)
        return max(0.0, self.at + self.reset * (needed - self.left) / (self.limit - self.left) - now)


@dataclass(frozen=True)
class RateLimits(Counted):
    """Holds calls to rates, shared through the store; tokens count as estimated first, and as used afterwards.

    Args:
        limits: All that apply.
        store: Where they are counted.
        max_wait: Seconds that a call may wait for room; 0 refuses at once.
        upstream: Whether to wait, or refuse, where the upstream's `x-ratelimit-*` headers say that there is no room.
        output_tokens: What the answer to a call that does not limit it is first taken to need.

    Attributes:
        in_tokens: Whether any counts tokens.
        allowances: What is left at the upstream, by model and unit, where that is little; mostly empty.
    """

    part: ClassVar[Part] = "rates"
    limits: Sequence[RateLimit] = ()
    store: "Store | None" = None
    max_wait: float = 0.0
    upstream: bool = True
    output_tokens: int = 1000
    allowances: dict[tuple[str | None, str], _Allowance] = field(
        init=False, repr=False, compare=False, default_factory=dict[tuple[str | None, str], _Allowance]
    )
    _heard: dict[str | None, float] = field(
        init=False, repr=False, compare=False, default_factory=dict[str | None, float]
    )
    in_tokens: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.limits and self.store is None:
            raise ConfigError("rate limits: a store is needed, memory:// at least.")
        check_amounts(
            "rate limits", above_zero=False, max_wait=self.max_wait, output_tokens=self.output_tokens
        )
        for unit in ("requests", "tokens"):
            limits = [limit for limit in self.limits if getattr(limit, unit) is not None]
            kinds = [(limit.name, limit.per, limit.scopes) for limit in limits]
            if len({*kinds}) < len(kinds):
                raise ConfigError(
                    f"rate limits: two of {unit} have one window and scope: give one of them a name."
                )
        object.__setattr__(self, "in_tokens", any(limit.tokens is not None for limit in self.limits))

    def tokens(self, call: Call) -> int:
        """Estimate the tokens of a call and its answer."""
        size = call.size or size_of(call)
        return size.tokens() + size.answer(self.output_tokens)

    def refusal(self, wait: float, takes: Sequence[Take]) -> RateLimitExceeded:
        """Give the error that there is no room for a call: for *takes*, or where these are none, at the upstream."""
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

    def upstream_wait(self, call: Call, record: Record, now: float) -> float:
        """Give the seconds until the upstream, by what it said, has room for a call."""
        if not self.allowances:
            return 0.0
        model = record.target or record.model
        requests = self.allowances.get((model, "requests"))
        budget = self.allowances.get((model, "tokens"))
        return max(
            requests.wait(1, now) if requests else 0.0,
            budget.wait(self.tokens(call), now) if budget else 0.0,
        )

    def learn(self, record: Record, response: "httpx.Response", now: float) -> None:
        """Note what the upstream says where less than half is left; where more is, look again after a while."""
        model = record.target or record.model
        if response.status_code == _TOO_MANY:
            if (after := retry_after(response.headers)) is not None:
                self._note(model, "requests", _Allowance(now, 0, 1, min(after, _LONGEST)))
                return
        elif not self.allowances:
            if 0 <= now - self._heard.get(model, 0.0) < _PAUSE:
                return
            if len(self._heard) > _MODELS_KEPT:
                self._heard.clear()
            self._heard[model] = now
        said = _limits_in(response)
        for unit, of_left, of_limit, of_reset in _NAMES:
            found = None
            if of_left in said:
                found = _allowance(said[of_left], said.get(of_limit), said.get(of_reset), now)
            if found is not None:
                self._note(model, unit, found)
            elif self.allowances:
                self.allowances.pop((model, unit), None)

    def _note(self, model: str | None, unit: str, allowance: _Allowance) -> None:
        if len(self.allowances) > _MODELS_KEPT:
            self.allowances.clear()
        self.allowances[model, unit] = allowance


def _limits_in(response: "httpx.Response") -> dict[bytes, bytes]:
    """Give the headers by their names in lower case; none where none is about rate limits.

    The HTTP library takes longer to look up one of them than this takes for all.
    """
    said: dict[bytes, bytes] = dict(response.extensions.get(RAW_HEADERS) or response.headers.raw)
    if _LEFT in said:
        return said
    if b"x-ratelimit-" in b" ".join(said).lower():
        return {name.lower(): value for name, value in said.items()}
    return {}


def _allowance(
    left_said: bytes, limit_said: bytes | None, reset_said: bytes | None, now: float
) -> _Allowance | None:
    """Read what is left of a limit where that is less than half."""
    try:
        left, limit = float(left_said), float(limit_said or b"")
    except ValueError:
        return None
    if not (math.isfinite(left) and math.isfinite(limit)) or left >= limit / 2:
        return None
    reset = duration((reset_said or b"").decode("latin-1"))
    return None if reset is None else _Allowance(now, left, limit, min(reset, _LONGEST))


def duration(text: str) -> float | None:
    """Read a duration as the API writes it, `6m0s` or `20ms`, or a plain number of seconds."""
    match = _DURATION.fullmatch(text)
    try:
        if match is None or not text:
            seconds = float(text)
        else:
            parts = zip(match.groups(), _UNITS, strict=True)
            seconds = sum(float(number) * unit for number, unit in parts if number)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
