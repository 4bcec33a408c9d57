"""Templates of routes as labels: one for each route, in whatever language its address is."""

from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.http import HttpRequest
from django.urls import ResolverMatch, URLResolver, get_resolver
from django.utils.translation import get_language, get_supported_language_variant, override

_known: "WeakKeyDictionary[URLResolver, dict[tuple[str, Any, str], str]]" = WeakKeyDictionary()
"""The templates found so far, by URLconf; by route, view and language."""


def template(request: HttpRequest) -> str | None:
    """Return the template of a request's route; `None` until its address is resolved.

    Addresses of `i18n_patterns`, and those with translated parts, have the template of the default language.
    """
    match = request.resolver_match
    if match is None:
        return None
    language: str | None = getattr(request, "LANGUAGE_CODE", None) or get_language()
    if not settings.USE_I18N or language is None or language == (default := _default_language()):
        return match.route
    resolver = get_resolver(getattr(request, "urlconf", None))
    known = _known.setdefault(resolver, {})
    key = match.route, match.func, language
    found = known.get(key)
    if found is None:
        found = known[key] = _translated(resolver, request.path_info, match, language, default)
    return found


def _translated(resolver: URLResolver, path: str, match: ResolverMatch, language: str, default: str) -> str:
    """Return the template in the *default* language of a path that was resolved in another one."""
    with override(language):
        for patterns in _matching(resolver, path):
            if joined(patterns) == match.route:
                with override(default):
                    return joined(patterns)
    return match.route  # of a resolver of its own kind


def _matching(resolver: URLResolver, path: str) -> Iterator[list[Any]]:
    """Yield the patterns along each way from a resolver to a view that matches a path."""
    matched = resolver.pattern.match(path)
    if not matched:
        return
    for inner in resolver.url_patterns:
        if isinstance(inner, URLResolver):
            for patterns in _matching(inner, matched[0]):
                yield [inner.pattern, *patterns]
        elif inner.pattern.match(matched[0]):
            yield [inner.pattern]


def joined(patterns: list[Any]) -> str:
    """Return the route of patterns as Django writes it, with a `^` at its beginning at most."""
    route = ""
    for part in map(str, reversed(patterns)):
        route = part + route.removeprefix("^") if part else route
    return route


def _default_language() -> str:
    try:
        return get_supported_language_variant(settings.LANGUAGE_CODE)
    except LookupError:
        return str(settings.LANGUAGE_CODE)
