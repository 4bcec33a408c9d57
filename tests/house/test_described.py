"""What editors show of the calls that people write first: each keyword and each field says what it means."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest

from ai_client import BaseModel, ClientConfig
from tools.generator.sections import Docstring
from tools.generator.sources import PACKAGE, Sources

CALLS = (
    "chat.completions: create parse stream",
    "responses: create parse stream",
    "embeddings: create",
    "images: generate edit",
    "audio.speech: create",
    "audio.transcriptions: create",
    "audio.translations: create",
    "audio.voices: *",
    "audio.voice_consents: *",
    "files: *",
    "moderations: create",
    "models: *",
)
CLIENTS = ("SyncSignatures", "AsyncSignatures", "SyncAzureSignatures", "AsyncAzureSignatures")
FIELDS_DESCRIBED = 0.9
SOURCES = Sources({}, Path(sys.modules[PACKAGE].__path__[0]))

Method = ast.FunctionDef | ast.AsyncFunctionDef


def methods(module: str, cls: str) -> Iterator[Method]:
    """Yield the public methods of a class of a stub."""
    _, found = SOURCES.class_of(module, cls)
    for node in found.body:
        if isinstance(node, Method) and (not node.name.startswith("_") or node.name == "__init__"):
            yield node


def of_resources() -> Iterator[tuple[str, str, Method]]:
    """Yield the methods of `CALLS` for each client, with module and path, one for each form."""
    for line in CALLS:
        path, _, names = line.partition(": ")
        module = f"{PACKAGE}._signatures.{path}"
        noun = "".join(part.capitalize() for part in path.rpartition(".")[2].split("_"))
        for mode in ("Sync", "Async"):
            for method in methods(module, f"{mode}{noun}"):
                if names == "*" or method.name in names.split():
                    yield module, f"{path}.{method.name}", method


def of_clients() -> Iterator[tuple[str, Method]]:
    """Yield the constructors of clients and what changes a copy of them."""
    for cls in CLIENTS:
        for method in methods(f"{PACKAGE}._signatures", cls):
            if method.name in {"__init__", "copy", "with_options"}:
                yield f"{cls}.{method.name}", method


def undescribed(method: Method) -> Iterator[str]:
    """Yield the parameters that a method's docstring does not describe."""
    given = method.args
    described = Docstring.of(ast.get_docstring(method) or "").arguments
    for argument in (*given.args, *given.kwonlyargs):
        if not argument.arg.startswith("_") and argument.arg not in described and argument.arg != "self":
            yield argument.arg


def test_every_keyword_is_described() -> None:
    """Each keyword of the calls that people write first, and of the clients themselves, says what it means."""
    named = [(path, method) for _, path, method in of_resources()] + list(of_clients())
    every = sum(len([*method.args.args, *method.args.kwonlyargs]) - 1 for _, method in named)
    missing = sorted({f"{path}({name})" for path, method in named for name in undescribed(method)})
    print(f"{every} keywords of {len(named)} forms, not described: {missing}")  # noqa: T201 - shown with -rP
    assert every > 1000
    assert missing == []


def test_every_call_is_summed_up() -> None:
    """Each of these calls says what it does, in words and not by its path."""
    silent = {
        path
        for _, path, method in of_resources()
        if not (about := ast.get_docstring(method)) or about.startswith(("Send `", "List the items of"))
    }
    assert silent == set()


def test_every_setting_is_described() -> None:
    """Each key of the settings says what it means, and there is one for each option of the configuration."""
    members = {each.name: each.text for each in SOURCES.members(f"{PACKAGE}.config", "ClientOptions")}
    assert [name for name, text in members.items() if not text] == []
    assert members.keys() == ClientConfig.model_fields.keys()


@cache
def texts_of(module: str, cls: str) -> dict[str, str | None]:
    """Return what is written below each field of a class."""
    return {each.name: each.text for each in SOURCES.members(module, cls) if each.holder == cls}


def returned(module: str, method: Method) -> Iterator[Any]:
    """Yield what of the package the annotation of a method's result names."""
    for node in ast.walk(method.returns or ast.Constant(None)):
        home = SOURCES.imports(module).get(node.id) if isinstance(node, ast.Name) else None
        source, name = home or ("", None)
        if name is not None and source.startswith(f"{PACKAGE}."):
            yield getattr(import_module(source), name)


def results() -> dict[str, type[BaseModel]]:
    """Return the models that the calls of `CALLS` return, by name, and all that are inside them."""
    waiting = [found for module, _, method in of_resources() for found in returned(module, method)]
    found: dict[str, type[BaseModel]] = {}
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        waiting += get_args(each)
        if isinstance(each, type) and issubclass(each, BaseModel):
            generic = each.__pydantic_generic_metadata__["origin"] or each
            found[f"{generic.__module__}.{generic.__name__}"] = generic
            waiting += [field.annotation for field in each.model_fields.values()]
            waiting += generic.__bases__
    return {name: model for name, model in found.items() if name.startswith(f"{PACKAGE}.types")}


def test_fields_of_results_are_described() -> None:
    """Of the fields of what these calls return, and of what is inside it, nine of ten say what they mean."""
    described: dict[str, str | None] = {}
    for name, model in results().items():
        texts = texts_of(model.__module__, model.__name__)
        described |= {f"{name}.{field}": text for field, text in texts.items() if field in model.model_fields}
    missing = sorted(name for name, text in described.items() if not text)
    share = 1 - len(missing) / len(described)
    print(f"{len(described)} fields, {share:.1%} described, not: {missing}")  # noqa: T201 - shown with -rP
    assert len(described) > 500
    assert share >= FIELDS_DESCRIBED, missing


@pytest.mark.parametrize(
    "name", ["ParsedChatCompletion", "ParsedResponse", "Response", "ChatCompletionChunk"]
)
def test_results_are_found(name: str) -> None:
    """The walk over results finds what is parsed, streamed and written by hand."""
    assert name in {each.__name__ for each in results().values()}
