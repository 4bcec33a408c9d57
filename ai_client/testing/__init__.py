"""Tools for testing code that calls an OpenAI-compatible API, without network.

`Upstream` is a real HTTP server on loopback that speaks the API's wire format. Names are imported on first use;
importing this package loads nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ai_client.testing.gate import Gate
    from ai_client.testing.over_httpx import over_httpx
    from ai_client.testing.recording import Recorded
    from ai_client.testing.reply import Reply, sse
    from ai_client.testing.server import Upstream
    from ai_client.testing.substitute import override

__all__ = ["Gate", "Recorded", "Reply", "Upstream", "over_httpx", "override", "sse"]

_MODULES = {
    "Gate": "gate",
    "Recorded": "recording",
    "Reply": "reply",
    "Upstream": "server",
    "over_httpx": "over_httpx",
    "override": "substitute",
    "sse": "reply",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
