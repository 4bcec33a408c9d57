"""Sentinels for arguments that are not given, and the options of every call."""

from collections.abc import Mapping
from typing import Literal, TypedDict, cast

from .._libraries import httpx


class NotGiven:
    """The mark of an argument that was not passed, where `None` means something else."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"


class Omit:
    """The mark of a parameter or header that must not be sent, even where a default would be."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "omit"


not_given = NotGiven()
NOT_GIVEN = not_given
omit = Omit()

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
