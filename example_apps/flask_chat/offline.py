"""What the application has in the offline demo alone: traffic, the routes that it needs, and a tenant by header."""

from typing import Any

from flask import Blueprint, Response, request

from ai_client import OpenAI, labels
from ai_client_flask import AIClient
from example_apps._chat import LAST_HOUR, Answer, Question
from example_apps._offline.traffic import begin


def offline_routes(ai: AIClient) -> Blueprint:
    """Return the routes."""
    routes = Blueprint("offline", __name__)

    @routes.before_app_request
    def label() -> None:
        """Label the calls of the request; a real application knows its tenant from the session."""
        labels(tenant=request.headers.get("x-tenant"))

    @routes.post("/api/search")
    def search() -> dict[str, int]:
        """Embed the question, as a search would."""
        question = Question.read(request.get_data())
        found = ai.client.embeddings.create(model=question.model, input=question.question)
        return {"dimensions": len(found.data[0].embedding)}

    @routes.post("/api/digest")
    def digest() -> dict[str, Any]:
        """Answer with a client for this request alone: the mistake that the dashboard is to show."""
        question = Question.read(request.get_data())
        with OpenAI() as client:  # ai-client: ignore
            return Answer.of(client.chat.completions.create(**question.params())).model_dump()

    @routes.post("/traffic")
    def traffic() -> Response:
        """Start a minute of traffic, and show it."""
        status = begin(request.headers.get("sec-fetch-site"))
        return Response(status=status, headers={"location": LAST_HOUR})

    return routes
