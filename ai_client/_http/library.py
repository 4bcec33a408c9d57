"""The HTTP library below the clients: httpx or httpx2."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, Literal, TypeAlias, TypeVar, cast

LibraryName: TypeAlias = Literal["httpx", "httpx2"]
DEADLINE = "ai_client.deadline"
"""The extension of a request that says when its exchange must be over, in seconds of `time.monotonic`."""
FRESH = "ai_client.fresh"
"""The extension of a request that must not use a kept connection; true."""
PHASES = "ai_client.phases"
"""The extension of a request whose steps are taken down: the `Phases` that they are noted in."""


@dataclass(frozen=True, slots=True)
class Library:
    """An HTTP library: `http` holds its requests, responses and exceptions."""

    name: LibraryName
    http: ModuleType

    def decoder(self, coding: str) -> Any:
        """Return a new decoder of a content encoding, `None` where it has none or lacks the package for it."""
        known: dict[str, Any] = import_module(f"{self.name}._decoders").SUPPORTED_DECODERS
        return known[coding]() if coding in known else None


@cache
def library(name: str = "httpx") -> Library:
    """Import the library of that name, once.

    Raises:
        ValueError: There is no such backend.
        ImportError: It is not installed; the message names the command that installs it.
    """
    if name not in {"httpx", "httpx2"}:
        raise ValueError(f"There is no HTTP backend {name!r}; use 'httpx' or 'httpx2'.")
    try:
        return Library(cast("LibraryName", name), import_module(name))
    except ModuleNotFoundError as error:
        if name == "httpx" or error.name != name:
            raise
        raise ImportError(
            'The HTTP backend httpx2 is not installed: pip install "ai-client[httpx2]"', name="httpx2"
        ) from error


def may_have_been_sent(error: BaseException) -> bool:
    """Return whether the server may have seen the request that failed with *error*.

    The pools of this package set an attribute of this name on every error of the HTTP library that they
    raise: false where not a byte of the request was handed to the operating system. Of other errors
    nothing is known, so it is true.
    """
    return bool(getattr(error, "may_have_been_sent", True))


E = TypeVar("E", bound=BaseException)


def not_sent(error: E) -> E:
    """Mark an error of a request of which nothing was sent; see `may_have_been_sent`."""
    error.may_have_been_sent = False  # type: ignore[attr-defined]  # our addition
    return error


def for_good(error: E) -> E:
    """Mark an error as permanent for this request; its message is shown to the caller."""
    error.said = str(error)  # type: ignore[attr-defined]  # our addition, as the next one
    error.is_for_good = True  # type: ignore[attr-defined]
    return error
