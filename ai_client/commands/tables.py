"""Tables of text, as wide as their terminal at most."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .text import printable, shortened, width_of

_GAP = 2
_NARROWEST = 8
"""Columns of a terminal that a text keeps, however narrow that is."""


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        name: Its heading.
        is_number: Whether it is aligned to the right and never shortened.
    """

    name: str
    is_number: bool = False


def laid_out(columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int | None) -> Iterator[str]:
    """Yield the lines of a table, its heading first.

    Args:
        columns: The columns.
        rows: The cells of each row; control characters in them are shown as escapes.
        width: Columns of the terminal. The widest texts are shortened until the table fits, or is as narrow as it can
            be. `None` shortens nothing.
    """
    cells = [[printable(cell, "") for cell in row] for row in rows]
    heading = [column.name for column in columns]
    widths = [max(map(width_of, column)) for column in zip(heading, *cells, strict=True)]
    if width is not None:
        _fit(columns, widths, width)
    for row in (heading, *cells):
        yield (
            (" " * _GAP)
            .join(
                _aligned(shortened(cell, wide), wide, column)
                for cell, wide, column in zip(row, widths, columns, strict=True)
            )
            .rstrip()
        )


def _fit(columns: Sequence[Column], widths: list[int], width: int) -> None:
    texts = [at for at, column in enumerate(columns) if not column.is_number]
    excess = sum(widths) + _GAP * (len(widths) - 1) - width
    while excess > 0 and texts:
        widest = max(texts, key=widths.__getitem__)
        if widths[widest] <= _NARROWEST:
            return
        widths[widest] -= 1
        excess -= 1


def _aligned(cell: str, width: int, column: Column) -> str:
    padding = " " * (width - width_of(cell))
    return padding + cell if column.is_number else cell + padding
