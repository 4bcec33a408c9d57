"""The kinds and the signatures of all methods, beside those of the official SDK."""

import inspect
from operator import attrgetter
from typing import Any

import openai
import pytest
from openai._base_client import make_request_options
from openai._models import FinalRequestOptions

import ai_client
from ai_client import NotGiven, Omit
from ai_client.types.chat import ChatCompletion, ChatCompletionChunk
from tests.client.test_methods import is_async, wrapped
from tests.compare.test_every_method import API
from tests.support.invoke import CHAT, Invoke
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


def test_marks(invoke: Invoke) -> None:
    """The official marks, timeouts and class of streams are recognized where ours are."""
    for official, own in ((openai.omit, Omit), (openai.NOT_GIVEN, NotGiven), (openai.not_given, NotGiven)):
        assert isinstance(official, own)
    client = invoke.client(timeout=openai.Timeout(9), default_headers={"User-Agent": openai.omit})
    stream_cls: Any = openai.Stream if invoke.sync else openai.AsyncStream
    stream = invoke(
        client.post,
        "/chat/completions",
        cast_to=object,
        body={**CHAT, "stream": True, "seed": openai.omit},
        options=make_request_options(extra_headers={"Accept": openai.omit}, timeout=openai.NOT_GIVEN),
        stream=True,
        stream_cls=stream_cls[ChatCompletionChunk],
    )
    assert {type(each) for each in invoke.collect(stream)} == {ChatCompletionChunk}
    (recorded,) = invoke.upstream.requests
    assert recorded.json() == {**CHAT, "stream": True}
    assert {"user-agent", "accept"}.isdisjoint(recorded.headers)
    options = FinalRequestOptions.construct(method="post", url="/chat/completions", json_data=CHAT)
    assert invoke(client.request, ChatCompletion, options).choices
