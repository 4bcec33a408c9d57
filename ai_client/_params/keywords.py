"""The keywords of an operation, checked against its TypedDict."""

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args, is_typeddict

from .nearest import nearest
from .omit import OPTIONS, NotGiven, Omit


@cache
def _keywords(params: Any) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the required keywords, those that may be given, and the same with `stream`."""
    required: frozenset[str] = params.__required_keys__
    allowed = required | params.__optional_keys__
    return required, allowed, allowed | {"stream"}


def check_keywords(given: Mapping[str, object], params: Any, path: str, *, streams: bool = False) -> None:
    """Raise `TypeError` for unknown or missing keywords, as a function with these parameters would.

    Raises:
        TypeError: *given* has a key that the TypedDict *params* lacks, or lacks one that it requires.
    """
    required, plain, streaming = _keywords(params)
    allowed = streaming if streams else plain
    if not allowed.issuperset(given):
        unknown = next(name for name in given if name not in allowed)
        near = nearest(unknown, sorted(allowed))
        hint = f" Did you mean {near!r}?" if near else ""
        raise TypeError(
            f"{path}: got an unexpected keyword argument {unknown!r}.{hint}"
            " Members that this version does not know go into extra_body={...}."
        )
    if not given.keys() >= required:
        missing = ", ".join(repr(name) for name in sorted(required - given.keys()))
        raise TypeError(f"{path}: missing required keyword arguments: {missing}.")


@cache
def takes_body(params: Any, query: tuple[str, ...]) -> bool:
    """Return whether a method may have a body, which is `{}` where nothing for it is given.

    Args:
        params: The TypedDict of its keywords.
        query: Those of them that go into the query string.
    """
    return not _keywords(params)[1] <= OPTIONS.union(query)


def check_given(given: Mapping[str, object], params: Any, path: str, names: tuple[str, ...]) -> None:
    """Raise if a required file is missing or is a mapping.

    Raises:
        TypeError: The TypedDict *params* requires one of *names* that is `None` or marked as not given, or one is a
            mapping, and none of those that the API takes in its place.
    """
    required = _keywords(params)[0]
    for name in names:
        value = given.get(name)
        is_missing = (
            value is None or isinstance(value, NotGiven | Omit) or (isinstance(value, list) and not value)
        )
        if is_missing and name in required:
            raise TypeError(f"{path}: {name} must be a file, not {value!r}.")
        if isinstance(value, Mapping) and not (value and _takes_mapping(params, name)):
            raise TypeError(f"{path}: {name} must be a file, not a mapping.")


@cache
def _takes_mapping(params: Any, name: str) -> bool:
    """Return whether the API takes a mapping in place of a file, as one that names a file by its id."""
    return _holds_mapping(params.__annotations__.get(name))


def _holds_mapping(annotation: Any) -> bool:
    return is_typeddict(annotation) or any(map(_holds_mapping, get_args(annotation)))
