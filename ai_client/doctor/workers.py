"""How long a server lets a worker be busy, as far as it can be seen: arguments, variables, files of configuration."""

import ast
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from ..checks import GUNICORN_TIMEOUT

_FILE = "gunicorn.conf.py"
_SYNC = "sync"
_MOST_PARENTS = 20
_LARGEST = 1_000_000
"""Bytes of a file of configuration that are read."""
_UWSGI = re.compile(r"(py)?uwsgi([-_]\w+)?")
_HARAKIRI = re.compile(r"^\s*-{0,2}harakiri\s*[=:\s]\s*(\d+)", re.MULTILINE)


class WorkerLimit(NamedTuple):
    """How long a server lets a worker be busy.

    Attributes:
        server: The server.
        seconds: After how long it kills a worker; `None` is never.
        source: Where that is from.
    """

    server: str
    seconds: float | None
    source: str


def worker_limit(given: float | None = None) -> WorkerLimit | None:
    """Return the limit of the server that runs here, or would by what is configured here; `None` where none is known.

    Args:
        given: The limit as the caller knows it, in seconds.
    """
    if given is not None:
        return WorkerLimit("the server", given or None, "as given")
    running = next(filter(None, map(_of_command, _commands())), None)
    if running is None and (harakiri := os.environ.get("UWSGI_HARAKIRI")):
        running = _uwsgi([f"--harakiri={harakiri}"], "UWSGI_HARAKIRI in the environment")
    if running is None and (os.environ.get("GUNICORN_CMD_ARGS") or find_spec("gunicorn") is not None):
        running = _gunicorn([], "")
    return running


def _of_command(arguments: Sequence[str]) -> WorkerLimit | None:
    """Return the limit of the server that a command line starts; `None` where it starts none that has one."""
    if "-c" in arguments[1:2]:  # of a shell
        with suppress(ValueError):
            arguments = shlex.split(arguments[2])
    programs = [Path(word).name for word in arguments[:4]]
    if any(map(_UWSGI.fullmatch, programs)):
        return _uwsgi(arguments)
    is_titled = bool(arguments) and arguments[0].startswith("gunicorn: ")  # as setproctitle writes it
    return _gunicorn(arguments, "its command line") if is_titled or "gunicorn" in programs else None


def _commands() -> Iterator[list[str]]:
    """Yield the arguments of the processes that this one descends from, and of a container's first."""
    pid, seen = os.getppid(), set[int]()
    while pid > 0 and pid not in seen and len(seen) < _MOST_PARENTS:
        seen.add(pid)
        yield _arguments(pid)
        pid = _parent(pid)
    if 1 not in seen:
        yield _arguments(1)


def _arguments(pid: int) -> list[str]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    return []


def _parent(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _gunicorn(arguments: Sequence[str], source: str) -> WorkerLimit:
    """Return the limit of gunicorn: of its command line, else its variable, else its file, else its default."""
    with suppress(ValueError):
        variable = shlex.split(os.environ.get("GUNICORN_CMD_ARGS", ""))
        arguments = [*variable, *arguments]
    written = _of_file(_option(arguments, "-c", "--config") or _FILE)
    asked = _option(arguments, "-k", "--worker-class") or written.get("worker_class", _SYNC)
    if asked == _SYNC and (_option(arguments, "--threads") or written.get("threads", "1")) != "1":
        asked = "gthread"
    if asked != _SYNC:
        return WorkerLimit("gunicorn", None, f"workers of the class {asked} answer it while calls last")
    text = _option(arguments, "-t", "--timeout")
    if text is not None:
        where = source or "GUNICORN_CMD_ARGS in the environment"
    elif (text := written.get("timeout")) is not None:
        where = f"its file {_FILE}"
    else:
        text, where = str(GUNICORN_TIMEOUT), "its default"
    try:
        return WorkerLimit("gunicorn", float(text) or None, where)
    except ValueError:
        return WorkerLimit("gunicorn", float(GUNICORN_TIMEOUT), "its default")


def _option(arguments: Sequence[str], *names: str) -> str | None:
    """Return the last value of an option, as `-t 30`, `-t30`, `--timeout 30` or `--timeout=30`."""
    found: str | None = None
    for place, word in enumerate(arguments):
        name, mark, value = word.partition("=")
        if name in names and mark:
            found = value
        elif word in names and place + 1 < len(arguments):
            found = arguments[place + 1]
        elif word[:2] in names and word[2:] and not word.startswith("--"):
            found = word[2:].removeprefix("=")
    return found


def _of_file(path: str) -> dict[str, str]:
    """Return the plain values in a file of gunicorn, which is not run."""
    found: dict[str, str] = {}
    with suppress(SyntaxError, ValueError):
        for node in ast.parse(_text(path.removeprefix("file:"))).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
                found.update(dict.fromkeys(names, str(node.value.value)))
    return found


def _text(path: str) -> str:
    """Return the text of a file, nothing where it is none or too large."""
    with suppress(OSError, ValueError):
        file = Path(path)
        if file.is_file() and file.stat().st_size <= _LARGEST:
            return file.read_text()
    return ""


def _uwsgi(arguments: Sequence[str], source: str = "its command line") -> WorkerLimit:
    found = _HARAKIRI.search("\n".join(_joined(arguments)))
    for word in arguments if found is None else ():
        if word.endswith((".ini", ".yaml", ".yml")):
            found, source = _HARAKIRI.search(_text(word.rpartition("=")[2])), "its file of configuration"
        if found is not None:
            break
    seconds = None if found is None else float(found[1]) or None
    return WorkerLimit("uWSGI", seconds, f"harakiri in {source}" if found else "without harakiri")


def _joined(arguments: Sequence[str]) -> Iterator[str]:
    """Yield each option with its value on one line."""
    for place, word in enumerate(arguments):
        following = arguments[place + 1] if place + 1 < len(arguments) else ""
        yield word if "=" in word or following.startswith("-") else f"{word} {following}"
