"""The descriptions of keywords, where editors look for them."""

import ast
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from ai_client import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI
from ai_client._client.keywords import CopyOptions, OwnOptions
from ai_client._params import omit
from tools.docs.notation import descriptions
from tools.keywords import PACKAGE, SOURCES, rendered

OWN_OF_AZURE = {"api_key", "base_url", "workload_identity"}
"""The keywords that mean something else for Azure."""


def keywords(function: Callable[..., Any], further: type[Any] | None = None) -> set[str]:
    """Return the public keywords of a function, with those of the `TypedDict` that it takes as well."""
    named = inspect.signature(function).parameters.values()
    found = {one.name for one in named if one.kind is one.KEYWORD_ONLY and not one.name.startswith("_")}
    return found | set(further.__annotations__ if further else ())


@pytest.mark.parametrize("module", dict.fromkeys(module for module, _ in SOURCES))
def test_below_keys(module: str) -> None:
    """The text below each key of a `TypedDict` of options is what `python -m tools.keywords` writes."""
    assert (PACKAGE / module).read_text() == rendered(module)


@pytest.mark.parametrize(
    ("client", "further"),
    [(OpenAI, None), (AsyncOpenAI, None), (AzureOpenAI, OwnOptions), (AsyncAzureOpenAI, OwnOptions)],
)
def test_constructors(client: type[Any], further: type[Any] | None) -> None:
    """A client's constructor describes each of its keywords in its own docstring, and nothing else."""
    constructor: Any = client.__init__
    assert descriptions(constructor).keys() == keywords(constructor, further)


def test_copies() -> None:
    """`copy` and `with_options` describe each of their keywords, and Azure's take those of all clients."""
    for client in (OpenAI, AsyncOpenAI):
        for copy in (client.copy, client.with_options):
            assert descriptions(copy).keys() == keywords(copy) == keywords(copy, CopyOptions)
    assert descriptions(AzureOpenAI.copy).keys() == keywords(AzureOpenAI.copy) | {"options"}


@pytest.mark.parametrize("function", [OpenAI.__init__, AzureOpenAI.__init__, OpenAI.copy, AzureOpenAI.copy])
def test_first_lines(function: Callable[..., Any]) -> None:
    """The first line of a description, which is all that an editor shows beside its keyword, is whole sentences."""
    lines = [line.strip() for line in (function.__doc__ or "").splitlines()]
    for name in descriptions(function):
        shown = next(line for line in lines if f"{name}: " in line or f"{name} (" in line)
        assert shown.startswith(f"{name}: "), "the editor takes the first line that holds the name"
        assert shown.endswith(".")


def test_azure_says_the_same() -> None:
    """What a keyword means for all clients is described in the same words for Azure's."""
    clients: tuple[type[Any], ...] = (OpenAI, AzureOpenAI)
    of_all, of_azure = (descriptions(client.__init__) for client in clients)
    shared = of_all.keys() & of_azure.keys() - OWN_OF_AZURE
    assert {name: of_azure[name] for name in shared} == {name: of_all[name] for name in shared}
    assert len(shared) > 20


def test_request_options() -> None:
    """Each option that all methods take has a description below its key."""
    (options,) = (
        node
        for node in ast.parse(inspect.getsource(omit)).body
        if isinstance(node, ast.ClassDef) and node.name == "MethodOptions"
    )
    keys = [node for node in options.body if isinstance(node, ast.AnnAssign)]
    texts = [node for node in options.body if isinstance(node, ast.Expr)]
    assert len(texts) == len(keys) + 1
