"""A key in a file, as secrets are mounted: read when it is first used, and again when the file changes."""

import logging
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .secrets import check_secret, shown_file

logger = logging.getLogger("ai_client")

LOOK_SECONDS = 1.0
"""Seconds between two looks at a file."""
_LONGEST = 16 * 1024
_SETTLED_NS = 2_000_000_000
"""Age of a change from which on another one has another time: some file systems count in steps of two seconds."""
_OPTION = "api_key_file"


class KeyFile:
    """A function that returns the key in a file.

    A file that cannot be used while a key of it is known leaves that key in use, with one warning. It is read on the
    thread that asks: that of an event loop too, once a second at most, as a look at a local file takes microseconds.

    Args:
        path: The file. Where it is a link, as in volumes of Kubernetes, the file behind it counts.

    Raises:
        ConfigError: It is no path.
    """

    def __init__(self, path: "str | os.PathLike[str]") -> None:
        given = checked_key_path(path)
        self._shown = shown_file(given)
        self._path = Path(given).absolute()  # not resolved: what the links on the way lead to may change
        self._key: str | None = None
        self._of: tuple[int, ...] | None = None
        self._looked = 0.0
        self._warned = False

    def __call__(self) -> str:
        """Return the key.

        Raises:
            ConfigError: There is none in the file, and there never was.
        """
        key = self._key
        if key is not None and 0 <= time.monotonic() - self._looked < LOOK_SECONDS:
            return key
        return self._read(changed_only=True)

    def renew(self, refused: str) -> bool:
        """Read the file again, as the API refused a key; return whether it holds another one."""
        return self._read(changed_only=False) != refused

    def fault(self) -> str | None:
        """Return what is wrong with the file; `None` where it holds a key."""
        return _look(self._path, None)[2]

    def _read(self, *, changed_only: bool) -> str:
        known = self._key
        key, of, fault = _look(self._path, self._of if changed_only and known is not None else None)
        self._looked = time.monotonic()
        if fault is None:
            self._warned = False
            if key is not None:
                self._key, self._of = key, of
        elif known is None:
            raise ConfigError(f"{_OPTION}: the file {self._shown} {fault}.")
        elif not self._warned:
            self._warned = True
            logger.warning(
                "%s: the file %s %s: the key that was read before stays in use.", _OPTION, self._shown, fault
            )
        found = key or known
        assert found is not None  # noqa: S101 - one of them is, where nothing was raised
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._shown}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self._path),)


def key_or_file(api_key: "str | Callable[[], Any] | None", path: Any) -> "str | Callable[[], Any] | None":
    """Return the key of a client, which may be in a file.

    Raises:
        ConfigError: There are both, or the file holds no key.
    """
    if path is None:
        return api_key
    if api_key is not None:
        raise ConfigError(f"api_key and {_OPTION} exclude each other: pass one of them.")
    file = KeyFile(path)
    file()
    return file


def checked_key_path(given: object) -> str:
    """Return the path of a key's file.

    Raises:
        ConfigError: It is none.
    """
    path: object = os.fspath(given) if isinstance(given, os.PathLike) else given  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise ConfigError(f"{_OPTION} must be the path of a file.")
    return path


def _look(path: Path, known: tuple[int, ...] | None) -> tuple[str | None, tuple[int, ...] | None, str | None]:
    """Return the key in a file, what tells the file from another, and what is wrong with it.

    There is neither a key nor a fault where the file is the one that is *known*. What was read is gone from this frame
    where there is a fault: debug pages show variables.
    """
    try:
        if known is not None and _mark(path.stat()) == known:
            return None, known, None
        content, found = _content(path)
    except OSError as error:
        return None, None, f"cannot be read ({error.strerror or type(error).__name__})"
    except ValueError as error:
        return None, None, str(error)
    return (*_checked(content, found),)


def _content(path: Path) -> tuple[bytes, tuple[int, ...] | None]:
    """Read a file; one that nobody has written yet, such as a pipe, is not waited for.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no regular file, or too large for a key.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise ValueError("is a directory")
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("is no regular file")
        parts: list[bytes] = []
        left = _LONGEST + 1
        while left > 0 and (part := os.read(handle, left)):
            parts.append(part)
            left -= len(part)
        if left <= 0:
            raise ValueError(f"is larger than {_LONGEST} bytes, so it holds no key")
        is_settled = time.time_ns() - status.st_mtime_ns > _SETTLED_NS
        return b"".join(parts), _mark(status) if is_settled else None
    finally:
        os.close(handle)


def _mark(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _checked(
    content: bytes, of: tuple[int, ...] | None
) -> tuple[str | None, tuple[int, ...] | None, str | None]:
    try:
        key = content.decode("ascii").rstrip()
    except UnicodeError:
        return None, None, "holds a character that no HTTP header may hold"
    if not key:
        return None, None, "is empty"
    try:
        check_secret("the key", key)
    except ConfigError:
        return (
            None,
            None,
            "holds more than a key: a line break or a blank, or a character that no HTTP header may hold",
        )
    return key, of, None
