"""The kinds and the signatures of all methods, beside those of the official SDK."""

import inspect
from operator import attrgetter
from typing import Any

import openai
import pytest

import ai_client
from tests.client.test_methods import is_async, wrapped
from tests.compare.test_every_method import API
from tests.support.surface import SURFACE
from tools.generator.rules import Rules

METHODS = sorted({method.path for method in Rules.load(API).methods()} | SURFACE.keys())
WHO = {"api_key": "sk-1", "admin_api_key": "sk-2", "base_url": "http://127.0.0.1:9/v1"}
VIEWS = ("", "with_raw_response.", "with_streaming_response.")


@pytest.fixture(scope="module")
def clients() -> dict[str, list[Any]]:
    """Return the official client and ours, by the name of their class."""
    return {
        name: [getattr(library, name)(**WHO) for library in (openai, ai_client)]
        for name in ("OpenAI", "AsyncOpenAI")
    }


def both(clients: list[Any], path: str) -> list[Any]:
    """Return the methods of a path, of none where one of the clients has no such method."""
    try:
        return [attrgetter(path)(client) for client in clients]
    except AttributeError:
        return []


def keywords(method: Any) -> tuple[list[str], set[str], set[str]]:
    """Return a method's parameters: the positional ones in order, the required ones and all."""
    parameters = inspect.signature(method).parameters
    positional = [name for name, each in parameters.items() if each.kind is each.POSITIONAL_OR_KEYWORD]
    required = {name for name, each in parameters.items() if each.default is each.empty}
    return positional, required, set(parameters)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", METHODS)
@pytest.mark.parametrize("name", ["OpenAI", "AsyncOpenAI"])
def test_kind(name: str, path: str, clients: dict[str, list[Any]]) -> None:
    """A method, each view of it and what wraps them are coroutine functions where the official SDK's are."""
    holder, _, method = path.rpartition(".")
    found = [both(clients[name], f"{holder}.{view}{method}") for view in VIEWS]
    assert any(found)
    for theirs, ours in filter(None, found):
        assert is_async(ours) == is_async(theirs)
        assert is_async(wrapped(ours)) == is_async(wrapped(theirs))
        assert name == "AsyncOpenAI" or not inspect.iscoroutinefunction(ours)


@pytest.mark.parametrize("path", sorted(SURFACE))
def test_signature(path: str, clients: dict[str, list[Any]]) -> None:
    """A method's signature has the official SDK's parameters: positional, required and optional as there."""
    methods = both(clients["OpenAI"], path)
    if not methods:
        pytest.skip("one of the two has no such method")
    (positional, required, known), (own_positional, own_required, own) = map(keywords, methods)
    assert own_required == required
    assert known <= own
    if not path.endswith(".connect"):  # which takes its options by keyword
        assert own_positional == positional
