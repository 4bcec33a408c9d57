"""The official SDK's clients, and transports of httpx and httpx2, over a client of this package."""

from .._libraries import openai as openai
from .official_client import official as official
from .transports import transport as transport

__all__ = ["official", "transport"]
