"""How the tables of options write types, units and descriptions."""

import inspect
import re
import types
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

_PLAIN = {str: "text", int: "integer", float: "number", bool: "true or false"}
_KINDS = {
    "callable": "function",
    "mapping": "mapping",
    "sequence": "list",
    "list": "list",
    "dict": "mapping",
    "path": "path",
    "any": "object",
}
_UNIT = re.compile(
    r"\b(USD per (?:million )?\w+|USD|seconds|minutes|days|bytes|tokens|retries|attempts|calls|requests|callers"
    r"|connections|failures|series|share|percent|factor|times)\b",
    re.IGNORECASE,
)
_SECTION = re.compile(r"^(?:Args|Attributes):\n((?: {4}.*\n?|\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}(\w[\w, ]*): (.*(?:\n {8}.*)*)", re.MULTILINE)


def type_name(annotation: Any) -> str:
    """Return a readable name of a type."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return type_name(get_args(annotation)[0])
    if origin is Literal:
        return " or ".join(f"`{value!r}`" for value in get_args(annotation))
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(type_name(arm) for arm in _arms(annotation)))
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    kind = origin or annotation
    name = str(getattr(kind, "__name__", kind))
    return _KINDS.get(name.lower(), f"`{name}`")


def is_number(annotation: Any) -> bool:
    """Return whether an option of this type is an amount, which has a unit."""
    if get_origin(annotation) is Annotated:
        return is_number(get_args(annotation)[0])
    arms = _arms(annotation)
    return any(is_number(arm) for arm in arms) if arms else annotation in (int, float)


def unit(annotation: Any, text: str) -> str:
    """Return the unit of an option: the first one that its description names; empty for what is no amount."""
    found = _UNIT.search(text) if is_number(annotation) else None
    if found is None:
        return ""
    word = found[1]
    return word if word.startswith("USD") else word.lower()


def descriptions(thing: type[Any] | Callable[..., Any]) -> dict[str, str]:
    """Return the descriptions of arguments, from the docstring of a function, or of a class and its bases."""
    found: dict[str, str] = {}
    for one in _described(thing):
        section = _SECTION.search(inspect.cleandoc(one.__doc__ or "") + "\n")
        for names, text in _ENTRY.findall(section[1] if section else ""):
            found.update(dict.fromkeys(names.split(", "), " ".join(text.split())))
    return found


def _described(thing: type[Any] | Callable[..., Any]) -> Iterator[Any]:
    """Yield what has descriptions of a thing's arguments; what comes later takes precedence."""
    if not isinstance(thing, type):
        yield thing
        return
    for one in reversed(thing.__mro__):
        yield one
        if "__init__" in vars(one):
            yield one.__init__


def row(*cells: str) -> str:
    """Return a row of a table."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def head(*cells: str) -> list[str]:
    """Return the head of a table."""
    return [row(*cells), row(*("---" for _ in cells))]


def _arms(annotation: Any) -> list[Any]:
    is_union = get_origin(annotation) in (Union, types.UnionType)
    return [arm for arm in get_args(annotation) if arm is not type(None)] if is_union else []
