from collections.abc import Callable, Iterator
from typing import Any, assert_type

from django.http import HttpRequest
from flask import Flask, Response

import ai_client_django
import ai_client_flask
from ai_client import AsyncOpenAI, ClientProvider, OpenAI
from ai_client.provider import Clients


def flask(app: Flask) -> None:
    extension = ai_client_flask.AIClient(app, error_handlers=False)
    extension.init_app(app)
    assert_type(extension.client, OpenAI)
    assert_type(extension.async_client, AsyncOpenAI)
    assert_type(extension["azure"], Clients)
    assert_type(extension["azure"].client, OpenAI)
    assert_type(ai_client_flask.get_ai_client(), OpenAI)
    assert_type(ai_client_flask.get_async_ai_client("azure"), AsyncOpenAI)
    assert_type(ai_client_flask.current_ai_client, OpenAI)


def streams(numbers: Iterator[int]) -> None:
    write: Callable[[int], str] = str
    assert_type(ai_client_flask.stream_response(numbers, transform=write), Response)
    assert_type(
        ai_client_django.stream_response(numbers, transform=write), ai_client_django.EventStreamResponse
    )


def django() -> None:
    assert_type(ai_client_django.ai_client, OpenAI)
    assert_type(ai_client_django.get_ai_client(), OpenAI)
    assert_type(ai_client_django.get_async_ai_client("azure"), AsyncOpenAI)


def django_handle() -> None:
    from ai_client_django._current import handle

    assert_type(handle().client, OpenAI)
    assert_type(handle().async_client, AsyncOpenAI)
    assert_type(handle().provider, ClientProvider)
    assert_type(handle()["azure"], Any)


def django_middleware(get_response: Callable[[HttpRequest], Any]) -> None:
    from ai_client_django.middleware import AIClientMiddleware

    assert_type(AIClientMiddleware(get_response), AIClientMiddleware)
