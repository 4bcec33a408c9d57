"""The stubs that editors read say what the package does: the same methods, with the same keywords."""

import ast
import inspect
from importlib import import_module
from typing import Any, get_args, get_overloads, is_typeddict

import pytest

from ai_client import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI
from ai_client._client.listings import pages
from ai_client._client.operation import operation
from tests.house.test_described import SOURCES, Method, methods
from tools.generator.sources import PACKAGE, statements

ROOM = f"{PACKAGE}._signatures"
MODULES = sorted(
    f"{ROOM}.{path.relative_to(SOURCES.root / '_signatures').with_suffix('')}".replace("/", ".").removesuffix(
        ".__init__"
    )
    for path in (SOURCES.root / "_signatures").rglob("*.pyi")
)
OF_RESOURCES = [module for module in MODULES if module != ROOM]


def keywords_of(function: Any) -> set[str]:
    """Return the keywords that a function takes, those of the TypedDict that it unpacks included."""
    found: set[str] = set()
    for form in get_overloads(function) or [function]:
        for name, parameter in inspect.signature(form).parameters.items():
            if parameter.kind is not parameter.VAR_KEYWORD:
                found.add(name)
            elif get_args(parameter.annotation) and is_typeddict(get_args(parameter.annotation)[0]):
                found |= get_args(parameter.annotation)[0].__annotations__.keys()
    return found - {"self"}


def spelled(found: list[Method]) -> set[str]:
    """Return the keywords of all forms of a method in a stub."""
    return {each.arg for form in found for each in (*form.args.args, *form.args.kwonlyargs)} - {"self"}


def function_of(cls: type, name: str) -> Any:
    """Return the function behind a method of a resource."""
    member = inspect.getattr_static(cls, name)
    return member._method if isinstance(member, operation | pages) else member


def test_every_resource_has_a_stub() -> None:
    """There are stubs for all resources, and each is made for both clients."""
    assert len(OF_RESOURCES) > 80
    for module in OF_RESOURCES:
        names = [
            node.name for node in statements(SOURCES.tree(module).body) if isinstance(node, ast.ClassDef)
        ]
        assert [name.removeprefix("Sync") for name in names[:1]] == [
            name.removeprefix("Async") for name in names[1:]
        ]


@pytest.mark.parametrize("module", OF_RESOURCES)
def test_methods_are_those_of_the_resource(module: str) -> None:
    """A stub has the public operations of its resource, each with exactly its keywords."""
    (sync, _) = [node.name for node in SOURCES.tree(module).body if isinstance(node, ast.ClassDef)]
    cls = getattr(import_module(module.replace("_signatures", "resources")), sync.removeprefix("Sync"))
    for mode in ("Sync", "Async"):
        forms: dict[str, list[Method]] = {}
        for method in methods(module, f"{mode}{cls.__name__}"):
            forms.setdefault(method.name, []).append(method)
        for name, found in forms.items():
            if not any("accessor" in ast.unparse(each) for each in found[0].decorator_list):
                assert spelled(found) == keywords_of(function_of(cls, name)), name
        operations = {
            name
            for name in dir(cls)
            if not name.startswith("_") and isinstance(inspect.getattr_static(cls, name), operation | pages)
        }
        assert operations <= forms.keys()


@pytest.mark.parametrize("client", [OpenAI, AsyncOpenAI, AzureOpenAI, AsyncAzureOpenAI])
def test_options_are_those_of_the_client(client: type[OpenAI | AsyncOpenAI]) -> None:
    """The constructor and the copies of a client have exactly the options that it takes."""
    mode = "Async" if issubclass(client, AsyncOpenAI) else "Sync"
    kind = "Azure" if "Azure" in client.__name__ else ""
    forms = {each.name: each for each in methods(ROOM, f"{mode}{kind}Signatures")}
    for name in ("__init__", "copy", "with_options"):
        assert spelled([forms[name]]) == keywords_of(getattr(client, name))
