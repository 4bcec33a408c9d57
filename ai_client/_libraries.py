"""The HTTP libraries for annotations: `typing.get_type_hints` loads what `import ai_client` does not."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["httpx", "httpx2"]


class _OnDemand:
    """A module that is imported when one of its names is used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked by tools that look through the names of modules
            raise AttributeError(name)
        return getattr(import_module(self._name), name)


if TYPE_CHECKING:
    import httpx
    import httpx2
else:
    httpx, httpx2 = _OnDemand("httpx"), _OnDemand("httpx2")
