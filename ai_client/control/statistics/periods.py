"""Names of what statistics are kept under: lengths of time, views of the calls, and rows of a view."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from pydantic_core import from_json, to_json

from ...stores.totals import DIGITS, UNLISTED


class Length(NamedTuple):
    """A length of the periods by which calls are told apart in time.

    Attributes:
        letter: Its letter in their names.
        seconds: How long each is.
        span: Seconds of the longest report that tells these periods apart, and for which they are kept at least.
        slack: Seconds for which they are kept beyond that, as a report begins within a period.
    """

    letter: str
    seconds: int
    span: int
    slack: int

    def number(self, now: float) -> int:
        """Return the number of the period of a time in seconds since 1970, UTC."""
        return int(now // self.seconds)

    def oldest(self, now: float) -> float:
        """Return the earliest moment whose period is kept for certain."""
        return now - self.span - self.slack + self.seconds

    def end(self, number: int) -> float:
        """Return when a period may be deleted."""
        return float((number + 1) * self.seconds + self.span + self.slack)


MINUTE = Length("m", 60, 3 * 3600, 600)
HOUR = Length("h", 3600, 72 * 3600, 7200)


def lengths(retention: int) -> tuple[Length, ...]:
    """Return the lengths by which reports tell calls apart, the shortest first; *retention* is of days, the last."""
    return MINUTE, HOUR, Length("d", 86_400, retention * 86_400, 86_400)


ENDPOINT, MODEL, TENANT = "e", "m", "t"
"""Letters of views and rows by the label of a call that they are for."""
DIMENSIONS: tuple[str, ...] = (ENDPOINT, MODEL, TENANT)
"""In the order in which a key of calls has them."""
ALL, KNOWN = "", "known"
"""The view of all calls, and that which lists the combinations of labels that are told apart."""
TOTAL = ""
"""The row of all calls of a view."""
PAIR = "x"


class CallView(NamedTuple):
    """Some calls, whose rows are kept and read together: all calls, or those with one label.

    Attributes:
        kind: `ALL`, `KNOWN`, or the letter of the label.
        value: The label.
    """

    kind: str = ALL
    value: str = ""


@lru_cache(maxsize=4096)
def digest_of(name: str, client: str, view: CallView) -> str:
    """Return what tells a view of one application's clients apart, in letters that any order of text keeps."""
    return blake2b(to_json([name, client, *view]), digest_size=8).hexdigest()


def period_of(length: Length, number: int, digest: str) -> str:
    """Return the name of a period of a view."""
    return f"{UNLISTED}{length.letter}{number:0{DIGITS}}{digest}"


def row(letter: str, value: str) -> str:
    """Return the row of calls with one label."""
    return f"{letter}{to_json(value).decode()}"


def pair(first: str, second: str) -> str:
    """Return the row of calls with two labels: in the order of `DIMENSIONS`, without that of the view."""
    return f"{PAIR}{to_json([first, second]).decode()}"


def by_value(sums: Mapping[str, Mapping[str, int]], letter: str) -> dict[str, Mapping[str, int]]:
    """Return the rows of calls with one label by its value."""
    return {from_json(key[1:]): amounts for key, amounts in sums.items() if key.startswith(letter)}


def by_pair(sums: Mapping[str, Mapping[str, int]]) -> dict[tuple[str, str], Mapping[str, int]]:
    """Return the rows of calls with two labels by their values."""
    found = {key: from_json(key[1:]) for key in sums if key.startswith(PAIR)}
    return {(first, second): sums[key] for key, (first, second) in found.items()}
