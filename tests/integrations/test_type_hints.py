"""Annotations at run time: dependency-injection containers read them to know what a function makes."""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import ai_client_django
import ai_client_fastapi
import ai_client_flask
from ai_client import AsyncOpenAI, OpenAI

NAMES = Path(__file__).parents[1] / "house" / "public_names.json"
ADAPTERS = (ai_client_django, ai_client_fastapi, ai_client_flask)
KIT = ("ai_client.adapter", "ai_client.checks", "ai_client.config", "ai_client.doctor")
EVENTS = "ai_client.lib.streaming"
"""Its unions have a parameter for type checkers, which the models of pydantic drop at run time."""


def public_modules() -> list[str]:
    """Return the modules with public names, but those of the streams' events."""
    adapters = [
        each.name
        for package in ADAPTERS
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    named = json.loads(NAMES.read_text())
    return sorted({name for name in (*named, *adapters, *KIT) if not name.startswith(EVENTS)})


def annotated(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield a public object and, of a class, its methods and properties, those that it inherits included."""
    yield name, value
    for base in inspect.getmro(value) if inspect.isclass(value) else ():
        for member, found in list(vars(base).items()):
            if member.startswith("_") and not member.startswith("__"):
                continue
            getter = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
            if inspect.isfunction(getter) and is_ours(getter):
                yield f"{name}.{member}", getter


def is_ours(value: Any) -> bool:
    """Return whether an object is defined in one of the packages."""
    return str(value.__module__).startswith("ai_client")


@pytest.mark.parametrize("name", public_modules())
def test_annotations_can_be_evaluated(name: str) -> None:
    """The annotations of every public function, class, method and property are names that its module knows."""
    module = importlib.import_module(name)
    own = [each for each, value in vars(module).items() if getattr(value, "__module__", None) == name]
    public = getattr(module, "__all__", None) or [each for each in own if not each.startswith("_")]
    unknown: list[str] = []
    for each in public:
        value = getattr(module, each)
        if (inspect.isclass(value) or inspect.isfunction(value)) and is_ours(value):
            for path, found in annotated(each, value):
                try:
                    get_type_hints(found, include_extras=True)
                except Exception as error:  # noqa: BLE001 - whatever it is, a container fails by it
                    unknown.append(f"{path}: {error!r:.200}")
    assert not unknown


def test_what_dependencies_return() -> None:
    """The dependencies of FastAPI's aliases name the class of the client that they return."""
    assert get_type_hints(ai_client_fastapi.ai_client("azure"))["return"] is AsyncOpenAI
    assert get_type_hints(ai_client_fastapi.sync_ai_client("azure"))["return"] is OpenAI
    for adapter in (ai_client_django, ai_client_flask):
        assert get_type_hints(adapter.get_ai_client)["return"] is OpenAI
        assert get_type_hints(adapter.get_async_ai_client)["return"] is AsyncOpenAI
