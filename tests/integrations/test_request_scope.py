"""A request's labels hold until its response is closed, in every thread that works for it, and in none afterwards."""

import asyncio
import contextvars
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import flask
import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from werkzeug.test import EnvironBuilder

from ai_client import current_labels, labels
from ai_client._call.labels import Labels, requests_are_served
from ai_client.testing import Upstream
from ai_client_django import stream_response as django_stream
from ai_client_flask import AIClient, stream_response

HERE = "tests.integrations.test_request_scope"


@pytest.fixture
def app() -> flask.Flask:
    """Make an app with an upstream that is never asked."""
    made = flask.Flask(__name__)
    made.config.update(AI_CLIENT_API_KEY="any", AI_CLIENT_BASE_URL="http://127.0.0.1:9/v1", TESTING=True)
    AIClient(made)
    return made


def told() -> str:
    """Say the labels of here and now in one line."""
    found = current_labels()
    return f"{found.endpoint} {found.tenant}\n"


def parts() -> Iterator[str]:
    """Make two parts of a body, the second of which narrows the tenant inside a block that spans a part."""
    yield told()
    with labels(tenant="inner"):
        yield told()
    yield told()


EXPECTED = "{route} acme\n{route} inner\n{route} acme\n"


@pytest.mark.parametrize("kind", ["plain", "with context", "events", "events with context"])
def test_flask_generators(app: flask.Flask, kind: str) -> None:
    """A generator has its request's labels at every step, whoever drives it, and leaves none behind."""

    def body(number: int) -> flask.Response:
        del number
        labels(tenant="acme")
        made: Any = flask.stream_with_context(parts()) if "context" in kind else parts()
        return stream_response(made) if "events" in kind else flask.Response(made)

    app.add_url_rule("/say/<int:number>", view_func=body)
    response = app.test_client().get("/say/1", buffered=False)
    found = "".join(
        line.removeprefix("data: ") for line in response.text.splitlines(keepends=True) if line.strip()
    ).replace("data: [DONE]\n", "")
    lines = [line for line in found.replace("\\n", "\n").replace('"', "").splitlines() if " " in line]
    assert "\n".join(lines) + "\n" == EXPECTED.format(route="/say/<int:number>")
    assert current_labels() == Labels()
    response.close()
    assert not requests_are_served()


def test_a_request_is_served_until_its_response_is_closed(app: flask.Flask) -> None:
    """The drain waits for a body that is between two steps, and no longer than until the server closes it."""
    app.add_url_rule("/say", view_func=lambda: flask.Response(parts()))
    response = app.test_client().get("/say", buffered=False)
    first = next(iter(response.response))
    assert first == b"/say None\n"
    assert requests_are_served()
    assert current_labels() == Labels()
    response.close()
    assert not requests_are_served()


@pytest.mark.parametrize("reads", ["all", "one part", "nothing"])
@pytest.mark.parametrize("kind", ["text", "generator", "events"])
def test_what_runs_at_the_close_of_a_flask_response_runs_once(
    app: flask.Flask, kind: str, reads: str
) -> None:
    """Callbacks of a response run once, when the server closes it, within the labels of its request."""
    closed: list[str] = []

    def view() -> flask.Response:
        labels(tenant="acme")
        made = {"text": lambda: flask.Response("text"), "generator": lambda: flask.Response(parts())}
        response = made.get(kind, lambda: stream_response(parts()))()
        response.call_on_close(lambda: closed.append(told()))
        return response

    app.add_url_rule("/say", view_func=view)
    environ = EnvironBuilder("/say").get_environ()
    body: Any = app(environ, lambda *_: lambda _: None)
    iterator = iter(body)
    if reads != "nothing":
        next(iterator)
    if reads == "all":
        for _ in iterator:
            pass
    assert not closed
    body.close()
    del body, iterator
    gc.collect()
    assert closed == ["/say acme\n"]
    assert not requests_are_served()


def test_flask_errors_end_the_request(app: flask.Flask) -> None:
    """A view that fails, and one that is interrupted, end their request."""

    def interrupted() -> str:
        raise KeyboardInterrupt

    app.add_url_rule("/fails", view_func=lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    app.add_url_rule("/interrupted", view_func=interrupted)
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/fails")
    with pytest.raises(KeyboardInterrupt):
        app.test_client().get("/interrupted")
    assert not requests_are_served()
    assert current_labels() == Labels()


def test_copied_flask_contexts_keep_to_their_request(app: flask.Flask) -> None:
    """Copies of a request in other threads have its labels, whichever of them ends first, and no other's."""
    barrier = threading.Barrier(2)
    found: dict[str, list[Labels]] = {}

    def view(tenant: str) -> str:
        labels(tenant=tenant)

        @flask.copy_current_request_context
        def work() -> Labels:
            return current_labels()

        with ThreadPoolExecutor(1) as pool:
            inside = pool.submit(work).result()
            barrier.wait(20)  # both requests' copies have ended by now
            again = pool.submit(work).result() if tenant == "none" else current_labels()
            left = pool.submit(current_labels).result()
        found[tenant] = [inside, again, current_labels(), left]
        return "done"

    app.add_url_rule("/of/<tenant>", view_func=view)
    with ThreadPoolExecutor(2) as pool:
        outcomes = [pool.submit(app.test_client().get, f"/of/{tenant}") for tenant in ("a", "b")]
        for outcome in outcomes:
            response = outcome.result()
            assert response.status_code == 200
            response.close()
        assert [pool.submit(current_labels).result() for _ in range(4)] == [Labels()] * 4
    for tenant in ("a", "b"):
        own = Labels("/of/<tenant>", tenant)
        assert found[tenant] == [own, own, own, Labels()]
    assert not requests_are_served()


def test_flask_apps_behind_a_dispatcher_name_their_mount(app: flask.Flask) -> None:
    """The endpoint of a mounted app is its rule below its mount."""
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.test import Client as WSGIClient

    app.add_url_rule("/say/<int:number>", view_func=lambda number: told())  # noqa: ARG005
    mounted = WSGIClient(DispatcherMiddleware(flask.Flask("outer"), {"/api": app}))
    assert mounted.get("/api/say/3").text == "/api/say/<int:number> None\n"


def tell(request: HttpRequest, number: int) -> HttpResponse:
    """Say the labels in a body that is made while it is sent."""
    del request, number
    labels(tenant="acme")
    return StreamingHttpResponse(parts())


def events(request: HttpRequest, number: int) -> Any:
    """Say the labels in events."""
    del request, number
    labels(tenant="acme")
    return django_stream(parts())


async def tell_async(request: HttpRequest, number: int) -> HttpResponse:
    """Say the labels in a body that is made while it is sent."""
    del request, number
    labels(tenant="acme")

    async def body() -> AsyncIterator[str]:
        for part in (told, told):
            yield part()
            await asyncio.sleep(0)
        with labels(tenant="inner"):
            yield told()
        yield told()

    return StreamingHttpResponse(body())


def fails(request: HttpRequest) -> HttpResponse:
    """Fail."""
    raise LookupError(request.path)


urlpatterns = [
    path("say/<int:number>", tell),
    path("events/<int:number>", events),
    path("async/<int:number>", tell_async),
    path("fails", fails),
]


@override_settings(ROOT_URLCONF=HERE)
def test_django_generators() -> None:
    """A streamed body has its request's labels at every step, and the request ends with its response."""
    response = Client().get("/say/1")
    content: Iterator[bytes] = response.streaming_content  # type: ignore[attr-defined]
    first = next(content)
    assert requests_are_served()
    assert current_labels() == Labels()
    assert (first + b"".join(content)).decode() == EXPECTED.format(route="say/<int:number>")
    response.close()
    assert not requests_are_served()
    body = b"".join(Client().get("/events/1").streaming_content).decode()  # type: ignore[attr-defined]
    assert body.count("events/<int:number> acme") == 2
    assert body.count("events/<int:number> inner") == 1


@override_settings(ROOT_URLCONF=HERE)
async def read_async() -> str:
    """Read a streamed body on a loop."""
    response: Any = await AsyncClient().get("/async/1")
    found = b"".join([part async for part in response.streaming_content]).decode()
    assert current_labels() == Labels()
    response.close()
    return found


def test_django_async_generators() -> None:
    """An async body has its request's labels at every step."""
    route = "async/<int:number>"
    found = contextvars.Context().run(asyncio.run, read_async())
    assert found == f"{route} acme\n{route} acme\n{route} inner\n{route} acme\n"
    assert not requests_are_served()


@override_settings(ROOT_URLCONF=HERE)
def test_django_errors_end_the_request() -> None:
    """A view that fails ends its request, whether its server is shown the error or a page about it."""
    with pytest.raises(LookupError):
        Client().get("/fails")
    response = Client(raise_request_exception=False).get("/fails")
    assert response.status_code == 500
    response.close()
    assert not requests_are_served()


def test_limits_of_a_tenant_hold_inside_a_generator(ai_client_upstream: Upstream) -> None:
    """Calls that a streamed body makes count for the tenant of their request: each of three has its own limit."""
    app = flask.Flask(__name__)
    app.config.update(
        AI_CLIENT_API_KEY="any",
        AI_CLIENT_BASE_URL=ai_client_upstream.base_url,
        AI_CLIENT_CONTROLS={"rate_limits": [{"scope": "tenant", "requests": 1, "per": "day"}]},
    )
    ai = AIClient(app)
    ask: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}

    def view(tenant: str) -> flask.Response:
        labels(tenant=tenant)
        client = ai.client

        def body() -> Iterator[str]:
            yield "begun "
            yield client.chat.completions.create(**ask).choices[0].message.content or ""

        return flask.Response(body())

    app.add_url_rule("/of/<tenant>", view_func=view)
    client = app.test_client()
    assert all(client.get(f"/of/{tenant}").text.startswith("begun ") for tenant in "abc")
    assert len(ai_client_upstream.requests) == 3
