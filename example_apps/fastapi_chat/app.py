"""The application: a page, a streamed chat, JSON endpoints and one for webhooks."""

from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, Response

from ai_client import InvalidWebhookSignatureError, OpenAIError
from ai_client_fastapi import (
    AIClientDep,
    add_ai_client_error_handlers,
    ai_client_lifespan,
    dashboard_routes,
    stream_response,
)
from example_apps import _chat
from example_apps._chat import PAGE, PAGE_HEADERS, Answer, Chat, Plan, Question, Texts
from example_apps._stream import AsyncPageStream

from . import offline


def include_operations(app: FastAPI) -> None:
    """Include the dashboard, where there is one, and the routes of the offline demo."""
    if (readers := _chat.dashboard()) is not None:
        app.include_router(dashboard_routes(_chat.DASHBOARD, **readers))
    if _chat.is_local():
        app.include_router(offline.routes)


def create_app(**options: Any) -> FastAPI:
    """Build the application.

    Args:
        **options: Options of the AI client, which take precedence over the environment.
    """
    options = {"controls": _chat.controls(), **options}
    lifespan = ai_client_lifespan(options, warm=["chat.completions", "models"])
    app = FastAPI(title="Chat", lifespan=lifespan, dependencies=offline.dependencies())
    include_operations(app)
    add_ai_client_error_handlers(app)

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE, headers=PAGE_HEADERS)

    @app.get("/api/about")
    async def about(client: AIClientDep) -> dict[str, Any]:
        try:
            models = [model.id async for model in client.models.list()]
        except OpenAIError:
            models = []  # not every compatible API lists its models
        return _chat.about("FastAPI", client.base_url, models)

    @app.post("/api/chat")
    async def chat(chat: Chat, client: AIClientDep) -> Response:
        async def opened() -> AsyncPageStream:
            return AsyncPageStream(await client.chat.completions.create(stream=True, **chat.params()))

        return stream_response(opened())

    @app.post("/api/html")
    def html(texts: Texts) -> dict[str, list[str]]:
        return texts.html()

    @app.post("/api/ask")
    async def ask(question: Question, client: AIClientDep) -> Answer:
        return Answer.of(await client.chat.completions.create(**question.params()))

    @app.post("/api/plan")
    async def plan(question: Question, client: AIClientDep) -> Plan:
        completion = await client.chat.completions.parse(response_format=Plan, **question.params())
        if (plan := completion.choices[0].message.parsed) is None:
            raise HTTPException(502, "The model made no plan.")
        return plan

    @app.post("/api/webhook")
    async def webhook(request: Request, client: AIClientDep) -> dict[str, str]:
        try:
            event = client.webhooks.unwrap(await request.body(), request.headers)
        except InvalidWebhookSignatureError as error:
            raise HTTPException(400, str(error)) from error
        return {"received": event.type}

    return app
