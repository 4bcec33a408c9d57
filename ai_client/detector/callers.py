"""The line of an application's code that builds a client."""

import sys
import sysconfig
from types import FrameType
from typing import Any, cast

OURS = __name__.partition(".")[0]
OFFICIAL = "openai"
HTTP_LIBRARIES = ("httpx", "httpx2")
_CLIENTS = frozenset({OURS, OFFICIAL, *HTTP_LIBRARIES})
_HERE = __name__.rpartition(".")[0]
_FRAMEWORKS = frozenset(
    {
        *(f"{OURS}_{name}" for name in ("fastapi", "django", "flask")),
        *("fastapi", "starlette", "django", "channels", "asgiref", "flask", "werkzeug", "quart", "celery"),
        *("uvicorn", "gunicorn", "hypercorn", "daphne", "granian", "waitress"),
    }
)
"""Packages that call the application: what is beyond them did not ask for the client."""
_LIBRARIES = tuple(
    {path for name in ("stdlib", "platstdlib", "purelib", "platlib") if (path := sysconfig.get_path(name))}
)


def caller_of(client: Any, package: str, detected: frozenset[str]) -> FrameType | None:
    """Return the frame of the application's code that builds a client, whose constructor is running.

    It is the first one outside of libraries, or else the first outside of the packages of clients.

    Args:
        client: The client.
        package: The package of its class.
        detected: The packages whose clients are detected.

    Returns:
        `None` where it is part of another client that is detected or of this package, or a copy.
    """
    owners = {OURS, package} if package == OFFICIAL else {OURS, OFFICIAL} & {OURS, *detected}
    library: FrameType | None = None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name: str = frame.f_globals.get("__name__") or ""
        top = name.partition(".")[0]
        if not (name.startswith(_HERE) or _constructs(frame, client)):
            if top in owners:
                return None
            if top in _FRAMEWORKS:
                break
            if top not in _CLIENTS:
                if not _is_of_library(frame):
                    return frame
                library = library or frame
        frame = frame.f_back
    return library


def _constructs(frame: FrameType, client: Any) -> bool:
    """Return whether a frame is one of the client's constructor, wherever its class and those around it are from."""
    names = frame.f_code.co_varnames
    first: Any = frame.f_locals.get(names[0]) if names else None
    given = cast("tuple[Any, ...]", first) if type(first) is tuple else (first,)
    return bool(given) and given[0] is client


def _is_of_library(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith(_LIBRARIES) or file.startswith("<frozen") or "dist-packages" in file
