"""Every method of the surface through the official SDK's client and ours, with every parameter: equal on the wire."""

import collections.abc
import inspect
import types
import typing
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import openai
import pytest
import typing_extensions

import ai_client
from ai_client.testing import Recorded, Upstream
from tests.compare.test_official import wire
from tests.conftest import KEY
from tests.test_surface import SURFACE, method_of
from tools.generator.rules import Rules

API = Path(__file__).parents[2] / "tools" / "api"
CALLS = sorted(method.path for method in Rules.load(API).methods() if method.path in SURFACE)
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


def whole(params: Any, depth: int = 0) -> dict[str, Any]:
    """Give a value for every key of a TypedDict."""
    return {
        key: example(value, key, depth + 1)
        for key, value in params.__annotations__.items()
        if key not in OPTIONS and (depth < DEEP or key in params.__required_keys__)
    }


def arguments(path: str) -> tuple[list[str], dict[str, Any]]:
    """Give arguments for a method: each part of its path, and every parameter of its TypedDict."""
    _, function = method_of(path)
    form = (typing.get_overloads(function) or [function])[0]
    positional: list[str] = []
    keywords: dict[str, Any] = {}
    for parameter in list(inspect.signature(form).parameters.values())[1:]:
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            positional.append(f"{parameter.name} é")
        elif parameter.kind is parameter.VAR_KEYWORD:
            keywords |= whole(get_args(parameter.annotation)[0])
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
        library.OpenAI(api_key=KEY, base_url=upstream.base_url, max_retries=0)
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


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", CALLS)
def test_method(path: str, clients: tuple[Any, Any], upstreams: tuple[Upstream, Upstream]) -> None:
    """A method sends what the official SDK's sends: verb, path, query, headers and body."""
    positional, keywords = arguments(path)
    said = []
    for client, upstream in zip(clients, upstreams, strict=True):
        upstream.reset()
        upstream.always(json={"data": [], "object": "list"})
        attrgetter(path)(client)(*positional, **keywords)
        said.append(seen(upstream.requests[0]))
    assert said[1] == said[0]
