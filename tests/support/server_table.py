"""The table of servers: which server runs which echo application, and how it is started."""

import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import pytest

ECHO = "tests.support.echo"
ASGI = {"fastapi": f"{ECHO}.fastapi_app:app", "django": f"{ECHO}.django_asgi:app"}
WSGI = {"flask": f"{ECHO}.flask_app:app", "django": f"{ECHO}.django_wsgi:app"}
GUNICORN = ("gunicorn", "--bind", "127.0.0.1:{port}", "-w", "2")
UWSGI = ("tests.support.run_uwsgi", "--http", "127.0.0.1:{port}", "--master", "--processes", "2")


@dataclass(frozen=True)
class Row:
    """A server and how it serves.

    Attributes:
        name: Its name in the table.
        command: The Python module and its arguments; `{port}` and `{app}` stand for what a cell has there.
        apps: The applications that run there.
        preload: Arguments with which a master imports the application before it forks; `None` where it cannot.
        workers: How many processes serve.
        kinds: The clients that can be used there.
        in_flight: How many requests it serves at once at least.
        ends: The signal at which it finishes what it serves; `None` where there is none.
        needs: A Python package without which it cannot be tried.
        starts: What it prints when a worker has started; empty where it ends in order while one starts.
    """

    name: str
    command: tuple[str, ...]
    apps: dict[str, str]
    preload: tuple[str, ...] | None = None
    workers: int = 1
    kinds: tuple[str, ...] = ("sync", "async")
    in_flight: int = 8
    ends: signal.Signals | None = signal.SIGTERM
    needs: str | None = None
    starts: str = ""


@dataclass(frozen=True)
class Cell:
    """A row with one of its applications, whose clients are first used in the master or in a worker."""

    row: Row
    app: str
    master: bool = False
    environment: dict[str, str] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return f"{self.row.name}-{self.app}{'-master' if self.master else ''}"

    def command(self) -> tuple[str, ...]:
        """Return the module to run and its arguments."""
        extra = (self.row.preload or ()) if self.master else ()
        parts = []
        for part in self.row.command:
            parts += extra if part == "{preload}" else [part.replace("{app}", self.row.apps[self.app])]
        return tuple(parts)

    def variables(self, upstream: str) -> dict[str, str]:
        """Return what the application reads from its environment."""
        use = {"FIRST_USE": "master", "KINDS": ",".join(self.row.kinds)} if self.master else {}
        settings = {"DJANGO_SETTINGS_MODULE": f"{ECHO}.django_app"} if self.app == "django" else {}
        return {"UPSTREAM": upstream, **use, **settings}


ROWS = (
    Row("uvicorn", ("uvicorn", "--port", "{port}", "{app}"), ASGI),
    Row("uvicorn-2", ("uvicorn", "--port", "{port}", "--workers", "2", "{app}"), ASGI, workers=2),
    Row(
        "uvicorn-no-lifespan",
        ("uvicorn", "--port", "{port}", "--lifespan", "off", "{app}"),
        {"fastapi": ASGI["fastapi"]},
    ),
    Row("uvicorn-reload", ("uvicorn", "--port", "{port}", "--reload", "{app}"), ASGI),
    Row("hypercorn", ("hypercorn", "--bind", "127.0.0.1:{port}", "--graceful-timeout", "20", "{app}"), ASGI),
    Row(
        "granian",
        (
            "granian",
            "--interface",
            "asgi",
            "--host",
            "127.0.0.1",
            "--port",
            "{port}",
            "--workers",
            "2",
            "{app}",
        ),
        ASGI,
        workers=2,
        starts="Started worker-",  # it stops none that starts meanwhile, and waits for that for ever
    ),
    Row("daphne", ("daphne", "-b", "127.0.0.1", "-p", "{port}", "{app}"), ASGI, ends=None),
    Row(
        "gunicorn-uvicorn",
        (*GUNICORN, "{preload}", "-k", "uvicorn.workers.UvicornWorker", "{app}"),
        ASGI,
        preload=("--preload",),
        workers=2,
    ),
    Row(
        "gunicorn-sync",
        (*GUNICORN, "{preload}", "{app}"),
        WSGI,
        preload=("--preload",),
        workers=2,
        in_flight=1,
    ),
    Row(
        "gunicorn-gthread",
        (*GUNICORN, "{preload}", "-k", "gthread", "--threads", "8", "{app}"),
        WSGI,
        preload=("--preload",),
        workers=2,
    ),
    Row(
        "gunicorn-gevent",
        (*GUNICORN, "{preload}", "-k", "gevent", "{app}"),
        WSGI,
        preload=("--preload",),
        workers=2,
        kinds=("sync",),
    ),
    Row(
        "uwsgi",
        (*UWSGI, "--module", "{app}", "{preload}"),
        WSGI,
        preload=(),
        workers=2,
        in_flight=1,
        ends=None,
    ),
    Row(
        "uwsgi-afterfork",
        (*UWSGI, "--py-call-osafterfork", "--module", "{app}", "{preload}"),
        WSGI,
        preload=(),
        workers=2,
        in_flight=1,
        ends=None,
    ),
    Row(
        "mod-wsgi",
        (
            *("tests.support.run_mod_wsgi", "{scratch}", "{app}", "--port", "{port}"),
            *("--processes", "2", "--threads", "4", "--shutdown-timeout", "20"),
        ),
        WSGI,
        workers=2,
        in_flight=4,
        ends=signal.SIGWINCH,
        needs="mod_wsgi",
    ),
    Row(
        "runserver",
        ("django", "runserver", "--noreload", "--insecure", "127.0.0.1:{port}"),
        {"django": ""},
        ends=None,
    ),
    Row(
        "flask-run",
        ("flask", "--app", "{app}", "run", "--port", "{port}"),
        {"flask": f"{ECHO}.flask_app"},
        ends=None,
    ),
)
CELLS = tuple(
    Cell(row, app, master)
    for row in ROWS
    for app in row.apps
    for master in ((False,) if row.preload is None else (False, True))
)


def parameters(cells: Iterable[Cell]) -> list[Any]:
    """Return the cells as parameters of a test, which is skipped where a server is not installed."""
    return [
        pytest.param(
            cell,
            id=str(cell),
            marks=pytest.mark.skipif(
                cell.row.needs is not None and find_spec(cell.row.needs) is None,
                reason=f"{cell.row.needs} is not installed: see `make .venv/.{cell.row.name}`",
            ),
        )
        for cell in cells
    ]


REQUESTS = int(os.environ.get("REQUESTS", "120"))
"""Requests of a cell; `make servers` makes 2,000."""
