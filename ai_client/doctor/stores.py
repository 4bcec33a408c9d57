"""The store of a client's controls: whether it can be read and written, how fast, and if not, why."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic, time
from typing import Any
from urllib.parse import unquote

from .._io.deadline import limited
from .._params.secrets import shown_address
from ..errors import ConfigError
from ..stores import open_store
from .bounds import STORING, Bound, within
from .check import Check

_KEY = "ai_client|doctor"
_SLOW = 0.1
_NETWORKED = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "ceph", "glusterfs"})
_CAUSES: tuple[tuple[str, str, str], ...] = (
    (
        "password|wrongpass|noauth|authentication|noperm|access denied|permission denied for",
        "it does not accept the user or the password",
        "Correct them in the store's address, or in DATABASES or CACHES.",
    ),
    (
        "no tables|no such table|undefinedtable|relation ",
        "its tables are missing",
        "Run: manage.py migrate ai_client_store",
    ),
    ("does not exist", "it has no such database or user", "Create it, or correct DATABASES."),
    (
        "read-?only|read only|unable to open|permission denied|permissionerror",
        "it cannot be written",
        "Give the user of the process the right to write to the file and its directory.",
    ),
    (
        "refused|errno 111",
        "it is down: the connection was refused",
        "Start it, or correct its host and port.",
    ),
    (
        "no such file|errno 2 ",
        "there is nothing at its path",
        "Start it, or correct the path in its address.",
    ),
    (
        "name or service|nodename|getaddrinfo|gaierror|could not translate|errno -[23]",
        "its host is unknown",
        "Correct the host in its address.",
    ),
    (
        "timed out|timeout|did not answer|busy|locked",
        "it does not answer in time",
        "It hangs, is overloaded or locked, or a firewall drops the packets.",
    ),
    (
        "not a database|malformed|corrupt",
        "the file is no database, or a damaged one",
        "Move it away; a new one is made.",
    ),
    ("disk is full|no space|oom command", "it is full", "Make room."),
    ("certificate|ssl", "TLS with it fails", "Check rediss:// and its certificate."),
)
"""Patterns of what libraries say, in small letters, what it means, and what to do about it; the first one counts."""


def examine_store(controls: Mapping[str, Any], bound: Bound) -> Iterator[Check]:
    """Yield what is found about the store of some controls."""
    place: Any = controls.get("store")
    if place is None or (isinstance(place, str) and place.startswith("memory://")):
        yield Check(
            "store", "memory", "ok", "memory://: each process counts for itself, and forgets at its end."
        )
        return
    name = shown_address(place) if isinstance(place, str) else type(place).__name__
    if isinstance(place, str) and place.startswith("sqlite:"):
        file = Path(unquote(place.partition("?")[0].removeprefix("sqlite:///")))
        yield from _file_system(file, name)
        if not _exists(file):  # which is left to the process that serves, as the file belongs to its user
            yield _unmade(file, name)
            return
    start = monotonic()
    seconds = bound.left(STORING)
    try:
        within(seconds, lambda: _use(place, seconds))
    except TimeoutError:
        message = f"The store {name} failed: no answer within {seconds:.1f} s."
        hint = "It hangs, is overloaded or locked, or a firewall drops the packets."
        yield Check("store", "store", "fault", message, hint, monotonic() - start)
    except Exception as error:  # noqa: BLE001 - whatever a backend raises is why it fails
        why, hint = _cause(error)
        yield Check("store", "store", "fault", f"The store {name} failed: {why}.", hint, monotonic() - start)
    else:
        taken = monotonic() - start
        details = {"latency": round(taken, 4)}
        message = f"{name} reads and writes, in {taken * 1000:.0f} ms."
        if taken > _SLOW:
            hint = "Each call waits for it: put it near, or use another."
            yield Check("store", "store", "warning", message, hint, taken, details=details)
        else:
            yield Check("store", "store", "ok", message, seconds=taken, details=details)


def _unmade(file: Path, name: str) -> Check:
    """Return whether a file and the directories above it, which are not there yet, can be made."""
    above = next((one for one in file.absolute().parents if _exists(one)), Path("/"))
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return Check("store", "store", "ok", f"{name}: there is no file yet; the first call makes it.")
    message = f"The store {name} failed: there is no file yet, and none can be made in {above} by this user."
    hint = "Give the user of the process the right to write there, mount it writable, or correct the address."
    return Check("store", "store", "fault", message, hint)


def _exists(file: Path) -> bool:
    """Return whether a file is seen, which one in a directory that this user may not enter is not."""
    try:
        return file.exists()
    except OSError:
        return False


def _use(place: Any, seconds: float) -> None:
    """Write a value that expires at once, and read it."""
    store: Any = open_store(place) if isinstance(place, str) else place
    backend = getattr(store, "backend", store)
    with limited(monotonic() + seconds):
        try:
            now = time()
            backend.set(_KEY, b"doctor", now + 1.0, now)
            backend.get(_KEY, now)
        finally:
            if isinstance(place, str):
                store.close()


def _cause(error: BaseException) -> tuple[str, str]:
    """Return why a store failed, in plain words, and what to do about it."""
    if isinstance(error, ConfigError):
        return str(error).removeprefix("store: ").rstrip("."), "Correct the option store in controls."
    said: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(said) < 10:  # noqa: PLR2004 - a chain may be a circle
        said.append(f"{type(cause).__name__} {cause}".lower())
        cause = cause.__cause__ or cause.__context__
    text = " ".join(said)
    told = re.search(r"Run: manage\.py migrate ai_client_store --database=\S+", str(error))
    for pattern, why, hint in _CAUSES:
        if re.search(pattern, text):
            return why, told[0] if told else hint
    root = error.__cause__ or error
    return f"{type(root).__name__}", "See the log of the store."


def _file_system(file: Path, name: str) -> Iterator[Check]:
    """Yield a warning where a file lies on a network, which does not lock as SQLite needs it."""
    kind = ""
    with suppress(OSError, ValueError):
        kind = _kind_of_mount(os.path.realpath(file), Path("/proc/self/mountinfo").read_text())
    if kind in _NETWORKED:
        message = (
            f"The file of {name} is on a network's file system ({kind}): SQLite loses locks and counts there."
        )
        yield Check(
            "store", "file system", "warning", message, "Use Redis or PostgreSQL, or a disk of this machine."
        )


def _kind_of_mount(path: str, mounts: str) -> str:
    """Return the kind of the file system that a path is on, by `/proc/self/mountinfo`."""
    found = ("", "")
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = before.split()[4].replace("\\040", " ")
        inside = path == point or path.startswith(f"{point.rstrip('/')}/")
        if inside and len(point) >= len(found[0]):
            found = (point, after.split()[0])
    return found[1]
