"""The label of a call is the rule of the route that serves it, below where its app is mounted."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from flask import Blueprint, Flask
from hypothesis import HealthCheck, given, settings, strategies as st
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from ai_client import current_labels
from ai_client_flask import AIClient

WORDS = ("m", "x", "1", "7")
VALUES = {"": WORDS, "string:": WORDS, "int:": ("1", "7"), "path:": ("m", "m/x", "x/m/m", "1/7")}


@dataclass(frozen=True)
class Part:
    """A part of a path, a variable with room for its name, and what a request may have there."""

    shown: str
    values: tuple[str, ...]


@dataclass
class Node:
    """A route, a blueprint with what it holds, or an app that is mounted.

    Attributes:
        kind: Which of these.
        path: Its parts.
        inside: What it holds.
    """

    kind: str
    path: list[Part]
    inside: "list[Node]" = field(default_factory=list)


PLAIN = st.builds(lambda word: Part(word, (word,)), st.sampled_from(WORDS))


def paths(most: int, kinds: int) -> st.SearchStrategy[list[Part]]:
    """Return paths with up to so many parts, whose variables are of the first kinds."""
    variable = st.builds(lambda kind: Part(f"<{kind}{{}}>", VALUES[kind]), st.sampled_from([*VALUES][:kinds]))
    return st.lists(PLAIN | variable, min_size=1, max_size=most)


def blueprints(inside: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Return blueprints that hold these."""
    return st.builds(Node, st.just("blueprint"), paths(2, 3), st.lists(inside, min_size=1, max_size=3))


def mounts(inside: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Return apps that hold these, mounted."""
    path = st.lists(PLAIN, min_size=1, max_size=2)
    kinds = st.sampled_from(("mount", "late mount"))
    return st.builds(Node, kinds, path, st.lists(inside, min_size=1, max_size=3))


ROUTES = st.builds(Node, st.just("route"), paths(3, 4), st.just(list[Node]()))
INSIDE = st.recursive(ROUTES, blueprints, max_leaves=4)
TREES = st.lists(st.recursive(INSIDE, mounts, max_leaves=4), min_size=1, max_size=3)


class Tree:
    """An app of a tree, which notes the label of each request by its route.

    Attributes:
        templates: That of each route, by its number.
        requests: Paths that may lead to a route.
        seen: Each route that served a request, and the label that the request had.
    """

    def __init__(self, nodes: list[Node]) -> None:
        self.templates: dict[int, str] = {}
        self.requests: list[list[Part]] = []
        self.seen: list[tuple[int, str | None]] = []
        self.numbers = itertools.count()
        self.app = self.make(nodes, [])

    def make(self, nodes: list[Node], above: list[Part]) -> Any:
        """Return the WSGI application of an app with these routes and what is mounted in it."""
        app = Flask(__name__)
        app.config.update(AI_CLIENT_API_KEY="any")
        mounts = {kind: self.mounted(nodes, kind, above) for kind in ("mount", "late mount")}
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, mounts["mount"])  # type: ignore[method-assign]
        AIClient(app)
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, mounts["late mount"])  # type: ignore[method-assign]
        self.fill(app, nodes, above)
        return app

    def mounted(self, nodes: list[Node], kind: str, above: list[Part]) -> dict[str, Any]:
        """Return what is mounted, by its path."""
        return {
            shown(node.path): self.make(node.inside, [*above, *node.path])
            for node in nodes
            if node.kind == kind
        }

    def fill(self, holder: Flask | Blueprint, nodes: list[Node], above: list[Part]) -> None:
        """Add routes and blueprints."""
        for node in nodes:
            if node.kind == "blueprint":
                path = named(node.path, len(above))
                blueprint = Blueprint(f"b{next(self.numbers)}", __name__)
                self.fill(blueprint, node.inside, [*above, *path])
                holder.register_blueprint(blueprint, url_prefix=shown(path))
            elif node.kind == "route":
                path = named(node.path, len(above))
                holder.add_url_rule(shown(path), f"r{next(self.numbers)}", self.view([*above, *path]))

    def view(self, path: list[Part]) -> Callable[..., str]:
        """Return a new route's view."""
        number = len(self.templates)
        self.templates[number] = shown(path)
        self.requests.append(path)

        def noted(**values: object) -> Iterator[str]:
            del values
            self.seen.append((number, current_labels().endpoint))
            yield ""

        return lambda **values: "".join(noted(**values))


def named(parts: list[Part], before: int) -> list[Part]:
    """Return the parts with a name for each variable, told apart by how many parts come before it."""
    return [Part(part.shown.format(f"v{before + index}"), part.values) for index, part in enumerate(parts)]


def shown(parts: list[Part]) -> str:
    """Return the path of these parts."""
    return "".join(f"/{part.shown}" for part in parts)


@given(TREES, st.integers(0, 1 << 32))
@settings(derandomize=True, deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
def test_the_label_is_the_rule(nodes: list[Node], seed: int) -> None:
    """Whatever values a path has, the label is the rule of the route that served it, one for each route."""
    chosen = Random(seed)
    tree = Tree(nodes)
    client = Client(tree.app)
    for parts in tree.requests:
        for _ in range(2):
            client.get("".join(f"/{chosen.choice(part.values)}" for part in parts)).close()
    assert tree.seen == [(number, tree.templates[number]) for number, _ in tree.seen]
    assert tree.seen
