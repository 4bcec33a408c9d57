"""The cost of calls, and its totals by endpoint, model, tenant, user, alias and target."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, cast

from pydantic_core import to_json

from ..._call.call import Call
from ..._call.labels import Labels, storable
from ..._call.record import NANO, Record
from ..._call.usage import UNKNOWN, Usage
from ..._io import IO, finish
from ...stores import Store
from ...stores.base import Tally
from ...stores.rows import Columns, Row
from ..options.amounts import check_amounts
from ..pricing.price import Price
from ..pricing.prices import Prices
from ..pricing.terms import NO_TERMS, Terms, terms_of
from ..pricing.units import is_plain
from .counted import Counted
from .parts import Names, Part
from .totals import FIRST, LAST, Dimension, hour_of, hours, in_order, summed

_DAY = 86_400
_KEPT = 1024
logger = logging.getLogger("ai_client")


@dataclass(frozen=True)
class Cost(Counted):
    """Measures tokens and cost of each call, and adds them up by the hour.

    Calls that only list, read, delete or upload are not counted, nor are moderations, which are free. An
    attempt that may have been billed although no answer arrived counts as a call of unknown cost.

    Args:
        prices: Prices of the models.
        store: Where totals are kept; without one, calls are measured and not added up.
        retention: Days for which totals are kept.
        ask: Whether streams of chat completions are asked for their usage where the caller did not ask.
    """

    part: ClassVar[Part] = "cost"
    prices: Prices = field(default_factory=Prices)
    store: Store | None = None
    retention: int = 62
    ask: bool = True
    _usual: dict[tuple[Names, int], tuple[Price | None, Columns]] = field(
        init=False, repr=False, compare=False, default_factory=dict[Any, Any]
    )

    def __post_init__(self) -> None:
        check_amounts("cost", above_zero=True, retention=self.retention)

    def tally(
        self, record: Record, usage: Usage, lost: int, now: float, terms: Terms = NO_TERMS
    ) -> Tally | None:
        """Price an answered call, and return what it adds to the totals, with *lost* attempts that preceded it."""
        asked = record.target_model or record.model
        return self._added(record, usage, self.prices.nano_usd(usage, usage.model, asked, terms), lost, now)

    def tally_of(
        self, call: Call, record: Record, usage: Usage, *, lost: int, at: float, now: float
    ) -> Tally | Row | None:
        """Return the same for a call that was made *at* a time, as a row where it used nothing but tokens of text.

        Its terms are read only where they decide its price.
        """
        asked, hour = record.target_model or record.model, int(now // 3600)
        names = (record.labels, asked, usage.model, record.alias, record.target, usage.source)
        found = self._usual.get((names, hour))
        if found is None:
            if len(self._usual) >= _KEPT:  # names come from callers
                self._usual.clear()
            found = self._usual[names, hour] = self.like(names, hour)
        price, columns = found
        is_plain_text = is_plain(usage) and not usage.images
        if price is None or usage.source == "unknown":
            terms = terms_of(call, record, at)
            nano_usd = self.prices.nano_usd(usage, usage.model, asked, terms)
        else:
            nano_usd = price.of_text(usage) if is_plain_text else price.nano_usd(usage)
        if lost or nano_usd is None or not (is_plain_text or _is_of_text(usage)):
            return self._added(record, usage, nano_usd, lost, now)
        record.prices, record.nano_usd = self.prices, nano_usd
        if self.store is None:
            return None
        return columns, (1, usage.input, usage.output, usage.cached, usage.reasoning, nano_usd)

    def like(self, names: Names, hour: int) -> tuple[Price | None, Columns]:
        """Return the price of calls with these names, and the columns of the rows that they add in an hour.

        Args:
            names: What they are alike in.
            hour: The hour of their answers, counted from 1970.

        Returns:
            The price where nothing but their usage decides it, else `None`; and the columns.
        """
        labels, asked, model, alias, target, source = names
        period, place = _place(labels, model or asked, alias, target, hour)
        columns = (source, "input", "output", "cached", "reasoning", "nano_usd")
        until = (hour + 1) * 3600 + self.retention * _DAY
        return self.prices.of_tokens(target, asked, model), Columns(period, place, columns, until)

    def _added(
        self, record: Record, usage: Usage, nano_usd: int | None, lost: int, now: float
    ) -> Tally | None:
        record.prices, record.nano_usd = self.prices, nano_usd
        if self.store is None:
            return None
        sums = self._sums(usage, nano_usd)
        if lost:  # earlier attempts, counted under the same labels
            for name in ("unknown", "unpriced"):
                sums[name] = sums.get(name, 0) + lost
        return self._tally(record, usage.model, sums, now)

    def place(self, record: Record, now: float) -> tuple[str, str, float]:
        """Return the period, the labels and the end of the totals in which a call of unknown usage counts at *now*."""
        tally = self._tally(record, None, {}, now)
        return tally.period, tally.key, tally.until

    def corrected(
        self,
        record: Record,
        usage: Usage,
        place: tuple[str, str, float] | None,
        counted: int | None,
        terms: Terms,
    ) -> Tally | None:
        """Price a call of which only now the usage is known, and return what it adds to what it *counted* before."""
        prices = record.prices = self.prices
        nano_usd = record.nano_usd = prices.nano_usd(usage, usage.model, None, terms)
        if place is None:
            return None
        sums = self._sums(usage, nano_usd)
        for name, amount in self._sums(UNKNOWN, counted).items():
            sums[name] = sums.get(name, 0) - amount
        period, key, until = place
        return Tally(period, key, sums, until)

    def _sums(self, usage: Usage, nano_usd: int | None) -> dict[str, int]:
        sums: dict[str, int] = {usage.source: 1}
        if usage.input:
            sums["input"] = usage.input
        if usage.output:
            sums["output"] = usage.output
        if usage.cached or usage.reasoning or usage.audio_input or usage.audio_output:
            sums |= _parts_of(usage)
        if usage.seconds or usage.characters or usage.images:
            sums |= _media_sums(usage)
        if nano_usd is None:
            sums["unpriced"] = 1
        elif nano_usd:
            sums["nano_usd"] = nano_usd
        return sums

    def lost(self, record: Record, lost: int, now: float) -> Tally | None:
        """Return what *lost* attempts add to the totals: they may have been billed, and nothing else is known."""
        record.prices = self.prices  # by which whoever counts them too knows that their cost is missing
        if self.store is None:
            return None
        return self._tally(record, None, {"unknown": lost, "unpriced": lost}, now)

    def _tally(self, record: Record, model: str | None, sums: Mapping[str, int], now: float) -> Tally:
        model = model or record.target_model or record.model
        period, key = _place(record.labels, model, record.alias, record.target, int(now // 3600))
        return Tally(period, key, sums, now + self.retention * _DAY)

    def report(
        self, *, by: Sequence[Dimension] = (), since: datetime | None = None, until: datetime | None = None
    ) -> "list[CostRow]":
        """Return the totals, one row for each combination of *by*. Blocks while it reads the store.

        Args:
            by: Dimensions to group by; none returns one row. Hours and days are in UTC.
            since: The first hour to include.
            until: The last hour to include.
        """
        if self.store is None:
            return []
        first = FIRST if since is None else hour_of(since.timestamp())
        last = LAST if until is None else hour_of(until.timestamp())
        found = finish(self.store.sums(cast("IO", _CallingThread()), first, last))
        rows = in_order(summed(found, by, hours))
        return [CostRow(dict(zip(by, values, strict=True)), totals) for values, totals in rows]


@dataclass(frozen=True, slots=True)
class CostRow:
    """One row of a report.

    Attributes:
        labels: The values of the dimensions that the report groups by.
        sums: Calls, tokens (`input`, `cached`, `output`, `reasoning`, `audio`), whole `seconds` of audio,
            `characters`
            spoken, `images`, `nano_usd`, and how many calls were `reported`, `estimated`, `unknown` and
                `unpriced`.
    """

    labels: Mapping[str, str | None]
    sums: Mapping[str, int]

    @property
    def calls(self) -> int:
        """Calls that were or may have been billed."""
        return self.sums.get("calls", 0)

    @property
    def usd(self) -> float | None:
        """USD of the calls whose cost is known; `None` where calls were made and no cost is known."""
        return self.sums["nano_usd"] / NANO if "nano_usd" in self.sums else (None if self.unpriced else 0.0)

    @property
    def unpriced(self) -> int:
        """Calls whose cost is unknown and not included in `usd`."""
        return self.sums.get("unpriced", 0)


class _CallingThread:
    """The part of `IO` that reports need; runs the work on the calling thread."""

    async def work(self, executor: object, function: Any, /, *args: Any) -> Any:
        del executor
        return function(*args)


def _parts_of(usage: Usage) -> dict[str, int]:
    audio = usage.audio_input + usage.audio_output
    amounts = {"cached": usage.cached, "reasoning": usage.reasoning, "audio": audio}
    return {name: amount for name, amount in amounts.items() if amount}


def _is_of_text(usage: Usage) -> bool:
    """Return whether it counts nothing but tokens, of which none are of sound."""
    return not (usage.audio_input or usage.audio_output or usage.seconds or usage.characters or usage.images)


def _media_sums(usage: Usage) -> dict[str, int]:
    amounts = {name: math.ceil(getattr(usage, name)) for name in ("seconds", "characters", "images")}
    return {name: amount for name, amount in amounts.items() if amount}


@lru_cache(maxsize=1024)
def _place(
    labels: Labels, model: str | None, alias: str | None, target: str | None, hour: int
) -> tuple[str, str]:
    """Return the period and the key under which a call counts."""
    found = (labels.endpoint, model, labels.tenant, labels.user, alias, target)
    try:
        key = to_json(found).decode()
    except ValueError:  # half a character, as of a label that was cut in two
        key = to_json([value and storable(value) for value in found]).decode()
    return hour_of(hour * 3600), key
