"""What the three back ends have in common: requests and answers, the client's options, and what an answer cost."""

import os
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError

from ai_client import AsyncStream, Stream
from ai_client.control import call_record

PAGE = Path(__file__).parent / "_static" / "chat.html"
MODEL = os.environ.get("CHAT_MODEL", "gpt-5.5-mini")
OFFLINE = "CHAT_OFFLINE"
_CHAT_MODELS = re.compile(r"gpt-\d")
_MADE_UP_PRICES = {"gpt-5.5-mini": {"input": 0.3, "output": 2.4}}


class InputError(ValueError):
    """Input that is not what an endpoint reads; `faults` says why, without repeating it."""

    def __init__(self, faults: list[Any]) -> None:
        super().__init__("The input is not what this endpoint reads.")
        self.faults = faults


class Input(BaseModel):
    """What an endpoint reads."""

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Make it of a request's body, for the frameworks that leave this to the application.

        Raises:
            InputError: The body is something else.
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
        """Give what the client is called with."""
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
        """Give what the client is called with."""
        return {"model": self.model, "messages": [{"role": "user", "content": self.question}]}


class Answer(BaseModel):
    """An answer, which model gave it, and what it cost; `None` is unknown."""

    answer: str
    model: str
    cost_usd: float | None

    @classmethod
    def of(cls, completion: Any) -> "Answer":
        """Make it of what the client gave."""
        content = completion.choices[0].message.content or ""
        return cls(answer=content, model=completion.model, cost_usd=cost(completion))


class Step(BaseModel):
    """A part of a plan."""

    what: str
    minutes: int


class Plan(BaseModel):
    """What the structured endpoint asks the model for; its answer is checked against this."""

    goal: str
    steps: list[Step]


def controls() -> dict[str, Any]:
    """Give the policies around every call: its cost is measured, and a day has a budget."""
    return {
        "store": os.environ.get("CHAT_STORE", "memory://"),
        "cost": True,
        "prices": _MADE_UP_PRICES if os.environ.get(OFFLINE) else {},
        "budgets": [{"tokens": int(os.environ.get("CHAT_TOKENS_PER_DAY", "1000000")), "per": "day"}],
    }


def about(framework: str, base_url: object, models: Iterable[str]) -> dict[str, Any]:
    """Tell the page who answers, and which models there are to chat with."""
    return {
        "framework": framework,
        "offline": bool(os.environ.get(OFFLINE)),
        "base_url": str(base_url),
        "model": MODEL,
        "models": sorted({MODEL, *filter(_CHAT_MODELS.match, models)}),
    }


def cost(result: object) -> float | None:
    """Give what a call cost in USD; `None` is unknown."""
    record = call_record(result)
    return None if record is None else record.usd


class WithCost:
    """The chunks of a stream, and after them what it cost, which is known then; for the sync client."""

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
    """The chunks of a stream, and after them what it cost, which is known then; for the async client."""

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
