"""A tariff: the prices of a model that apply at a time and in a context, and what a usage costs by them.

The genai-prices library walks all prices of a model in each calculation. Between two lengths of a prompt at which its
prices change, each further token, or call of a tool, adds the same amount. So the library is asked once what one more
of a kind costs there, and for each usage only where other kinds are part of it.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, localcontext
from math import inf
from typing import Any, cast

from ..._call.record import NANO
from ..._call.usage import Usage
from ...stores.base import MOST
from .units import dearest_kinds, is_plain, is_priced, names_of_prices, units_of

_INPUT, _OUTPUT = "input_tokens", "output_tokens"
_LINEAR = frozenset(
    {
        _INPUT,
        "cache_read_tokens",
        "cache_write_tokens",
        _OUTPUT,
        "output_reasoning_tokens",
        "output_citation_tokens",
        "web_searches",
        "storage_searches",
        "code_executions",
    }
)
"""Units of which no two overlap but with the sum that they are part of; sound and pictures may be cached as well."""
_OF_OUTPUT = frozenset({"output_reasoning_tokens", "output_citation_tokens"})
_FAR = 1_000_000
_FINE = 10**9
"""Parts of 10^-9 USD in which costs are added up, as whole numbers."""
_DECIMAL = Context(prec=50)
"""The application's own context may round or raise."""

Calculate = Callable[[Mapping[str, float]], Any]
"""Makes the library's calculation for a usage in its units."""


class Tariff:
    """The prices of a model at one time and in one context.

    Args:
        calculate: Makes the library's calculation by them.
        is_linear: Whether the library's own classes make it, so that between two lengths each further token adds the
            same amount.

    Attributes:
        dearest: The kinds of tokens that cost most, in and out; `None` where those are plain ones.
    """

    __slots__ = ("_bands", "_calculate", "_is_linear", "_names", "_starts", "dearest")

    def __init__(self, calculate: Calculate, *, is_linear: bool = True) -> None:
        self._calculate = calculate
        self._is_linear = is_linear
        with localcontext(_DECIMAL):
            prices = calculate({_INPUT: 1, _OUTPUT: 1}).model_price
        self._names = names_of_prices(prices)
        self.dearest = dearest_kinds(prices)
        each = cast("dict[str, Any]", vars(prices)).values()
        tiers = [tier for price in each for tier in getattr(price, "tiers", ())]
        self._starts = sorted({tier.start for tier in tiers})
        self._bands: dict[int, _Band | None] = {}

    def of_usage(self, usage: Usage) -> int | None:
        """Return the cost of a usage, as `nano_usd` does of its units."""
        into, out = usage.input, usage.output
        if is_plain(usage) and into <= MOST and out <= MOST:
            band = self._at(into)
            cost = None if band is None else band.plain(into, out)
            if cost:
                return min(cost, MOST)
        return self.nano_usd(units_of(usage))

    def nano_usd(self, units: Mapping[str, float]) -> int | None:
        """Return the cost of a usage in 10^-9 USD; `None` where none of what was used has a price."""
        band = self._at(units[_INPUT])
        cost = None if band is None else band.nano_usd(units)
        if cost is None:
            cost = round(self._total(units))
        if not cost and self._names is not None and not is_priced(self._names, units):
            return None
        return min(cost, MOST)

    def _at(self, into: float) -> "_Band | None":
        """Return the band of a prompt of so many tokens, `None` where the library is to be asked each time."""
        number = bisect_left(self._starts, into) if self._starts else 0
        found = self._bands.get(number, ...)
        if found is ...:
            found = self._bands[number] = self._band(number)
        return found

    def _total(self, units: Mapping[str, float]) -> Decimal:
        """Return the cost that the library calculates, in 10^-9 USD."""
        with localcontext(_DECIMAL):
            total: Decimal = self._calculate(units).total_price * NANO
            return total

    def _band(self, number: int) -> "_Band | None":
        """Return the band with this number, `None` where the library is to be asked each time."""
        low, high = [0, *self._starts, inf][number : number + 2]
        if low + 2 > high or not self._is_linear:
            return None
        band = _Band(self._total, int(low) + 1)
        end = {_INPUT: int(min(high, low + _FAR))}
        return band if band.nano_usd(end) == round(self._total(end)) else None


class _Band:
    """The lengths of a prompt between which no price changes.

    Args:
        total: Returns the cost that the library calculates.
        least: The shortest of them but for 0.
    """

    __slots__ = ("_base", "_in", "_least", "_rates", "_total")

    def __init__(self, total: Callable[[Mapping[str, float]], Decimal], least: int) -> None:
        self._total = total
        self._least = least
        self._rates: dict[str, int | None] = {}
        rate, first = self._rate(_INPUT), _fine(total({_INPUT: least}))
        self._in = rate or 0
        self._base = None if rate is None or first is None else first - least * rate

    def plain(self, into: int, out: int) -> int | None:
        """Return the cost of tokens in and out, as `nano_usd` does of units."""
        base, rates = self._base, self._rates
        rate = rates[_OUTPUT] if _OUTPUT in rates else self._rate(_OUTPUT)
        if base is None or rate is None:
            return None
        return _rounded(base + into * self._in + out * rate)

    def nano_usd(self, units: Mapping[str, float]) -> int | None:
        """Return the cost of a usage in 10^-9 USD, rounded half to even; `None` where the library is to be asked."""
        total, rates = self._base, self._rates
        if total is None:
            return None
        for unit, count in units.items():
            if count:
                rate = rates[unit] if unit in rates else self._rate(unit)
                if rate is None or type(count) is not int:
                    return None
                total += count * rate
        return _rounded(total)

    def _rate(self, unit: str) -> int | None:
        """Return what one more of a unit costs, in place of a plain token where it is part of a sum."""
        rate: int | None = None
        if unit in _LINEAR:
            before = {_INPUT: self._least, _OUTPUT: int(unit in _OF_OUTPUT)}
            after = {**before, unit: before.get(unit, 0) + 1}
            rate = _fine(_DECIMAL.subtract(self._total(after), self._total(before)))
        self._rates[unit] = rate
        return rate


def _rounded(fine: int) -> int:
    """Return so many parts of 10^-9 USD in 10^-9 USD, rounded half to even."""
    cost = fine // _FINE
    rest = 2 * (fine - cost * _FINE)
    return cost + 1 if rest > _FINE or (rest == _FINE and cost % 2) else cost


def _fine(nano_usd: Decimal) -> int | None:
    """Return an amount in parts of 10^-9 USD, `None` where it is no whole number of them."""
    fine = _DECIMAL.multiply(nano_usd, _FINE)
    return int(fine) if fine == _DECIMAL.to_integral_value(fine) else None
