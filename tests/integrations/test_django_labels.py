"""The labels of Django's routes: the template that Django reports, one for each route, whatever the language."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path, re_path, resolve
from django.utils.functional import lazystr
from django.utils.translation import activate, get_language, override
from hypothesis import HealthCheck, given, settings as how, strategies as st

from ai_client import current_labels
from ai_client_django import _routes

LANGUAGES = ("en", "de", "pt-br")
ROUTES_OF_TESTS = "tests.integrations.django_routes_of_a_test"


@contextmanager
def project(*urlpatterns: Any, **more: Any) -> Iterator[Client]:
    """Serve routes with Django's and this package's middleware."""
    module = ModuleType(ROUTES_OF_TESTS)
    module.urlpatterns = urlpatterns  # type: ignore[attr-defined]
    sys.modules[ROUTES_OF_TESTS] = module
    options = {
        "ROOT_URLCONF": ROUTES_OF_TESTS,
        "LANGUAGE_CODE": "en",
        "LANGUAGES": [(language, language) for language in LANGUAGES],
        "MIDDLEWARE": [
            "django.middleware.locale.LocaleMiddleware",
            "ai_client_django.middleware.AIClientMiddleware",
        ],
    }
    try:
        with override("en", deactivate=True), override_settings(**options | more):
            yield Client()
    finally:
        del sys.modules[ROUTES_OF_TESTS]


def label(request: HttpRequest, **_: Any) -> JsonResponse:
    """Answer with the label, and with the route that Django reports."""
    assert request.resolver_match is not None
    return JsonResponse({"label": current_labels().endpoint, "route": request.resolver_match.route})


def switching(request: HttpRequest) -> JsonResponse:
    """Answer in a language of the view's own, as one does that has the user's choice from a database."""
    activate("pt-br")
    return label(request)


def late(request: HttpRequest) -> StreamingHttpResponse:
    """Stream the label, which is asked for when the language of the request is over."""

    def body() -> Iterator[str]:
        activate("en")
        yield str(current_labels().endpoint)

    del request
    return StreamingHttpResponse(body())


def labels_of(client: Client, *addresses: str) -> list[str]:
    """Return the label of a call at each address."""
    return [client.get(address).json()["label"] for address in addresses]


def test_one_label_for_all_languages() -> None:
    """Addresses of `i18n_patterns` have the label of the default language."""
    with project(*i18n_patterns(path("ask/<int:pk>", label))) as client:
        assert labels_of(client, "/en/ask/1", "/de/ask/2", "/pt-br/ask/3") == ["en/ask/<int:pk>"] * 3


def test_without_a_prefix_for_the_default_language() -> None:
    """Where the default language has no prefix, the label has none either."""
    routes = i18n_patterns(path("ask", label), prefix_default_language=False)
    with project(*routes) as client:
        assert labels_of(client, "/ask", "/de/ask", "/pt-br/ask") == ["ask"] * 3


def test_the_default_language_is_a_variant() -> None:
    """A default language of a country has the label of the language that its addresses have."""
    with project(*i18n_patterns(path("ask", label)), LANGUAGE_CODE="en-us") as client:
        assert labels_of(client, "/en/ask", "/de/ask") == ["en/ask"] * 2


def test_a_default_language_that_is_none_of_the_languages() -> None:
    """A default language without addresses still makes one label."""
    with project(*i18n_patterns(path("ask", label)), LANGUAGE_CODE="fr") as client:
        assert labels_of(client, "/en/ask", "/de/ask") == ["fr/ask"] * 2


def test_translated_routes() -> None:
    """Parts of a route that are translated have one label, in `i18n_patterns` and elsewhere."""
    ask = translated(en="ask/", de="fragen/")
    with project(
        *i18n_patterns(path(ask, include([re_path(r"^(?P<pk>\d+)$", label)]))), path(ask, label)
    ) as client:
        expected = labels_of(client, "/en/ask/1")
        assert labels_of(client, "/de/fragen/2") == expected == [r"en/ask/(?P<pk>\d+)$"]
        assert client.get("/fragen/", headers={"accept-language": "de"}).json() == {
            "label": "ask/",
            "route": "fragen/",
        }


def test_the_same_route_outside() -> None:
    """A route beside `i18n_patterns` keeps its own label."""
    with project(path("ask", label), *i18n_patterns(path("ask", label))) as client:
        assert labels_of(client, "/ask", "/en/ask", "/de/ask") == ["ask", "en/ask", "en/ask"]


def test_languages_of_a_view() -> None:
    """A view that activates another language, or a body that is sent in one, has the label of its route."""
    with project(*i18n_patterns(path("switching", switching), path("late", late))) as client:
        assert labels_of(client, "/en/switching", "/de/switching") == ["en/switching"] * 2
        assert client.get("/de/late").getvalue() == b"en/late"


def test_without_translation() -> None:
    """A project without translation, or without a request's language, has the labels that Django reports."""
    with project(path("ask", label), USE_I18N=False) as client:
        assert labels_of(client, "/ask") == ["ask"]
    with project(path("ask", label), MIDDLEWARE=["ai_client_django.middleware.AIClientMiddleware"]) as client:
        assert labels_of(client, "/ask") == ["ask"]


def test_urlconf_of_a_request() -> None:
    """A request with routes of its own has their labels."""
    other = ModuleType(f"{ROUTES_OF_TESTS}_too")
    other.urlpatterns = i18n_patterns(path("other", label))  # type: ignore[attr-defined]
    request = RequestFactory().get("/de/other")
    with project(*i18n_patterns(path("ask", label))), override("de", deactivate=True):
        request.urlconf = other  # type: ignore[assignment]
        request.LANGUAGE_CODE = "de"
        request.resolver_match = resolve("/de/other", other)  # type: ignore[arg-type]
        assert _routes.template(request) == "en/other"


def translated(**texts: str) -> Any:
    """Return a text that is another one in each language, as `gettext_lazy` does."""
    return lazystr(Texts(texts))


class Texts:
    """Texts by language."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    def __str__(self) -> str:
        return self._texts.get(get_language() or "en", self._texts["en"])


class Part(NamedTuple):
    """One part of a route, and how it reads in an address of a language."""

    make: Callable[[Any], Any]
    read: Callable[[str], str]


class Leaf(NamedTuple):
    """A route: its patterns, and its address in each language."""

    parts: tuple[Part, ...]
    mount: str

    def address(self, language: str) -> str:
        """Return the address in a language."""
        prefix = (
            "" if self.mount == "outside" or (self.mount == "bare" and language == "en") else f"{language}/"
        )
        return f"/{prefix}{''.join(part.read(language) for part in self.parts)}"


def part_of(kind: str, number: int) -> Part:
    """Make a part of a kind, unlike any other part."""
    name = f"r{number}"
    translations = {"en": f"{name}/", "de": f"{name}-de/", "pt-br": f"{name}-br/"}
    makes: dict[str, tuple[Any, Callable[[str], str]]] = {
        "text": (lambda inner: path(f"{name}/", inner), lambda _: f"{name}/"),
        "number": (lambda inner: path(f"{name}/<int:{name}>/", inner), lambda _: f"{name}/5/"),
        "slug": (lambda inner: path(f"{name}/<slug:{name}>-x/", inner), lambda _: f"{name}/a-b-x/"),
        "expression": (
            lambda inner: re_path(rf"^{name}/(?P<{name}>[a-z]+)/", inner),
            lambda _: f"{name}/abc/",
        ),
        "empty": (lambda inner: path("", inner), lambda _: ""),
        "translated": (lambda inner: path(translated(**translations), inner), translations.__getitem__),
    }
    return Part(*makes[kind])


KINDS = ("text", "number", "slug", "expression", "empty", "translated")


@st.composite
def leaves(draw: st.DrawFn) -> list[Leaf]:
    """Draw the routes of a project; each ends in a part of its own."""
    found: list[Leaf] = []
    for _ in range(draw(st.integers(1, 4))):
        kinds = [
            *draw(st.lists(st.sampled_from(KINDS), max_size=3)),
            draw(st.sampled_from(["text", "translated"])),
        ]
        parts = tuple(part_of(kind, 10 * len(found) + place) for place, kind in enumerate(kinds))
        found.append(Leaf(parts, draw(st.sampled_from(["outside", "prefixed", "bare"]))))
    return found


def patterns_of(leaf: Leaf) -> list[Any]:
    """Return a route's patterns, each part including the next."""
    inner: Any = label
    for part in reversed(leaf.parts):
        inner = part.make(inner if callable(inner) else include(inner))
        inner = [inner]
    routes: list[Any] = inner
    if leaf.mount == "outside":
        return routes
    return i18n_patterns(*routes, prefix_default_language=leaf.mount == "prefixed")


@given(leaves())
@how(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_labels_of_random_routes(routes: list[Leaf]) -> None:
    """Each route has one label in all languages, that which Django reports in the default one, and no two share it."""
    with project(*(pattern for leaf in routes for pattern in patterns_of(leaf))) as client:
        found: list[str] = []
        for leaf in routes:
            labels: set[str] = set()
            for language in LANGUAGES:
                answer = client.get(leaf.address(language), headers={"accept-language": language}).json()
                labels.add(answer["label"])
                if language == "en":
                    assert answer["label"] == answer["route"]
            assert len(labels) == 1, leaf.address("en")
            found += labels
        assert len(set(found)) == len(routes)


@pytest.mark.parametrize("accepted", LANGUAGES)
def test_unknown_addresses(accepted: str) -> None:
    """An address without a route has no label."""
    request = RequestFactory().get("/nowhere", headers={"accept-language": accepted})
    assert _routes.template(request) is None
