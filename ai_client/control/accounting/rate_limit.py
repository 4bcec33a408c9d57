"""Rate limits: requests and tokens per second, minute, hour or day, and the limits that the upstream announces."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple

from ..._call.call import Call
from ..._call.record import Record
from ..._call.retry import retry_after
from ..._http.library import RAW_HEADERS
from ..._libraries import httpx
from ...errors import ConfigError, RateLimitExceeded
from ...stores import Store
from ...stores.base import Take
from ..options.amounts import check_amounts
from ..pricing.estimates import size_of
from ..scope import Scope, key_in, scopes_of
from ..windows import SECONDS
from .counted import Counted
from .parts import Part

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:([\d.]+)ms)?")
_UNITS = (86_400, 3600, 60, 1, 0.001)
_MODELS_KEPT = 1000
_TOO_MANY = 429
_PAUSE = 0.02
"""Seconds between two reads of the upstream's limits, while at least half of each is left."""
_LONGEST = 86_400.0
"""Seconds after which a model is tried again, whatever the upstream announced."""
_LEFT = b"x-ratelimit-remaining-requests"
_NAMES = (
    ("requests", _LEFT, b"x-ratelimit-limit-requests", b"x-ratelimit-reset-requests"),
    ("tokens", b"x-ratelimit-remaining-tokens", b"x-ratelimit-limit-tokens", b"x-ratelimit-reset-tokens"),
)


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

    def __post_init__(self) -> None:
        if self.requests is None and self.tokens is None:
            raise ConfigError("rate limit: set requests, tokens or both.")
        if any(amount is not None and amount < 1 for amount in (self.requests, self.tokens)):
            raise ConfigError("rate limit: requests and tokens must be at least 1.")
        if self.per not in SECONDS:
            raise ConfigError(f"rate limit: per must be one of {', '.join(SECONDS)}.")
        object.__setattr__(self, "window", SECONDS[self.per])
        object.__setattr__(self, "scopes", scopes_of(self.scope, "rate limit: scope"))

    def takes(self, record: Record) -> list[Take]:
        """Return what a call takes of the windows: one request, and 0 tokens, whose number is not known yet."""
        key = f"{self.name}|{self.per}|{key_in(self.scopes, record)}"
        takes: list[Take] = []
        if self.requests is not None:
            takes.append(Take(f"requests|{key}", 1, self.requests, self.window))
        if self.tokens is not None:
            takes.append(Take(f"tokens|{key}", 0, self.tokens, self.window))
        return takes


class _Allowance(NamedTuple):
    """The rest of an upstream limit at the time `at`, and the seconds from then until all of it is back."""

    at: float
    left: float
    limit: float
    reset: float

    def wait(self, needed: float, now: float) -> float:
        """Return the seconds until *needed* is available; the upstream is taken to refill at a steady rate."""
        if self.left >= needed or self.limit <= self.left:
            return 0.0
        needed = min(needed, self.limit)
        return max(0.0, self.at + self.reset * (needed - self.left) / (self.limit - self.left) - now)


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
        allowances: The upstream's limits of which less than half is left, by model and unit; mostly empty.
    """

    part: ClassVar[Part] = "rates"
    limits: Sequence[RateLimit] = ()
    store: Store | None = None
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
        object.__setattr__(self, "in_tokens", any(limit.tokens is not None for limit in self.limits))

    def tokens(self, call: Call) -> int:
        """Estimate the tokens of a call and its answer."""
        size = call.size or size_of(call)
        return size.tokens() + size.answer(self.output_tokens)

    def refusal(self, wait: float, takes: Sequence[Take]) -> RateLimitExceeded:
        """Build the error for a call that must wait *wait* seconds; without *takes*, for the upstream's limit."""
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
        """Return the seconds until the upstream has room for a call, by the limits it announced."""
        if not self.allowances:
            return 0.0
        model = _model_of(record)
        requests = self.allowances.get((model, "requests"))
        budget = self.allowances.get((model, "tokens"))
        return max(
            requests.wait(1, now) if requests else 0.0,
            budget.wait(self.tokens(call), now) if budget else 0.0,
        )

    def learn(self, record: Record, response: "httpx.Response", now: float) -> None:
        """Record the limits that a response announces where less than half is left.

        While every limit is at least half full, responses are read only once in a while.
        """
        model = _model_of(record)
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


def _model_of(record: Record) -> str | None:
    """Name what the upstream limits: a model, or a target, at the account that is used."""
    model = record.target or record.model
    return model if record.account is None else f"{model} {record.account}"


def _limits_in(response: "httpx.Response") -> dict[bytes, bytes]:
    """Return the headers by lower-case name; empty where none is about rate limits.

    Looking up a single header through the HTTP library takes longer than this does for all of them.
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
    """Parse what is left of a limit; `None` where that is half or more, or not a number."""
    try:
        left, limit = float(left_said), float(limit_said or b"")
    except ValueError:
        return None
    if not (math.isfinite(left) and math.isfinite(limit)) or left >= limit / 2:
        return None
    reset = duration((reset_said or b"").decode("latin-1"))
    return None if reset is None else _Allowance(now, left, limit, min(reset, _LONGEST))


def duration(text: str) -> float | None:
    """Parse a duration as the API writes it, `6m0s` or `20ms`, or a plain number of seconds.

    Returns:
        Seconds; `None` where the text is neither, or negative.
    """
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
