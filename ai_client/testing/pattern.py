"""Generate text that matches a regular expression."""

import string
from collections.abc import Iterable
from importlib import import_module
from typing import Any

_CHARACTERS = string.ascii_letters + string.digits + string.punctuation + " \t\né"


def matching(pattern: str) -> str:
    """Return a shortest text that *pattern* spells out; look-arounds and back-references are ignored.

    Raises:
        re.error: *pattern* is not a regular expression.
    """
    parser: Any = import_module("re._parser")  # the standard library's own parser, the same since Python 3.11
    return _text(parser.parse(pattern))


def _text(nodes: Iterable[tuple[Any, Any]]) -> str:
    return "".join(_one(str(kind), detail) for kind, detail in nodes)


def _one(kind: str, detail: Any) -> str:
    text = ""
    match kind:
        case "LITERAL":
            text = chr(detail)
        case "NOT_LITERAL":
            text = _character([("NEGATE", None), ("LITERAL", detail)])
        case "ANY":
            text = "a"
        case "IN":
            text = _character([(str(member), value) for member, value in detail])
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, _, nodes = detail
            text = _text(nodes) * int(least)
        case "SUBPATTERN":
            text = _text(detail[-1])
        case "ATOMIC_GROUP":
            text = _text(detail)
        case "BRANCH":
            text = _text(detail[1][0])
        case _:
            pass
    return text


def _character(members: list[tuple[str, Any]]) -> str:
    negated = members[0][0] == "NEGATE"
    return next(char for char in _CHARACTERS if any(_is(char, *member) for member in members) != negated)


def _is(char: str, kind: str, detail: Any) -> bool:
    match kind:
        case "LITERAL":
            return char == chr(detail)
        case "RANGE":
            return bool(detail[0] <= ord(char) <= detail[1])
        case "CATEGORY":
            return _is_in_category(char, str(detail).removeprefix("CATEGORY_"))
        case _:
            return False


def _is_in_category(char: str, category: str) -> bool:
    negated = category.startswith("NOT_")
    match category.removeprefix("NOT_"):
        case "DIGIT":
            inside = char.isdigit()
        case "SPACE":
            inside = char.isspace()
        case _:
            inside = char.isalnum() or char == "_"
    return inside != negated
