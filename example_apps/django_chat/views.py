"""The views: a page, a streamed chat, JSON endpoints and one for webhooks."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from ai_client import InvalidWebhookSignatureError, OpenAIError
from ai_client_django import ai_client, get_async_ai_client, stream_response
from example_apps import _chat
from example_apps._chat import PAGE, PAGE_HEADERS, Answer, Chat, InputError, Plan, Question, Texts
from example_apps._stream import AsyncPageStream

View = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponseBase]]


def validated(view: View) -> View:
    """Answer 422 where the input of the view is invalid."""

    @wraps(view)
    async def validating(request: HttpRequest) -> HttpResponseBase:
        try:
            return await view(request)
        except InputError as error:
            return JsonResponse({"detail": error.faults}, status=422)

    return validating


@require_GET
def page(_request: HttpRequest) -> HttpResponse:
    """Serve the page."""
    return HttpResponse(PAGE.read_bytes(), headers=PAGE_HEADERS)


@require_GET
async def about(_request: HttpRequest) -> JsonResponse:
    """Return what the page shows about the API."""
    client = get_async_ai_client()
    try:
        models = [model.id async for model in client.models.list()]
    except OpenAIError:
        models = []  # not every compatible API lists its models
    return JsonResponse(_chat.about("Django", client.base_url, models))


@require_POST
@validated
async def chat(request: HttpRequest) -> HttpResponseBase:
    """Stream the answer."""
    params, client = Chat.read(request.body).params(), get_async_ai_client()
    return stream_response(AsyncPageStream(await client.chat.completions.create(stream=True, **params)))


@require_POST
@validated
async def html(request: HttpRequest) -> JsonResponse:
    """Return the HTML of what the page has from earlier."""
    return JsonResponse(Texts.read(request.body).html())


@require_POST
@validated
async def ask(request: HttpRequest) -> HttpResponseBase:
    """Answer in one piece."""
    question = Question.read(request.body)
    completion = await get_async_ai_client().chat.completions.create(**question.params())
    return JsonResponse(Answer.of(completion).model_dump())


@require_POST
@validated
async def plan(request: HttpRequest) -> HttpResponseBase:
    """Answer with a plan, as structured output."""
    question = Question.read(request.body)
    completions = get_async_ai_client().chat.completions
    completion = await completions.parse(response_format=Plan, **question.params())
    if (plan := completion.choices[0].message.parsed) is None:
        return JsonResponse({"detail": "The model made no plan."}, status=502)
    return JsonResponse(plan.model_dump())


@require_POST
def webhook(request: HttpRequest) -> JsonResponse:
    """Accept an event of the provider if its signature is valid."""
    try:
        event = ai_client.webhooks.unwrap(request.body, request.headers)
    except InvalidWebhookSignatureError as error:
        return JsonResponse({"detail": str(error)}, status=400)
    return JsonResponse({"received": event.type})
