"""One AI client per process in a FastAPI or Starlette application.

from ai_client_fastapi import AIClientDep, ai_client_lifespan

app = FastAPI(lifespan=ai_client_lifespan())

@app.post("/ask")
async def ask(question: str, client: AIClientDep) -> str | None:
    answer = await client.chat.completions.create(
        model="gpt-5.4-mini", messages=[{"role": "user", "content": question}]
    )
    return answer.choices[0].message.content
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ai_client.adapter import require

require("starlette", "ai-client[fastapi]")

from ._dependencies import (
    ai_client as ai_client,
    get_ai_budgets as get_ai_budgets,
    get_ai_client as get_ai_client,
    get_ai_usage as get_ai_usage,
    get_sync_ai_client as get_sync_ai_client,
    sync_ai_client as sync_ai_client,
)
from ._disconnect import (
    ReaderLeftError as ReaderLeftError,
    cancel_on_disconnect as cancel_on_disconnect,
)
from ._errors import add_ai_client_error_handlers as add_ai_client_error_handlers
from ._lifespan import ai_client_lifespan as ai_client_lifespan
from ._official import (
    get_official_ai_client as get_official_ai_client,
    get_sync_official_ai_client as get_sync_official_ai_client,
    official_ai_client as official_ai_client,
    sync_official_ai_client as sync_official_ai_client,
)
from ._stream import stream_response as stream_response

if TYPE_CHECKING:
    from ._dashboard import dashboard_routes as dashboard_routes
    from ._fastapi import (
        AIClientDep as AIClientDep,
        SyncAIClientDep as SyncAIClientDep,
        ai_client_router as ai_client_router,
    )
    from ._health import health_routes as health_routes
    from ._metrics import metrics_routes as metrics_routes
    from ._official_annotations import (
        OfficialAIClientDep as OfficialAIClientDep,
        SyncOfficialAIClientDep as SyncOfficialAIClientDep,
    )
    from ._operations_annotations import AIBudgetsDep as AIBudgetsDep, AIUsageDep as AIUsageDep
    from ._server_timing import ServerTimingMiddleware as ServerTimingMiddleware

__all__ = [
    "AIBudgetsDep",
    "AIClientDep",
    "AIUsageDep",
    "ReaderLeftError",
    "ServerTimingMiddleware",
    "SyncAIClientDep",
    "add_ai_client_error_handlers",
    "ai_client",
    "ai_client_lifespan",
    "ai_client_router",
    "cancel_on_disconnect",
    "dashboard_routes",
    "get_ai_budgets",
    "get_ai_client",
    "get_ai_usage",
    "get_official_ai_client",
    "get_sync_ai_client",
    "get_sync_official_ai_client",
    "health_routes",
    "metrics_routes",
    "official_ai_client",
    "stream_response",
    "sync_ai_client",
    "sync_official_ai_client",
]

_OFFICIAL = dict.fromkeys(("OfficialAIClientDep", "SyncOfficialAIClientDep"), "._official_annotations")
_OF_FASTAPI = {
    **dict.fromkeys(("AIBudgetsDep", "AIUsageDep"), "._operations_annotations"),
    **dict.fromkeys(("AIClientDep", "SyncAIClientDep", "ai_client_router"), "._fastapi"),
    **_OFFICIAL,
}
_ROUTES = {
    "dashboard_routes": "._dashboard",
    "health_routes": "._health",
    "metrics_routes": "._metrics",
    "ServerTimingMiddleware": "._server_timing",
}
"""Modules that few applications need, most of which load much of `ai_client`."""


def __getattr__(name: str) -> Any:
    """Return what is imported on first use: routes, and what only FastAPI has, which plain Starlette does without.

    Raises:
        ImportError: FastAPI, or the official SDK that a name is about, is not installed.
    """
    module = _ROUTES.get(name) or _OF_FASTAPI.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _OF_FASTAPI:
        require("fastapi", "ai-client[fastapi]")
    if name in _OFFICIAL:
        require("openai", "openai")
    found = globals()[name] = getattr(import_module(module, __name__), name)
    return found
