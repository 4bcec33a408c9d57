"""The label of a call is the route that Django reports, whatever values an address has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from types import ModuleType
from typing import Any

from django.conf.urls.i18n import i18n_patterns
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path, re_path
from hypothesis import HealthCheck, given, settings, strategies as st

from ai_client import current_labels

WORDS = ("m", "x", "1", "7")
KINDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "str": ("<{}>/", r"(?P<{}>[^/]+)/", WORDS),
    "int": ("<int:{}>/", r"(?P<{}>[0-9]+)/", ("1", "7")),
    "path": ("<path:{}>/", r"(?P<{}>.+)/", ("m", "m/x", "x/m/m", "1/7")),
}
LANGUAGES = ("en", "de")


@dataclass(frozen=True)
class Part:
    """A part of a route as `path` and `re_path` take it, with room for a name, and what an address may have there."""

    plain: str
    expression: str
    values: tuple[str, ...]


@dataclass
class Node:
    """A route, or what includes others.

    Attributes:
        expression: Whether it is made by `re_path`.
        parts: Of its route.
        inside: What it includes.
    """

    expression: bool
    parts: list[Part]
    inside: "list[Node]" = field(default_factory=list)


PARTS = st.builds(lambda word: Part(f"{word}/", f"{word}/", (word,)), st.sampled_from(WORDS)) | st.builds(
    lambda kind: Part(*KINDS[kind]), st.sampled_from([*KINDS])
)
ROUTES = st.builds(Node, st.booleans(), st.lists(PARTS, min_size=1, max_size=3), st.just(list[Node]()))


def including(inside: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Return what includes these."""
    return st.builds(
        Node, st.booleans(), st.lists(PARTS, max_size=2), st.lists(inside, min_size=1, max_size=3)
    )


TREES = st.lists(st.recursive(ROUTES, including, max_leaves=5), min_size=1, max_size=3)


class Tree:
    """A URLconf of a tree, whose views note the label of each request.

    Attributes:
        templates: The route of each view in the default language, by its number.
        requests: Addresses that may lead to a view, as what each part may be.
        seen: Each view that served a request, and the label that the request had.
    """

    def __init__(self, plain: list[Node], languages: list[Node]) -> None:
        self.templates: dict[int, str] = {}
        self.requests: list[list[Sequence[str]]] = []
        self.seen: list[tuple[int, str | None]] = []
        self.urls: Any = ModuleType("urls")
        self.urls.urlpatterns = [
            *self.patterns(plain, [], 0, []),
            *i18n_patterns(*self.patterns(languages, ["en/"], 0, [LANGUAGES])),
        ]

    def patterns(
        self, nodes: list[Node], above: list[str], depth: int, values: list[Sequence[str]]
    ) -> list[Any]:
        """Return the patterns of nodes."""
        found = []
        for node in nodes:
            texts = [
                (part.expression if node.expression else part.plain).replace("{}", f"v{depth + index}")
                for index, part in enumerate(node.parts)
            ]
            route = "".join(texts)
            if node.expression:
                route = f"^{route}" if node.inside else f"^{route}$"
            # Django leaves out the `^` of a route that is included, as its own reports do.
            inside = [*above, route.removeprefix("^") if "".join(above) else route]
            below = [*values, *(part.values for part in node.parts)]
            make = re_path if node.expression else path
            if node.inside:
                target: Any = include(self.patterns(node.inside, inside, depth + len(texts), below))
            else:
                target = self.view("".join(inside), below)
            found.append(make(route, target))
        return found

    def view(self, template: str, values: list[Sequence[str]]) -> Callable[..., HttpResponse]:
        """Return a new route's view."""
        number = len(self.templates)
        self.templates[number] = template
        self.requests.append(values)

        def note(request: HttpRequest, **values: object) -> HttpResponse:
            del request, values
            self.seen.append((number, current_labels().endpoint))
            return HttpResponse()

        return note


@given(TREES, TREES, st.integers(0, 1 << 32))
@settings(derandomize=True, deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
def test_the_label_is_the_route(plain: list[Node], languages: list[Node], seed: int) -> None:
    """Whatever values and language an address has, the label is the route of the view that served it, one for each."""
    chosen = Random(seed)
    tree = Tree(plain, languages)
    middleware = [
        "django.middleware.locale.LocaleMiddleware",
        "ai_client_django.middleware.AIClientMiddleware",
    ]
    with override_settings(
        ROOT_URLCONF=tree.urls, MIDDLEWARE=middleware, LANGUAGE_CODE="en", USE_I18N=True, APPEND_SLASH=False
    ):
        client = Client()
        for values in tree.requests:
            for _ in range(3):
                client.get("".join(f"/{chosen.choice(value)}" for value in values) + "/")
    assert tree.seen == [(number, tree.templates[number]) for number, _ in tree.seen]
    assert tree.seen
