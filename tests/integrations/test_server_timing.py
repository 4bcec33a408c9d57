"""The header `Server-Timing`: the calls of a request, in development, in each framework."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from fastapi import FastAPI
from flask import Flask
from starlette.testclient import TestClient

from ai_client import ClientProvider, OpenAI, labels
from ai_client.adapter import RequestScope, timings_of_request
from ai_client.errors import OpenAIError
from ai_client.testing import Upstream
from ai_client_django.middleware import AIClientMiddleware
from ai_client_fastapi import AIClientDep, ServerTimingMiddleware, ai_client_lifespan, stream_response
from ai_client_flask import AIClient, get_ai_client
from tests.support.invoke import CHAT

METRIC = re.compile(r'ai(\d*);dur=(\d+\.\d);desc="((?:[^"\\]|\\.)*)"')


def described(header: str) -> list[str]:
    """Return the descriptions of a header, which is of the grammar that browsers read."""
    found = METRIC.findall(header)
    assert ", ".join(f'ai{number};dur={dur};desc="{desc}"' for number, dur, desc in found) == header
    assert [number for number, _, _ in found] == ["", *map(str, range(1, len(found)))]
    return [desc for _, _, desc in found]


def of_fastapi(*, debug: bool, always: bool = False, outside: bool = False) -> Callable[[str], Any]:
    """Return how to ask an application of FastAPI."""
    app = FastAPI(debug=debug, lifespan=ai_client_lifespan(api_key="key", max_retries=1))
    if not outside:
        app.add_middleware(ServerTimingMiddleware, always=always)

    @app.get("/two")
    async def two(client: AIClientDep) -> str:
        calls: list[Any] = [client.chat.completions.create(**CHAT) for _ in range(2)]
        await asyncio.gather(*calls)
        return "done"

    @app.get("/none")
    async def none() -> str:
        return "done"

    @app.get("/streamed")
    async def streamed(client: AIClientDep) -> Any:
        return stream_response(await client.chat.completions.create(**CHAT, stream=True))

    served: Any = ServerTimingMiddleware(app, always=always) if outside else app

    def ask(path: str) -> Any:
        with TestClient(served) as client:
            return client.get(path)

    return ask


def of_flask(*, debug: bool) -> Callable[[str], Any]:
    """Return how to ask an application of Flask."""
    app = Flask(__name__)
    app.debug = debug
    AIClient(app, api_key="key", max_retries=1)

    @app.get("/two")
    def two() -> str:
        for _ in range(2):
            get_ai_client().chat.completions.create(**CHAT)
        return "done"

    @app.get("/none")
    def none() -> str:
        return "done"

    return app.test_client().get


def of_django(*, debug: bool) -> Callable[[str], Any]:
    """Return how to ask a project of Django."""

    def view(request: HttpRequest) -> HttpResponse:
        for _ in range(2 if request.path == "/two" else 0):
            with OpenAI(api_key="key") as client, labels(tenant="acme"):
                client.chat.completions.create(**CHAT)
        return HttpResponse("done", headers={"Server-Timing": "db;dur=1"})

    def ask(path: str) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("django.conf.settings.DEBUG", debug)
            return AIClientMiddleware(view)(RequestFactory().get(path))

    return ask


@pytest.fixture(autouse=True)
def _everywhere(monkeypatch: pytest.MonkeyPatch, upstream: Upstream) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.base_url)


@pytest.mark.parametrize("framework", [of_fastapi, of_flask, of_django])
def test_development_shows_the_calls_of_a_request(framework: Any, upstream: Upstream) -> None:
    """In debug mode a response names each call with its time, model and path; without, or without calls, nothing."""
    before = "db;dur=1" if framework is of_django else ""
    header = framework(debug=True)("/two").headers["Server-Timing"]
    assert header.startswith(before)
    what = "gpt-5.5 /chat/completions"
    assert described(header.removeprefix(f"{before}, ")) == ["2 calls", what, what]
    assert framework(debug=True)("/none").headers.get("Server-Timing", "") == before
    assert framework(debug=False)("/two").headers.get("Server-Timing", "") == before
    assert len(upstream.requests) == 4


@pytest.mark.parametrize("outside", [True, False])
def test_the_middleware_stands_inside_or_outside(outside: bool) -> None:
    """The middleware works in an application and around it, and without debug mode where it is told so."""
    ask = of_fastapi(debug=False, always=True, outside=outside)
    assert described(ask("/two").headers["server-timing"])[0] == "2 calls"


def test_a_stream_shows_what_is_known_at_its_head() -> None:
    """A response that is streamed says that its call is under way."""
    header = of_fastapi(debug=True)("/streamed").headers["server-timing"]
    assert described(header) == ["1 call", "gpt-5.5 /chat/completions (stream, under way)"]


def header_of(work: Callable[[OpenAI], object], provider: ClientProvider) -> str:
    """Return the header of a request that does some work."""
    with RequestScope("/x"):
        timings = timings_of_request()
        assert timings is not None
        work(provider.client)
        header = timings.header()
    assert header is not None
    return header


@pytest.fixture
def provider(upstream: Upstream) -> Any:
    """Return a provider whose answers are cached."""
    options: dict[str, Any] = {"base_url": upstream.base_url, "api_key": "key", "max_retries": 1}
    return ClientProvider(**options, controls={"cache": {"scope": "all"}})


def test_marks(provider: ClientProvider, upstream: Upstream) -> None:
    """Answers of the cache, retries, errors and streams are marked."""
    retry = {"retry-after-ms": "1"}
    upstream.reply(status=500, headers=retry)

    def work(client: OpenAI) -> None:
        for _ in range(2):
            client.chat.completions.create(**CHAT, temperature=0)
        for _ in client.chat.completions.create(**CHAT, stream=True):
            pass
        upstream.reply(status=429, headers=retry)
        upstream.reply(status=429, headers=retry)
        with pytest.raises(OpenAIError):
            client.models.retrieve("x")

    assert described(header_of(work, provider)) == [
        "4 calls",
        "gpt-5.5 /chat/completions (1 retry)",
        "gpt-5.5 /chat/completions (cached)",
        "gpt-5.5 /chat/completions (stream)",
        "GET /models/x (1 retry, RateLimitError 429)",
    ]


def test_names_are_escaped_and_bounded(provider: ClientProvider) -> None:
    """Whatever a model is called, the header is of its grammar; many calls make it no longer than a few kilobytes."""

    def work(client: OpenAI) -> None:
        for name in ('a"b\\c', "naïve\r\nSet-Cookie: x=1", "x" * 500, *map(str, range(40))):
            asked: dict[str, Any] = {**CHAT, "model": name}
            client.chat.completions.create(**asked)

    header = header_of(work, provider)
    shown = described(header)
    assert shown[:3] == ["43 calls", r"a\"b\\c /chat/completions", "na?ve??Set-Cookie: x=1 /chat/completions"]
    assert len(shown) == 21
    assert len(header) < 3000


def test_calls_at_once_count_once(provider: ClientProvider) -> None:
    """The total is the time in which any call was under way, not the sum of overlapping ones."""
    from ai_client._call.timings import CallTimings, TimedCall

    timings = CallTimings()
    made: list[TimedCall] = []
    for began, ended in ((10.0, 11.0), (10.5, 12.0), (20.0, 20.5), (10.2, 10.3)):
        one = TimedCall.__new__(TimedCall)
        one.what, one.marks, one.began, one.ended = "m", [], began, ended
        made.append(one)
    timings._calls = made
    header = timings.header()
    assert header is not None
    assert header.startswith('ai;dur=2500.0;desc="4 calls", ai1;dur=1000.0;')
    assert timings_of_request() is None
    provider.close()
