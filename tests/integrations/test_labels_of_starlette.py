"""The label of a call is the template of the route that serves it, in whatever way routes are put together."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import fastapi.routing
import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import HealthCheck, given, settings, strategies as st
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Host, Mount, Route, Router, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from ai_client import current_labels
from ai_client_fastapi import AIClientDep, ai_client_lifespan

KEY = {"api_key": "any", "base_url": "http://127.0.0.1:9/v1"}
WORDS = ("m", "x", "1", "7")
VALUES = {"": WORDS, ":str": WORDS, ":int": ("1", "7"), ":path": ("m", "m/x", "x/m/m", "1/7")}


@dataclass(frozen=True)
class Part:
    """A part of a path, as it is declared, as its template shows it, and what a request may have there."""

    declared: str
    shown: str
    values: tuple[str, ...]

    def renamed(self, number: int) -> "Part":
        """Return the part with another name: routes and the prefixes that they are included with share no name."""
        return Part(
            self.declared.replace("{", f"{{n{number}"), self.shown.replace("{", f"{{n{number}"), self.values
        )


@dataclass
class Node:
    """A route, or what holds routes.

    Attributes:
        kind: What it is.
        path: Its parts.
        inside: What it holds.
    """

    kind: str
    path: list[Part]
    inside: "list[Node]" = field(default_factory=list)


@st.composite
def paths(draw: st.DrawFn, least: int, most: int, *, open_end: bool) -> list[Part]:
    """Draw the parts of a path, each name once."""
    names = draw(st.permutations(("who", "a", "b")))
    found = []
    for name in names[: draw(st.integers(least, most))]:
        kinds = [*VALUES][: 4 if open_end and len(found) == most - 1 else 3]
        word = draw(st.sampled_from((None, *WORDS)))
        if word is None:
            kind = draw(st.sampled_from(kinds))
            found.append(Part(f"{{{name}{kind}}}", f"{{{name}}}", VALUES[kind]))
        else:
            found.append(Part(word, word, (word,)))
    return found


ROUTES = st.builds(
    Node, st.sampled_from(("route", "api_route")), paths(0, 3, open_end=True), st.just(list[Node]())
)
PREFIX = Part("in", "in", ("in",))
TAKES_MOUNTS = hasattr(fastapi.routing, "iter_route_contexts")
TAKEN = ("route", "api_route", "included")
"""What older versions of FastAPI take over from an included router."""
HOLDERS = ("mount", "starlette", "fastapi", "wrapped", "router", "included", "host")


def holders(inside: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Return what may hold these."""
    return st.builds(
        Node, st.sampled_from(HOLDERS), paths(0, 2, open_end=False), st.lists(inside, min_size=1, max_size=3)
    )


TREES = st.lists(st.recursive(ROUTES, holders, max_leaves=6), min_size=1, max_size=4)


class Tree:
    """An application of a tree, which notes the label of each request by its route.

    Attributes:
        templates: That of each route, by its number.
        requests: Paths and hosts that may lead to a route.
        seen: Each route that served a request, and the label that the request had.
    """

    def __init__(self, nodes: Sequence[Node], *, of_fastapi: bool) -> None:
        self.templates: dict[int, str] = {}
        self.requests: list[tuple[str, list[Part]]] = []
        self.seen: list[tuple[int, str | None]] = []
        lifespan = ai_client_lifespan(KEY)
        if of_fastapi:
            self.app: Starlette = FastAPI(lifespan=lifespan, openapi_url=None)
            self.app.router.redirect_slashes = False
            self.fill(self.app, nodes, [], "example.org")
        else:
            self.app = Starlette(routes=self.plain(nodes, [], "example.org"), lifespan=lifespan)
        self.app.router.redirect_slashes = False

    def endpoint(self, path: list[Part], above: list[Part], host: str) -> Callable[[Request], Any]:
        """Return a new route's function."""
        number = len(self.templates)
        self.templates[number] = declared([*above, *path], shown=True) or "/"
        self.requests.append((host, [*above, *path]))

        async def noted(request: Request) -> Response:
            del request
            self.seen.append((number, current_labels().endpoint))
            return Response()

        return noted

    def fill(
        self, router: Any, nodes: Sequence[Node], above: list[Part], host: str, included: int = 0
    ) -> None:
        """Add nodes to a FastAPI application or its router, which was included so many times."""
        for node in nodes:
            parts = [part.renamed(included) for part in node.path]
            path = declared(parts)
            if node.kind == "api_route":
                router.add_api_route(path or "/", self.endpoint(slashed(parts), above, host))
            elif node.kind == "included":
                below = APIRouter()
                parts, path = (
                    (parts, path) if parts else ([PREFIX], "/in")
                )  # some routes cannot be included without
                inside = [one for one in node.inside if TAKES_MOUNTS or one.kind in TAKEN]
                self.fill(below, inside, [*above, *parts], host, included + 1)
                router.include_router(below, prefix=path)
            else:
                router.routes.extend(self.plain([Node(node.kind, parts, node.inside)], above, host))

    def plain(self, nodes: Sequence[Node], above: list[Part], host: str) -> list[BaseRoute]:
        """Return Starlette's routes for nodes."""
        return [self.one(node, above, host) for node in nodes]

    def one(self, node: Node, above: list[Part], host: str) -> BaseRoute:
        """Return Starlette's route for a node."""
        path = declared(node.path)
        if not node.inside:
            return Route(path or "/", self.endpoint(slashed(node.path), above, host))
        if node.kind == "host":
            name = f"h{len(self.templates)}.test"
            return Host(name, Router(self.plain(node.inside, above, name)))
        within = [*above, *node.path]
        app: ASGIApp
        if node.kind in {"fastapi", "included"}:
            app = FastAPI(openapi_url=None)
            self.fill(app, node.inside, within, host)
        else:
            routes = self.plain(node.inside, within, host)
            if node.kind == "mount":
                return Mount(path, routes=routes)
            app = Router(routes) if node.kind == "router" else Starlette(routes=routes)
        return Mount(path, app=CORSMiddleware(app) if node.kind == "wrapped" else app)

    async def ask(self, paths: Sequence[tuple[str, str]]) -> None:
        """Serve a GET of each path of a host."""
        async with self.app.router.lifespan_context(self.app):
            for host, path in paths:
                scope = {
                    "type": "http",
                    "method": "GET",
                    "path": path,
                    "query_string": b"",
                    "headers": [(b"host", host.encode())],
                }
                await self.app(scope, receive, send)


async def receive() -> Message:
    """Return a request's body, which is empty."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(_message: Message) -> None:
    """Take a response."""


def declared(parts: Sequence[Part], *, shown: bool = False) -> str:
    """Return the path of these parts."""
    return "".join(f"/{part.shown if shown else part.declared}" for part in parts)


def slashed(parts: list[Part]) -> list[Part]:
    """Return the parts of a route's path, whose shortest is a slash."""
    return parts or [Part("", "", ("",))]


@given(TREES, st.booleans(), st.integers(0, 1 << 32))
@settings(derandomize=True, deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
def test_the_label_is_the_template(nodes: list[Node], of_fastapi: bool, seed: int) -> None:
    """Whatever values a path has, the label is the joined template of the route that served it, one for each route."""
    chosen = Random(seed)
    tree = Tree(nodes, of_fastapi=of_fastapi)
    asked = [
        (host, "".join(f"/{chosen.choice(part.values)}" for part in parts))
        for host, parts in tree.requests
        for _ in range(2)
    ]
    asyncio.run(tree.ask(asked))
    assert tree.seen == [(number, tree.templates[number]) for number, _ in tree.seen]
    asks_numbers = any(part.values == VALUES[":int"] for _, parts in tree.requests for part in parts)
    assert tree.seen or asks_numbers or not tree.requests


async def note(request: Request) -> Response:
    """Answer with the label of the request."""
    del request
    return Response(repr(current_labels().endpoint))


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the label, as an application without a router."""
    await Response(repr(current_labels().endpoint))(scope, receive, send)


def hidden(app: ASGIApp) -> ASGIApp:
    """Wrap an application as a function does, which shows nothing of it."""

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return wrapper


class Copying:
    """A middleware that hands on a copy of its scope."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        await self.app({**scope}, receive, send)


def asked(app: Starlette, *paths: str) -> list[str | None]:
    """Return the label of a GET of each path."""
    with TestClient(app) as http:
        return [None if (text := http.get(path).text) == "None" else text.strip("'") for path in paths]


@pytest.mark.parametrize(
    ("routes", "path", "template"),
    [
        ([Route("/items/{item:int}", note)], "/items/7", "/items/{item}"),
        ([Mount("/m/{who}", routes=[Route("/x/m", note)])], "/m/m/x/m", "/m/{who}/x/m"),
        ([Mount("/{who}", routes=[Route("/m/{who}", note)])], "/m/m/m", "/{who}/m/{who}"),
        ([Mount("/{a}", routes=[Mount("/{b}", routes=[Route("/", note)])])], "/b/a/", "/{a}/{b}/"),
        ([Mount("/x", routes=[Route("/", note)]), Mount("/{a}", routes=[Route("/", note)])], "/x/", "/x/"),
        ([Mount("/opaque", app=bare)], "/opaque/whatever/1", "/opaque/{path}"),
        ([Mount("/{a}", app=CORSMiddleware(Router([Route("/{b}", note)])))], "/1/2", "/{a}/{b}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_labels_below_mounts(routes: list[BaseRoute], path: str, template: str) -> None:
    """No value that a path has in the place of a mount reaches the label."""
    assert asked(Starlette(routes=routes, lifespan=ai_client_lifespan(KEY)), path) == [template]


def test_labels_behind_a_wrapper_that_hides_its_application() -> None:
    """Where the routes of a mounted application cannot be seen, its requests have a label that no path changes."""
    app = Starlette(
        routes=[Mount("/{a}", app=hidden(Router([Route("/{b}", note)])))], lifespan=ai_client_lifespan(KEY)
    )
    first, second = asked(app, "/1/2", "/3/4")
    assert first == second
    assert first in {"/{a}/{b}", "/{a}/{path}"}  # the first where the framework reports its routes


def test_no_label_before_a_route_matches() -> None:
    """A request that no route serves has no label, also within a mount, and neither has middleware outside of it."""
    before: list[str | None] = []

    class Before:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            before.append(current_labels().endpoint)
            await self.app(scope, receive, send)

    inner = Starlette(routes=[Route("/{b}", note)])
    inner.add_middleware(Before)
    app = Starlette(routes=[Mount("/{a}", app=inner)], lifespan=ai_client_lifespan(KEY))
    assert asked(app, "/1/2") == ["/{a}/{b}"]
    assert before == [None]


def test_label_of_a_websocket_below_a_mount() -> None:
    """A WebSocket's work has the template of its route and of what that is mounted in."""

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(repr(current_labels().endpoint))
        await socket.close()

    routes = [Mount("/{a}", routes=[WebSocketRoute("/m/{b}", talk)])]
    app = Starlette(routes=routes, lifespan=ai_client_lifespan(KEY))
    with TestClient(app) as http, http.websocket_connect("/m/m/m") as socket:
        assert socket.receive_text() == "'/{a}/m/{b}'"


def test_label_behind_middleware_that_copies() -> None:
    """Middleware may hand on a copy of the scope: whoever asks for the client is labelled all the same."""
    app = FastAPI(lifespan=ai_client_lifespan(KEY))
    inner = FastAPI()

    @app.get("/items/{item}")
    @inner.get("/{item}")
    async def ask(item: str, client: AIClientDep) -> str | None:
        del item, client
        return current_labels().endpoint

    app.mount("/in/{a}", inner)
    app.add_middleware(Copying)
    with TestClient(app) as http:
        assert http.get("/items/1").json() == "/items/{item}"
        assert http.get("/in/1/1").json() == "/in/{a}/{item}"
