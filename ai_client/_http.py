"""The HTTP library below the clients: which one, how it trusts a server, how its pool is set up."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Literal, TypeAlias, cast

LibraryName: TypeAlias = Literal["httpx", "httpx2"]


@dataclass(frozen=True, slots=True)
class Library:
    """An HTTP library: `http` holds its requests, responses and exceptions."""

    name: LibraryName
    http: ModuleType


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


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How a pool makes and keeps connections."""

    max_connections: int = 1000
    keepalive_expiry: float = 60.0
    trust: Literal["certifi", "system"] = "certifi"
    library: LibraryName = "httpx"
