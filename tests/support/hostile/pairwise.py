"""Covering arrays: few rows of a product in which every two values that go together stand in a row together."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

Value = str
Row = tuple[Value, ...]
Fits = Callable[[str, Value, str, Value], bool]
_CANDIDATES = 25


class Covering:
    """Rows that cover all combinations of a strength, chosen greedily.

    Args:
        axes: The values of each axis by its name.
        fits: Returns whether two values of two axes may stand in one row; whatever it leaves can be completed.
        seed: Rows of the same seed are the same.
    """

    def __init__(self, axes: Mapping[str, Sequence[Value]], fits: Fits, seed: int = 0) -> None:
        self._names = list(axes)
        self._values = list(axes.values())
        self.chance = random.Random(seed)
        self._fit = {
            (one, a, other, b): fits(self._names[one], a, self._names[other], b)
            for one, other in combinations(range(len(self._names)), 2)
            for a in self._values[one]
            for b in self._values[other]
        }

    def rows(self) -> list[Row]:
        """Return rows in which every two values that fit stand together once at least."""
        missing = dict.fromkeys(place for place, fits in self._fit.items() if fits)
        rows: list[Row] = []
        while missing:
            one, a, other, b = next(iter(missing))
            candidates = [self.row({one: a, other: b}) for _ in range(_CANDIDATES)]
            best = max(candidates, key=lambda row: sum(pair in missing for pair in _pairs(row)))
            for pair in _pairs(best):
                missing.pop(pair, None)
            rows.append(best)
        return rows

    def row(self, fixed: Mapping[int, Value]) -> Row:
        """Return a random row in which some values are given."""
        while True:
            chosen = dict(fixed)
            places = [place for place in range(len(self._names)) if place not in fixed]
            self.chance.shuffle(places)
            for place in places:
                fitting = [value for value in self._values[place] if self._fits(place, value, chosen)]
                if not fitting:
                    break
                chosen[place] = self.chance.choice(fitting)
            else:
                return tuple(chosen[place] for place in range(len(self._names)))

    def _fits(self, place: int, value: Value, chosen: Mapping[int, Value]) -> bool:
        return all(
            self._fit[(place, value, other, b) if place < other else (other, b, place, value)]
            for other, b in chosen.items()
        )


def _pairs(row: Row) -> Iterator[tuple[int, Value, int, Value]]:
    for one, other in combinations(range(len(row)), 2):
        yield one, row[one], other, row[other]
