"""What the project has in the offline demo alone: traffic, the routes that it needs, and a tenant by header."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import path
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.http import require_POST

from ai_client import AsyncOpenAI, labels
from ai_client_django import get_async_ai_client
from example_apps._chat import LAST_HOUR, Answer, Question
from example_apps._offline.traffic import begin


class TenantMiddleware(MiddlewareMixin):
    """Labels the calls of a request with a tenant; a real project knows it from the session."""

    def process_request(self, request: HttpRequest) -> None:
        """Label the calls."""
        labels(tenant=request.headers.get("x-tenant"))


@require_POST
async def search(request: HttpRequest) -> HttpResponseBase:
    """Embed the question, as a search would."""
    question = Question.read(request.body)
    client = get_async_ai_client()
    found = await client.embeddings.create(model=question.model, input=question.question)
    return JsonResponse({"dimensions": len(found.data[0].embedding)})


@require_POST
async def digest(request: HttpRequest) -> HttpResponseBase:
    """Answer with a client for this request alone: the mistake that the dashboard is to show."""
    question = Question.read(request.body)
    async with AsyncOpenAI() as client:  # ai-client: ignore
        completion = await client.chat.completions.create(**question.params())
    return JsonResponse(Answer.of(completion).model_dump())


@require_POST
def traffic(request: HttpRequest) -> HttpResponse:
    """Start a minute of traffic, and show it."""
    status = begin(request.headers.get("sec-fetch-site"))
    return HttpResponse(status=status, headers={"location": LAST_HOUR})


urlpatterns = [path("api/search", search), path("api/digest", digest), path("traffic", traffic)]
