"""The keywords of an operation, checked against its TypedDict."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


@cache
def _keywords(params: Any, streams: bool) -> tuple[frozenset[str], frozenset[str]]:
    required: frozenset[str] = params.__required_keys__
    allowed = required | params.__optional_keys__
    return required, allowed | {"stream"} if streams else allowed


def check_keywords(given: Mapping[str, object], params: Any, path: str, *, streams: bool = False) -> None:
    """Refuse a call with unknown or missing keywords, as a function with these parameters would.

    Raises:
        TypeError: *given* has a key that the TypedDict *params* lacks, or lacks one that it requires.
    """
    required, allowed = _keywords(params, streams)
    if not given.keys() <= allowed:
        unknown = next(name for name in given if name not in allowed)
        near = get_close_matches(unknown, allowed, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise TypeError(
            f"{path}: got an unexpected keyword argument {unknown!r}.{hint}"
            " Members that this version does not know go into extra_body={...}."
        )
    if not required <= given.keys():
        missing = ", ".join(repr(name) for name in sorted(required - given.keys()))
        raise TypeError(f"{path}: missing required keyword arguments: {missing}.")
