"""What other libraries see of a client's methods: coroutine functions or plain ones, and their keywords."""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from ai_client import AsyncOpenAI, OpenAI, omit
from ai_client.resources.chat.completions import Completions
from ai_client.types.chat import ChatCompletion
from tests.support.invoke import CHAT, Invoke

METHODS: dict[str, Callable[[Any], Any]] = {
    "operation": lambda client: client.models.retrieve,
    "overloads": lambda client: client.chat.completions.create,
    "overloads by hand": lambda client: client.audio.transcriptions.create,
    "parse": lambda client: client.responses.parse,
    "by hand": lambda client: client.embeddings.create,
    "verb": lambda client: client.post,
    "raw": lambda client: client.chat.completions.with_raw_response.create,
    "raw list": lambda client: client.models.with_raw_response.list,
}
PLAIN: dict[str, Callable[[Any], Any]] = {
    "list": lambda client: client.models.list,
    "stream": lambda client: client.chat.completions.stream,
    "connect": lambda client: client.realtime.connect,
    "unread": lambda client: client.chat.completions.with_streaming_response.create,
    "unread list": lambda client: client.models.with_streaming_response.list,
}
"""Methods that are plain functions on both clients, as they return what is awaited or entered later."""


def is_async(function: Any) -> bool:
    """Return whether a function or one that it wraps is a coroutine function, as instrumentation asks."""
    while not inspect.iscoroutinefunction(function) and hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return inspect.iscoroutinefunction(function)


def wrapped(function: Any) -> Any:
    """Wrap a function as instrumentation does."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


@pytest.mark.parametrize("name", METHODS)
def test_coroutine_functions(invoke: Invoke, name: str) -> None:
    """A method is a coroutine function on the async client alone, and so is what wraps it or is below it."""
    method = METHODS[name](invoke.client())
    for detect in (inspect.iscoroutinefunction, is_async, lambda each: is_async(wrapped(each))):
        assert detect(method) is not invoke.sync


def test_what_unwraps_a_method_finds_its_kind(invoke: Invoke) -> None:
    """The innermost function of a method is a coroutine function on the async client alone."""
    for method in (invoke.client().models.retrieve, invoke.client().chat.completions.create):
        assert inspect.iscoroutinefunction(inspect.unwrap(method)) is not invoke.sync
        assert inspect.iscoroutinefunction(inspect.unwrap(wrapped(method))) is not invoke.sync


@pytest.mark.parametrize("name", PLAIN)
def test_plain_functions(invoke: Invoke, name: str) -> None:
    """A method that returns what is awaited or entered later is a plain function on both clients."""
    method = PLAIN[name](invoke.client())
    assert not inspect.iscoroutinefunction(method)
    assert callable(method)
    assert inspect.ismethod(method)


@pytest.mark.parametrize("view", ["", "with_raw_response", "with_streaming_response"])
def test_signatures_show_keywords(invoke: Invoke, view: str) -> None:
    """The signature of a method names its keywords, those that must be there without a default, in each view."""
    completions = invoke.client().chat.completions
    create = (getattr(completions, view) if view else completions).create
    for function in (create, wrapped(create), functools.partial(create)):
        parameters = inspect.signature(function).parameters
        assert {"model", "messages"} == {
            name for name, each in parameters.items() if each.default is each.empty
        }
        assert {each.kind for each in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
        assert parameters["temperature"].default is omit
        assert parameters["temperature"].annotation == float | None
        assert {
            "stream",
            "tools",
            "extra_headers",
            "extra_query",
            "extra_body",
            "timeout",
        } <= parameters.keys()
    inspect.signature(create).bind(**CHAT, stream=True)


def test_signatures_of_other_methods(invoke: Invoke) -> None:
    """Path parameters are positional, and methods written by hand have keywords too."""
    client = invoke.client()
    assert next(iter(inspect.signature(client.models.retrieve).parameters)) == "model"
    retrieved = inspect.signature(client.chat.completions.messages.list).parameters
    assert (next(iter(retrieved)), "limit" in retrieved) == ("completion_id", True)
    assert {"input", "model", "dimensions"} <= inspect.signature(client.embeddings.create).parameters.keys()
    assert {"text_format", "input", "tools"} <= inspect.signature(client.responses.parse).parameters.keys()
    streamed = inspect.signature(client.responses.stream).parameters
    assert {"text_format", "input", "response_id", "starting_after"} <= streamed.keys()
    assert streamed["input"].default is omit
    assert {"model", "extra_query"} <= inspect.signature(client.realtime.connect).parameters.keys()


def test_a_signature_is_made_when_asked_for() -> None:
    """Neither a call nor the class makes signatures."""
    shown = inspect.unwrap(OpenAI(api_key="sk-1").completions.create)
    vars(shown).pop("__signature__", None)  # kept where another test has asked
    with mock.patch("ai_client._client.inspected.signature_of", side_effect=AssertionError) as made:
        method = OpenAI(api_key="sk-1").completions.create
        assert method.__name__ == "create"
        assert not made.called
        with pytest.raises(AssertionError):
            inspect.signature(method)


def test_type_hints_and_names(invoke: Invoke) -> None:
    """A method has the name, the documentation and the type hints that it was written with."""
    retrieve = invoke.client().chat.completions.retrieve
    assert (retrieve.__name__, retrieve.__qualname__) == ("retrieve", "Completions.retrieve")
    assert retrieve.__module__ == Completions.__module__.removesuffix("") + "._generated"
    assert retrieve.__doc__.startswith("Return a stored completion")
    assert typing.get_type_hints(retrieve)["return"] is ChatCompletion


def test_a_method_taken_from_the_class(invoke: Invoke) -> None:
    """A method of the class takes the resource, as patches that call the original do."""
    completions = invoke.client().chat.completions
    assert invoke(Completions.create, completions, **CHAT).choices
    assert invoke(type(invoke.client().models).list, invoke.client().models) is not None


def test_patches_and_specs() -> None:
    """`unittest.mock` patches only methods of the async client with async mocks, and sees all keywords."""
    made = (OpenAI(api_key="sk-1"), False), (AsyncOpenAI(api_key="sk-1"), True)
    for client, is_coroutine in made:
        with mock.patch.object(client.chat.completions, "create") as patched:
            assert isinstance(patched, mock.AsyncMock) is is_coroutine
        strict = mock.create_autospec(client.chat.completions.create)
        with pytest.raises(TypeError, match="made_up"):
            strict(**CHAT, made_up=1)
