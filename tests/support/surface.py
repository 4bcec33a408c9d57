"""The official SDK's methods, and ours of the same names."""

import inspect
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from ai_client._client.operation import Resource
from ai_client._models.accessor import accessor
from ai_client._resources import Resources

SURFACE: dict[str, list[str]] = json.loads(
    (Path(__file__).parents[1] / "resources" / "surface.json").read_text()
)


def method_of(path: str) -> tuple[type, Any]:
    """Return the class that defines a method, and the function behind it."""
    holder: Any = Resources
    *parents, name = path.split(".")
    for parent in parents:
        member = inspect.getattr_static(holder, parent)
        assert isinstance(member, accessor), path
        source = inspect.getsource(member.func)
        module, cls = re.findall(r"from (\S+) import (?:\(\s*)?(\w+)", source)[0]
        holder = getattr(import_module(module), cls)
        assert issubclass(holder, Resource)
    member = inspect.getattr_static(holder, name)
    owner = next(cls for cls in holder.__mro__ if name in vars(cls))
    return owner, getattr(member, "_method", member)
