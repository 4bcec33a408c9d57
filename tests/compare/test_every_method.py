"""Every method of the surface through the official SDK's client and ours, with every parameter: equal on the wire."""

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import openai
import pytest
import typing_extensions

import ai_client
from ai_client.testing import Recorded, Upstream
from tests.support.invoke import KEY
from tests.support.recorded import wire
from tests.support.surface import SURFACE, method_of
from tools.generator.rules import Rules

API = Path(__file__).parents[2] / "tools" / "api"
CALLS = sorted(method.path for method in Rules.load(API).methods() if method.path in SURFACE)
ALL = sorted(method.path for method in Rules.load(API).methods())
TOGETHER: dict[str, dict[str, Any]] = {
    "audio.voices.create": {"name": "a", "prompt": "b", "type": "synthetic"}
}
"""What the official SDK requires beside what the types say."""
THEIR_FAULTS = {
    ("videos.create", "input_reference"),
    ("videos.edit", "video"),
    ("videos.extend", "video"),
    ("beta.realtime.sessions.create", "truncation"),
    ("beta.realtime.sessions.create", "prompt"),
}
"""Parameters, or forms of them, that the API knows and the official SDK refuses."""
UPLOAD = ("name.bin", b"content", "application/octet-stream")
OPTIONS = {"extra_headers", "extra_query", "extra_body", "timeout"}
DEEP = 4


def example(annotation: Any, name: str, depth: int = 0) -> Any:  # noqa: PLR0911 - one for each kind of type
    """Give a value of a type: the first of alternatives, one item per list, every key that is not too deep."""
    if isinstance(annotation, typing.ForwardRef):
        return {}
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (typing_extensions.Required, typing_extensions.Annotated):
        return example(parts[0], name, depth)
    if origin in (typing.Union, types.UnionType):
        if bytes in parts:
            return UPLOAD
        return example(parts[0], name, depth)
    if origin is Literal:
        return parts[0]
    if origin in (collections.abc.Sequence, collections.abc.Iterable, list):
        return [example(parts[0], name, depth + 1)]
    if origin in (collections.abc.Mapping, dict):
        return {"key": example(parts[1], name, depth + 1)}
    if typing_extensions.is_typeddict(annotation):
        return whole(annotation, depth)
    return {str: name, int: 3, float: 0.5, bool: True, object: {"any": [1, None]}}[annotation]


def examples(annotation: Any, name: str) -> list[Any]:
    """Give a value of each alternative of a type, and `None` where it may be that."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (typing_extensions.Required, typing_extensions.NotRequired, typing_extensions.Annotated):
        return examples(parts[0], name)
    if origin not in (typing.Union, types.UnionType):
        return [example(annotation, name, DEEP)]
    found: list[Any] = []
    for part in parts:
        if part is type(None):
            found.append(None)
        elif part is bytes:
            found.append(UPLOAD)
        elif not (bytes in parts and part is not str and not typing_extensions.is_typeddict(part)):
            found += examples(part, name)
    return found


def whole(params: Any, depth: int = 0) -> dict[str, Any]:
    """Give a value for every key of a TypedDict."""
    return {
        key: example(value, key, depth + 1)
        for key, value in params.__annotations__.items()
        if key not in OPTIONS and (depth < DEEP or key in params.__required_keys__)
    }


def least(params: Any) -> dict[str, Any]:
    """Give a value for every key of a TypedDict that must be there."""
    return {
        key: example(value, key, DEEP)
        for key, value in params.__annotations__.items()
        if key in params.__required_keys__
    }


def required(path: str) -> tuple[list[str], dict[str, Any]]:
    """Give the arguments that a method must have."""
    positional, keywords = arguments(path, least)
    return positional, keywords | TOGETHER.get(path, {})


def arguments(
    path: str, members: Callable[[Any], dict[str, Any]] = whole
) -> tuple[list[str], dict[str, Any]]:
    """Give arguments for a method: each part of its path, and *members* of the TypedDict of its parameters."""
    _, function = method_of(path)
    form = (typing.get_overloads(function) or [function])[0]
    positional: list[str] = []
    keywords: dict[str, Any] = {}
    for parameter in list(inspect.signature(form, follow_wrapped=False).parameters.values())[1:]:
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            positional.append(f"{parameter.name} é")
        elif parameter.kind is parameter.VAR_KEYWORD:
            keywords |= members(get_args(parameter.annotation)[0])
        elif parameter.name != "stream" and parameter.default is parameter.empty:
            keywords[parameter.name] = f"{parameter.name} é"
    return positional, keywords


@pytest.fixture(scope="module")
def upstreams() -> Iterator[tuple[Upstream, Upstream]]:
    """Yield an upstream for each library."""
    with Upstream() as theirs, Upstream() as ours:
        yield theirs, ours


@pytest.fixture(scope="module")
def clients(upstreams: tuple[Upstream, Upstream]) -> Iterator[tuple[Any, Any]]:
    """Yield the official client and ours."""
    made = [
        library.OpenAI(api_key=KEY, admin_api_key="sk-admin", base_url=upstream.base_url, max_retries=0)
        for library, upstream in zip((openai, ai_client), upstreams, strict=True)
    ]
    yield made[0], made[1]
    for client in made:
        client.close()


def seen(recorded: Recorded) -> dict[str, Any]:
    """Give what a request says; query and form in no order, which has no meaning."""
    said = wire(recorded)
    said["query"] = sorted(said["query"].split("&"))
    if "multipart" in said["headers"].get("content-type", ""):
        said["body"] = sorted(said["body"].split(b"--BOUNDARY"))
    return said


def data_of(path: str) -> list[Any]:
    """Give an answer that both clients take."""
    return [{"embedding": [1.0], "index": 0, "object": "embedding"}] if path == "embeddings.create" else []


def said_by_both(
    path: str,
    positional: list[str],
    keywords: dict[str, Any],
    clients: tuple[Any, Any],
    upstreams: tuple[Upstream, Upstream],
) -> list[Any]:
    """Give what each client sends for a call."""
    said: list[Any] = []
    for client, upstream in zip(clients, upstreams, strict=True):
        upstream.reset()
        upstream.always(json={"data": data_of(path), "object": "list"})
        attrgetter(path)(client)(*positional, **keywords)
        said.append(seen(upstream.requests[0]))
    return said


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", CALLS)
def test_method(path: str, clients: tuple[Any, Any], upstreams: tuple[Upstream, Upstream]) -> None:
    """A method sends what the official SDK's sends: verb, path, query, headers and body."""
    positional, keywords = arguments(path)
    theirs, ours = said_by_both(path, positional, keywords, clients, upstreams)
    assert ours == theirs


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", ALL)
def test_method_with_the_least(
    path: str, clients: tuple[Any, Any], upstreams: tuple[Upstream, Upstream]
) -> None:
    """So it does where it is given what it requires, and nothing else."""
    positional, keywords = required(path)
    theirs, ours = said_by_both(path, positional, keywords, clients, upstreams)
    assert ours == theirs


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", ALL)
def test_method_with_one_more(
    path: str, clients: tuple[Any, Any], upstreams: tuple[Upstream, Upstream]
) -> None:
    """So it does for each parameter alone beside those, in each form that it may have."""
    positional, keywords = required(path)
    _, function = method_of(path)
    form = (typing.get_overloads(function) or [function])[0]
    for parameter in inspect.signature(form, follow_wrapped=False).parameters.values():
        if parameter.kind is not parameter.VAR_KEYWORD:
            continue
        params = get_args(parameter.annotation)[0]
        for key, annotation in params.__annotations__.items():
            if key in OPTIONS:
                continue
            for value in examples(annotation, key):
                if (path, key) in THEIR_FAULTS and value != UPLOAD:
                    continue
                theirs, ours = said_by_both(path, positional, {**keywords, key: value}, clients, upstreams)
                assert (key, value, ours) == (key, value, theirs)
