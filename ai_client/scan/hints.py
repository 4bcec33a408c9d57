"""Advice in place of a client for each request."""

from .reaching import Construction
from .scopes import Imported, Module

_FIXES = {
    "fastapi": "Create the app with FastAPI(lifespan=ai_client_lifespan()) and take the client as a parameter:"
    " `client: {dependency}` (ai_client_fastapi).",
    "starlette": "Create the app with Starlette(lifespan=ai_client_lifespan()) and call {getter}(request)"
    " (ai_client_fastapi).",
    "flask": "Register AIClient(app) once and use {flask_getter}() in the function (ai_client_flask).",
    "django": 'Add "ai_client_django" to INSTALLED_APPS and use {django_client} in the function.',
}
_OTHER = "Make one ClientProvider() when the module is imported, and use its {attribute} in the function."
_OF_LIBRARIES = (
    "Make one {client} for the process, when the application starts, and close it with the application."
)
_OF_DJANGO = frozenset({"django", "rest_framework", "adrf", "ninja", "ninja_extra", "channels"})


def fix_for(built: Construction, framework: str | None) -> str:
    """Return what to do instead, in the framework of the function that serves the request."""
    if "OpenAI" not in built.client and built.client not in {"Client", "AsyncClient", "ClientProvider"}:
        return _OF_LIBRARIES.format(client=built.client)
    is_async = built.client.startswith("Async")
    return _FIXES.get(framework or "", _OTHER).format(
        dependency="AIClientDep" if is_async else "SyncAIClientDep",
        getter="get_ai_client" if is_async else "get_sync_ai_client",
        flask_getter="get_async_ai_client" if is_async else "get_ai_client",
        django_client="settings.AI_CLIENT.async_client" if is_async else "settings.AI_CLIENT",
        attribute="async_client" if is_async else "client",
    )


def framework_of(module: Module) -> str | None:
    """Return the framework that a module imports."""
    imported = {
        one.module.partition(".")[0]
        for bindings in module.bindings.values()
        for one in bindings
        if isinstance(one, Imported) and not one.level
    }
    if "quart" in imported:
        return "flask"
    for name in ("fastapi", "starlette", "flask"):
        if name in imported:
            return name
    return "django" if imported & _OF_DJANGO or module.parts[-1:] == ("views",) else None
