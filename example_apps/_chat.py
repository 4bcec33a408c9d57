"""The part that the three back ends share: inputs and answers, the client's policies, and the cost of an answer."""

import os
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError

from ai_client import AsyncStream, Stream
from ai_client.control import call_record

PAGE = Path(__file__).parent / "_static" / "chat.html"
MODEL = os.environ.get("CHAT_MODEL", "gpt-5.4-mini")
OFFLINE = "CHAT_OFFLINE"
_CHAT_MODELS = re.compile(r"gpt-\d")


class InputError(ValueError):
    """Invalid input; `faults` says why, without repeating it."""

    def __init__(self, faults: list[Any]) -> None:
        super().__init__("The input is invalid.")
        self.faults = faults


class Input(BaseModel):
    """The input of an endpoint."""

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Parse a request's body, for frameworks that leave this to the application.

        Raises:
            InputError: The body is invalid.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False, include_input=False)
            raise InputError(list(faults)) from error


class Message(BaseModel):
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    content: str = Field(min_length=1, max_length=100_000)


class Chat(Input):
    """A conversation to continue."""

    messages: list[Message] = Field(min_length=1, max_length=1000)
    model: str = MODEL

    def params(self) -> dict[str, Any]:
        """Return the arguments for the client."""
        return {
            "model": self.model,
            "messages": [turn.model_dump() for turn in self.messages],
            "extra_body": {"stream_options": {"include_usage": True}},
        }


class Question(Input):
    """A question to answer at once."""

    question: str = Field(min_length=1, max_length=100_000)
    model: str = MODEL

    def params(self) -> dict[str, Any]:
        """Return the arguments for the client."""
        return {"model": self.model, "messages": [{"role": "user", "content": self.question}]}


class Answer(BaseModel):
    """An answer, its model, and its cost in USD; `None` is unknown."""

    answer: str
    model: str
    cost_usd: float | None

    @classmethod
    def of(cls, completion: Any) -> "Answer":
        """Build an answer from a completion."""
        content = completion.choices[0].message.content or ""
        return cls(answer=content, model=completion.model, cost_usd=cost(completion))


class Step(BaseModel):
    """A part of a plan."""

    what: str
    minutes: int


class Plan(BaseModel):
    """The structured output of the plan endpoint, which validates the model's answer."""

    goal: str
    steps: list[Step]


def controls() -> dict[str, Any]:
    """Return the policies around every call: cost is measured, and each day has a token budget."""
    return {
        "store": os.environ.get("CHAT_STORE", "memory://"),
        "cost": True,
        "price_options": {"provider": "openai"},  # also at the address of the offline upstream
        "budgets": [{"tokens": int(os.environ.get("CHAT_TOKENS_PER_DAY", "1000000")), "per": "day"}],
    }


def about(framework: str, base_url: object, models: Iterable[str]) -> dict[str, Any]:
    """Return what the page shows: framework, API, and the models to choose from."""
    return {
        "framework": framework,
        "offline": bool(os.environ.get(OFFLINE)),
        "base_url": str(base_url),
        "model": MODEL,
        "models": sorted({MODEL, *filter(_CHAT_MODELS.match, models)}),
    }


def cost(result: object) -> float | None:
    """Return the cost of a call in USD; `None` is unknown."""
    record = call_record(result)
    return None if record is None else record.usd


class WithCost:
    """The chunks of a sync stream, followed by its cost, which is known by then."""

    def __init__(self, stream: Stream[Any]) -> None:
        self._stream = stream
        self._told = False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        for chunk in self._stream:
            return chunk
        if self._told:
            raise StopIteration
        self._told = True
        return {"cost_usd": cost(self._stream)}

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


class AsyncWithCost:
    """The chunks of an async stream, followed by its cost, which is known by then."""

    def __init__(self, stream: AsyncStream[Any]) -> None:
        self._stream = stream
        self._told = False

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        async for chunk in self._stream:
            return chunk
        if self._told:
            raise StopAsyncIteration
        self._told = True
        return {"cost_usd": cost(self._stream)}

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.close()
