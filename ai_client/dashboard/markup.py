"""HTML and SVG made of elements, whose texts and attributes are escaped: markup is only what this module made."""

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

_VOID = frozenset(("br", "hr", "img", "input", "link", "meta"))


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
    begin = f"<{name}{''.join(_attributes(attributes))}>"
    return Html(begin if name in _VOID else f"{begin}{joined(*children)}</{name}>")


def joined(*children: Child) -> Html:
    """Return HTML of several contents, one after the other."""
    return Html("".join(_texts(children)))


def _texts(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str):
            yield escape(_legible(child), quote=False)
        elif isinstance(child, int | float):
            yield str(child)
        elif child is not None:
            yield from _texts(child)


def _attributes(attributes: dict[str, object]) -> Iterable[str]:
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        shown = name.rstrip("_").replace("_", "-")
        yield f" {shown}" if value is True else f' {shown}="{escape(_legible(str(value)))}"'


def _legible(text: str) -> str:
    """Return text without what HTML cannot hold: control characters and halves of characters."""
    if text.isprintable():
        return text
    return "".join(
        "\ufffd"
        if (character < " " and character not in "\t\n\r") or "\ud800" <= character <= "\udfff"
        else character
        for character in text
    )
