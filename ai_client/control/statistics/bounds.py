"""The bound on what statistics tell apart in a day: values of labels, and their combinations."""

from collections.abc import Iterable, Mapping

from ..observability.counting.counts import OTHER, Key
from .periods import DIMENSIONS, by_value


class SeriesBounds:
    """The values and combinations of labels that one day tells apart.

    Args:
        most: How many values of each label, and how many combinations, are told apart; others count under `other`.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: tuple[set[str], ...] = tuple(set[str]() for _ in DIMENSIONS)
        self._combinations: set[Key] = set()
        self._pairs: set[tuple[int, str, int, str]] = set()

    def learn(self, sums: Mapping[str, Mapping[str, int]], combinations: Iterable[Key]) -> None:
        """Take up what the store has of the day: the rows of the view of all calls, and the combinations."""
        for values, letter in zip(self._values, DIMENSIONS, strict=True):
            values.update(by_value(sums, letter))
        for key in combinations:
            self._add(key)

    def folded(self, key: Key) -> Key:
        """Return the labels under which a call counts, each by itself."""
        return tuple(self._in(values, value) for values, value in zip(self._values, key, strict=True))

    def is_apart(self, key: Key) -> tuple[bool, bool]:
        """Return whether a combination is told apart, and whether that is new."""
        if key in self._combinations:
            return True, False
        if len(self._combinations) >= self._most:
            return False, False
        self._add(key)
        return True, True

    def beside(self, key: Key, outer: int, inner: int) -> str:
        """Return the label at *inner* as the view of that at *outer* tells it apart."""
        return key[inner] if (outer, key[outer], inner, key[inner]) in self._pairs else OTHER

    def _in(self, values: set[str], value: str) -> str:
        if value not in values and value != OTHER:
            if len(values) >= self._most:
                return OTHER
            values.add(value)
        return value

    def _add(self, key: Key) -> None:
        self._combinations.add(key)
        self._pairs.update(
            (outer, key[outer], inner, key[inner])
            for outer in range(len(key))
            for inner in range(len(key))
            if outer != inner
        )
