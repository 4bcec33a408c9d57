"""The HTTP library below the clients, and how their connections are made."""

from dataclasses import dataclass
from types import ModuleType
from typing import Literal

import httpcore
import httpx


@dataclass(frozen=True, slots=True)
class Library:
    """An HTTP library and the engine below it."""

    name: str
    http: ModuleType
    core: ModuleType


_HTTPX = Library("httpx", httpx, httpcore)


def library(name: str = "httpx") -> Library:
    """Give a library by name."""
    del name
    return _HTTPX


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How a pool makes and keeps connections."""

    max_connections: int = 1000
    keepalive_expiry: float = 60.0
    trust: Literal["certifi", "system"] = "certifi"
