"""HTML and SVG made of elements, whose texts and attributes are escaped: markup is only what this module made."""

import re
from collections.abc import Iterable
from functools import cache
from html import escape
from typing import TypeAlias

_VOID = frozenset(("br", "hr", "img", "input", "link", "meta"))
_SPECIAL = re.compile(r"[&<>\"'\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_ILLEGIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Characters that HTML cannot hold: control characters, and halves of characters."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Child: TypeAlias = "str | int | float | Iterable[Child] | None"
"""The content of an element: text, which is escaped, HTML, nothing, or several of them."""


def tag(name: str, /, *children: Child, **attributes: object) -> Html:
    """Return an element.

    Args:
        name: Its name.
        children: Its content.
        attributes: Its attributes. An underscore at the end of a name is dropped, any other is a hyphen; `True` is an
            attribute without a value, and one that is `None` or `False` is left out.
    """
    written = [f"<{name}"]
    for given, value in attributes.items():
        if value is True:
            written.append(f" {_attribute(given)}")
        elif value is not None and value is not False:
            written.append(f' {_attribute(given)}="{_escaped(str(value))}"')
    written.append(">")
    if name not in _VOID:
        _write(written, children)
        written.append(f"</{name}>")
    return Html("".join(written))


def joined(*children: Child) -> Html:
    """Return HTML of several contents, one after the other."""
    written: list[str] = []
    _write(written, children)
    return Html("".join(written))


def _write(written: list[str], children: Iterable[Child]) -> None:
    for child in children:
        if isinstance(child, Html):
            written.append(child)
        elif isinstance(child, str):
            written.append(_escaped(child, quote=False))
        elif isinstance(child, int | float):
            written.append(str(child))
        elif child is not None:
            _write(written, child)


@cache
def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _escaped(text: str, *, quote: bool = True) -> str:
    if _SPECIAL.search(text) is None:
        return text
    return escape(_ILLEGIBLE.sub("\ufffd", text), quote=quote)
