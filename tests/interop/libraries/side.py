"""What the tests ask of a library: one side of it over one client."""

from typing import Any, Literal

import openai
from pydantic import BaseModel

from ai_client import interop

MODEL = "gpt-5.4-mini"
EMBEDDING_MODEL = "text-embedding-3-small"
CALLS = ("plain", "stream", "tools", "structured", "embeddings")
"""What a side may have, see `Side`."""


class City(BaseModel):
    """What structured output is about."""

    name: str
    people: int


def weather(city: str) -> str:
    """Return the weather of a city.

    Args:
        city: Name of the city.
    """
    return f"It is sunny in {city}."


class Side:
    """A way to use a library, such as its async functions over the Responses API.

    A subclass has those of these methods that its library has, all of them sync or all async:

    - `plain(prompt)` returns the text of an answer.
    - `stream(prompt)` returns the pieces of a text, each as the library handed it out.
    - `tools(prompt)` lets the model call `weather` and returns the text of its last answer.
    - `structured(prompt)` returns a `City`.
    - `embeddings(texts)` returns a vector for each text.
    - `recorded()` returns the models of the calls that were recorded since it was last asked; it is always sync.

    Attributes:
        takes: Which client it takes; a library's sync functions may take an async client.
        api: Which API it calls, `chat` or `responses`.
        error: What it raises where the API answers 400.
        refusal: What it raises where a budget refuses a call.
        unrecorded: Calls of which it records nothing, whatever client it is given.
    """

    takes: Literal["sync", "async"] = "sync"
    api: Literal["chat", "responses"] = "chat"
    error: type[Exception] | tuple[type[Exception], ...] = openai.BadRequestError
    refusal: type[Exception] | tuple[type[Exception], ...] = openai.RateLimitError
    unrecorded: frozenset[str] = frozenset()

    def __init__(self, client: Any) -> None:
        self.client = client

    @classmethod
    def given(cls, client: Any) -> Any:
        """Return what the side is handed of a client of ours: the official client over it."""
        return interop.official(client)
