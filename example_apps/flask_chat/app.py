"""The application: a page, a streamed chat, JSON endpoints and one for webhooks."""

from typing import Any

from flask import Blueprint, Flask, Response, abort, request, send_file

from ai_client import InvalidWebhookSignatureError, OpenAIError
from ai_client_flask import AIClient, stream_response
from example_apps import _chat
from example_apps._chat import PAGE, PAGE_HEADERS, Answer, Chat, InputError, Plan, Question, Texts
from example_apps._stream import PageStream

from .offline import offline_routes

ai = AIClient()
routes = Blueprint("chat", __name__)


def create_app(**config: Any) -> Flask:
    """Build the application.

    Args:
        **config: Flask's configuration, which takes precedence over the environment; `AI_CLIENT_*` are options
            of the AI
            client.
    """
    app = Flask(__name__, static_folder=None)
    app.config["AI_CLIENT_CONTROLS"] = _chat.controls()
    app.config.update(config)
    ai.init_app(app)
    app.register_blueprint(routes)
    if _chat.is_local():
        app.register_blueprint(offline_routes(ai))
    if (readers := _chat.dashboard()) is not None:
        app.register_blueprint(ai.dashboard_blueprint(_chat.DASHBOARD, **readers))
    app.register_error_handler(InputError, refuse)
    app.register_error_handler(InvalidWebhookSignatureError, refuse_webhook)
    return app


@routes.get("/")
def page() -> Response:
    """Serve the page."""
    response = send_file(PAGE)
    response.headers.update(PAGE_HEADERS)
    return response


@routes.get("/api/about")
def about() -> dict[str, Any]:
    """Return what the page shows about the API."""
    try:
        models = [model.id for model in ai.client.models.list()]
    except OpenAIError:
        models = []  # not every compatible API lists its models
    return _chat.about("Flask", ai.client.base_url, models)


@routes.post("/api/chat")
def chat() -> Response:
    """Stream the answer."""
    chat = Chat.read(request.get_data())
    return stream_response(PageStream(ai.client.chat.completions.create(stream=True, **chat.params())))


@routes.post("/api/html")
def html() -> dict[str, Any]:
    """Return the HTML of what the page has from earlier."""
    return Texts.read(request.get_data()).html()


@routes.post("/api/ask")
def ask() -> dict[str, Any]:
    """Answer in one piece."""
    question = Question.read(request.get_data())
    return Answer.of(ai.client.chat.completions.create(**question.params())).model_dump()


@routes.post("/api/plan")
def plan() -> dict[str, Any]:
    """Answer with a plan, as structured output."""
    question = Question.read(request.get_data())
    completion = ai.client.chat.completions.parse(response_format=Plan, **question.params())
    if (plan := completion.choices[0].message.parsed) is None:
        abort(502, "The model made no plan.")
    return plan.model_dump()


@routes.post("/api/webhook")
def webhook() -> dict[str, Any]:
    """Accept an event of the provider if its signature is valid."""
    event = ai.client.webhooks.unwrap(request.get_data(), request.headers)
    return {"received": event.type}


def refuse_webhook(error: InvalidWebhookSignatureError) -> tuple[dict[str, Any], int]:
    """Answer 400 to a webhook with an invalid signature."""
    return {"detail": str(error)}, 400


def refuse(error: InputError) -> tuple[dict[str, Any], int]:
    """Answer 422 to invalid input."""
    return {"detail": error.faults}, 422
