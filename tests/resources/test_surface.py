"""The public methods, their parameters and results, beside those of the official SDK.

`surface.json` keeps the names of the official SDK's stable methods (openai 3.57.0) in a compact form: for each, whether
a parameter is positional ("/"), required ("!") or neither, and what it returns.
"""

import ast
import inspect
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.surface import SURFACE, method_of
from tools.generator.rules import Rules

ROOT = Path(__file__).parents[2]
LATER = {
    f"{resource.path}.{name}"
    for resource in Rules.load(ROOT / "tools" / "api").resources.values()
    for name in resource.later
}
OURS = {"max_wait_seconds", "on_progress"}
"""What methods that wait for the server's work take beyond the official SDK's."""
OPTIONS = {"extra_headers", "extra_query", "extra_body", "timeout"}
LISTINGS = {
    "PlainListing": "SyncPage",
    "CursorListing": "SyncCursorPage",
    "ConversationCursorListing": "SyncConversationCursorPage",
}


def ours(path: str) -> list[str]:
    """Return what a method of ours takes, in the form of `surface.json`."""
    _, function = method_of(path)
    forms = typing.get_overloads(function) or [function]
    names: dict[str, str] = {}
    for form in forms:
        for name, mark in parameters(form):
            names[name] = mark if names.get(name, mark) == mark else ""
    positional = [f"{name}/" for name, mark in names.items() if mark == "/"]
    return positional + sorted(name + mark for name, mark in names.items() if mark != "/")


def parameters(function: Any) -> Iterator[tuple[str, str]]:
    """List names and marks of a function's parameters, those of its TypedDict included."""
    for parameter in list(inspect.signature(function, follow_wrapped=False).parameters.values())[1:]:
        if parameter.name in OPTIONS:
            continue
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            yield parameter.name, "/"
        elif parameter.kind is parameter.KEYWORD_ONLY:
            yield (
                parameter.name,
                "!" if parameter.default is parameter.empty and parameter.name != "stream" else "",
            )
        elif parameter.kind is parameter.VAR_KEYWORD:
            (params,) = typing.get_args(parameter.annotation)
            for name in params.__annotations__.keys() - OPTIONS:
                yield name, "!" if name in params.__required_keys__ else ""


def result_of(path: str) -> str:
    """Return the result that a method's source names, as the official SDK's sync client would."""
    owner, function = method_of(path)
    module = ast.parse(Path(inspect.getfile(owner)).read_text())
    tree = next(
        node for node in module.body if isinstance(node, ast.ClassDef) and node.name == owner.__name__
    )
    text = next(
        ast.unparse(node.returns).strip("'")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name == function.__name__
        and node.returns is not None
    )
    text = re.sub(r"Connecting\[(\w+)\[.*", r"\1Manager", text)
    listing, bracket, rest = text.partition("[")
    return f"{LISTINGS.get(listing, listing)}{bracket}{rest}"


@pytest.mark.parametrize("path", sorted(SURFACE.keys() - LATER))
def test_method_takes_the_same(path: str) -> None:
    """A method takes the parameters of the official SDK's, positional, required and optional as there."""
    *taken, _ = SURFACE[path]
    more = OURS - set(taken) if path.endswith(("poll", "wait_for_processing")) else set[str]()
    assert [name for name in ours(path) if name not in more] == taken


@pytest.mark.parametrize("path", sorted(SURFACE.keys() - LATER))
def test_method_gives_the_same(path: str) -> None:
    """A method gives a result of the official SDK's name."""
    *_, returns = SURFACE[path]
    first, *_ = re.sub(r"\[(ResponseFormatT|TextFormatT|Any)\]", "[T]", returns).split(" | ")
    assert result_of(path) == first.replace("_legacy_response.HttpxBinaryResponseContent", "BinaryResponse")


def test_what_is_to_be_written_is_not_there() -> None:
    """The map's list of methods still to be written holds no method that exists."""
    for path in LATER & SURFACE.keys():
        with pytest.raises(AttributeError):
            method_of(path)
