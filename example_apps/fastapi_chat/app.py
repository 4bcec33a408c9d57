"""The application: a page, a streamed chat and a JSON endpoint."""

import os
import re
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field

from ai_client import OpenAIError
from ai_client_fastapi import (
    AIClientDep,
    add_ai_client_error_handlers,
    ai_client_lifespan,
    stream_response,
)

MODELS = re.compile(r"gpt-\d")
PAGE = Path(__file__).parents[1] / "_static" / "chat.html"


class Message(BaseModel):
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    content: str = Field(min_length=1, max_length=100_000)


class Chat(BaseModel):
    """A conversation to continue."""

    messages: list[Message] = Field(min_length=1, max_length=1000)
    model: str | None = None


class Question(BaseModel):
    """A question to answer at once."""

    question: str = Field(min_length=1, max_length=100_000)
    model: str | None = None


class Answer(BaseModel):
    """An answer, and which model gave it."""

    answer: str
    model: str


def create_app(*, offline: bool = False, **options: Any) -> FastAPI:
    """Make the application.

    Args:
        offline: Whether the page says that its answers are made up.
        **options: Options of the AI client, over those in the environment.
    """
    app = FastAPI(title="Chat", lifespan=ai_client_lifespan(options, warm=["chat.completions", "models"]))
    add_ai_client_error_handlers(app)
    default_model = os.environ.get("CHAT_MODEL", "gpt-5.5-mini")

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE)

    @app.get("/api/about")
    async def about(client: AIClientDep) -> dict[str, Any]:
        try:
            models = [model.id async for model in client.models.list()]
        except OpenAIError:
            models = []  # not every compatible API lists its models
        return {
            "framework": "FastAPI",
            "offline": offline,
            "base_url": str(client.base_url),
            "model": default_model,
            "models": sorted({default_model, *filter(MODELS.match, models)}),
        }

    @app.post("/api/chat")
    async def chat(chat: Chat, client: AIClientDep) -> Response:
        answer = client.chat.completions.create(
            model=chat.model or default_model,
            messages=[{"role": turn.role, "content": turn.content} for turn in chat.messages],
            stream=True,
            extra_body={"stream_options": {"include_usage": True}},
        )
        return stream_response(answer)

    @app.post("/api/ask")
    async def ask(question: Question, client: AIClientDep) -> Answer:
        answer = await client.chat.completions.create(
            model=question.model or default_model,
            messages=[{"role": "user", "content": question.question}],
        )
        return Answer(answer=answer.choices[0].message.content or "", model=answer.model)

    return app
