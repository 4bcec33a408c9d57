"""Sentinels for arguments that are not given, and the options of every call."""

from abc import ABC
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Literal, TypedDict, TypeVar, cast

from .._libraries import httpx

_MODULES = frozenset({__name__, "openai", "openai._types"})
_PLAIN = frozenset({str, int, float, bool, list, dict, tuple, type(None)})


class _Mark(ABC):  # noqa: B024 - for its hook
    """Base of the marks, of which the official SDK's objects of the same names count as instances.

    Libraries that know that SDK pass its marks on. They are recognized by the name of their class and its package, so
    that it is not imported; the answer is kept for each class.
    """

    @classmethod
    def __subclasshook__(cls, other: type[Any], /) -> bool:
        return (
            any(base.__name__ == cls.__name__ and base.__module__ in _MODULES for base in other.__mro__)
            or NotImplemented
        )

    def __bool__(self) -> Literal[False]:
        return False


class NotGiven(_Mark):
    """The mark of an argument that was not passed, where `None` means something else."""

    def __repr__(self) -> str:
        return "NOT_GIVEN"


class Omit(_Mark):
    """The mark of a parameter or header that must not be sent, even where a default would be."""

    def __repr__(self) -> str:
        return "omit"


not_given = NotGiven()
NOT_GIVEN = not_given
omit = Omit()

F = TypeVar("F", bound=Callable[..., Any])


def is_mark(value: object) -> bool:
    """Return whether a value only marks that there is none, without much ado where there is one."""
    return type(value) not in _PLAIN and isinstance(value, NotGiven | Omit)


def without_marks(function: F) -> F:
    """Have a keyword that is only marked as not given count as not passed."""

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        if not _PLAIN.issuperset(map(type, options.values())):
            options = {name: value for name, value in options.items() if not is_mark(value)}
        return function(*args, **options)

    return cast("F", call)


Headers = Mapping[str, str | Omit]
Query = Mapping[str, object]
Body = object


class MethodOptions(TypedDict, total=False):
    """Request options, which every method accepts beside its own parameters."""

    extra_headers: Headers | None
    """Headers of this request, laid over the client's; the value `omit` removes one."""
    extra_query: Query | None
    """Query parameters of this request, laid over the client's."""
    extra_body: Body | None
    """Members of the request's body, laid over the method's own parameters: for what this version does not know."""
    timeout: "float | httpx.Timeout | NotGiven | None"
    """Seconds to connect, to write and to wait for each read of this request, or the HTTP library's `Timeout`;
    `None` waits for ever. By default the client's `timeout`."""


ADMIN_PATHS = ("/organization", "/projects")
"""Where the paths of the organization's administration begin."""
OPTIONS = MethodOptions.__optional_keys__


def check_extra(name: str, value: object) -> None:
    """Validate an `extra_...` argument: a mapping with string keys.

    Raises:
        TypeError: *value* is no mapping, or one of its keys is no string.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, not {type(value).__name__}.")
    for key in cast("Mapping[object, object]", value):
        if not isinstance(key, str):
            raise TypeError(f"The keys of {name} must be strings, not {type(key).__name__}.")
