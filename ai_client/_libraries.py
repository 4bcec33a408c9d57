"""The HTTP libraries and the official SDK for annotations, which load them only where somebody evaluates these."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["httpx", "httpx2", "openai"]


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
    import openai
else:
    httpx, httpx2, openai = _OnDemand("httpx"), _OnDemand("httpx2"), _OnDemand("openai")
