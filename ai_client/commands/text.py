"""Text as a terminal shows it."""

import unicodedata
from functools import lru_cache

_KEPT = "\n\t"


def printable(text: str, kept: str = _KEPT) -> str:
    """Return text with what steers a terminal or reorders what it shows written as escapes.

    Args:
        text: The text.
        kept: Control characters that stay.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char in kept or char.isprintable() or (char.isspace() and char > "\xa0") else _escaped(char)
        for char in text
    )


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode()


def width_of(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


@lru_cache(maxsize=4096)
def _width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shortened(text: str, width: int) -> str:
    """Return text that takes *width* columns at most, with an ellipsis for what was left out."""
    if width_of(text) <= width:
        return text
    kept, left = "", width - 1
    for char in text:
        left -= _width(char)
        if left < 0:
            break
        kept += char
    return f"{kept}…"
