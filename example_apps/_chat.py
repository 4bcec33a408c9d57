"""The part that the three back ends share: the page, inputs and answers, the client's policies, an answer's cost."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError

from ai_client.control import call_record

from ._markdown import to_html
from ._offline import policies
from ._policy import content_security_policy

PAGE = Path(__file__).parent / "_static" / "chat.html"
PAGE_HEADERS = {
    "Content-Security-Policy": content_security_policy(PAGE.read_text("utf-8")),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
MODEL = os.environ.get("CHAT_MODEL", "gpt-5.4-mini")
OFFLINE = "CHAT_OFFLINE"
"""Whether the upstream on this machine answers."""
LOCAL = "CHAT_LOCAL"
"""The address of the offline demo, where nobody but this machine reaches it."""
DASHBOARD = "/ai/"
LAST_HOUR = f"{DASHBOARD}?range=1h"
"""The dashboard with what was done just now."""
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


class Texts(Input):
    """Markdown that the page has from earlier, and shows again."""

    markdown: list[Annotated[str, Field(max_length=100_000)]] = Field(max_length=1000)

    def html(self) -> dict[str, list[str]]:
        """Return the HTML of each, which is safe to insert into a page."""
        return {"html": [to_html(text) for text in self.markdown]}


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
    budget = {"tokens": int(os.environ.get("CHAT_TOKENS_PER_DAY", "1000000")), "per": "day"}
    chosen: dict[str, Any] = {
        "store": os.environ.get("CHAT_STORE", "memory://"),
        "cost": True,
        "price_options": {"provider": "openai"},  # also at the address of the offline upstream
        "budgets": [budget],
        "dashboard": dashboard() is not None,
    }
    if is_local():
        chosen |= {**policies.controls(), "budgets": [budget, policies.budget()]}
    return chosen


def is_local() -> bool:
    """Return whether this is the offline demo, which nobody but this machine reaches."""
    return bool(os.environ.get(OFFLINE) and os.environ.get(LOCAL))


def dashboard() -> dict[str, Any] | None:
    """Return who may see the dashboard, as keywords of what mounts it; without a token there is none.

    In the offline demo anyone on this machine may: its calls are made up.
    """
    if is_local():
        return {"public": True}
    token = os.environ.get("CHAT_DASHBOARD_TOKEN")
    return {"token": token} if token else None


def about(framework: str, base_url: object, models: Iterable[str]) -> dict[str, Any]:
    """Return what the page shows: framework, API, and the models to choose from."""
    return {
        "framework": framework,
        "offline": bool(os.environ.get(OFFLINE)),
        "base_url": str(base_url),
        "model": MODEL,
        "models": sorted({MODEL, *filter(_CHAT_MODELS.match, models)}),
        "dashboard": None if dashboard() is None else DASHBOARD.lstrip("/"),
        "traffic": is_local(),
    }


def cost(result: object) -> float | None:
    """Return the cost of a call in USD; `None` is unknown."""
    record = call_record(result)
    return None if record is None else record.usd
