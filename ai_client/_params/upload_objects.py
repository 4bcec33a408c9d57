"""Upload objects of web frameworks, recognized by their attributes."""

import os
from pathlib import PurePath
from typing import Any, NamedTuple, Protocol


class UploadObject(Protocol):
    """A file that a user of an application uploaded, as Flask, FastAPI, Starlette and others give it."""

    @property
    def filename(self) -> str | None:
        """File name given by the uploader."""
        ...

    @property
    def content_type(self) -> str | None:
        """Content type given by the uploader."""
        ...


class Upload(NamedTuple):
    """A file as it was uploaded: what it holds, and what its sender said of it."""

    content: Any
    filename: str | None
    content_type: str | None


def uploaded(file: Any) -> Upload:
    """Return what a file holds and is called.

    Objects of werkzeug (Flask, Quart) have their bytes as `stream`, those of Starlette (FastAPI), Litestar and aiohttp
    as `file`, both beside a `filename`; Django's are files themselves, with a `name` and a `content_type`. So are the
    files of Python, whose `name` is a path, or a number where they have none.
    """
    if isinstance(file, bytes | bytearray | memoryview):
        return Upload(file, None, None)
    if isinstance(file, os.PathLike):
        return Upload(file, PurePath(os.fspath(file)).name, None)  # pyright: ignore[reportUnknownArgumentType]
    content = file
    name: object = getattr(file, "name", None)
    if hasattr(file, "filename"):
        for inner in (getattr(file, "stream", None), getattr(file, "file", None)):
            if callable(getattr(inner, "read", None)):
                content, name = inner, file.filename
                break
    elif not callable(getattr(file, "read", None)):
        return Upload(file, None, None)
    kind: object = getattr(file, "content_type", None)
    return Upload(
        content,
        PurePath(name).name or None if isinstance(name, str) else None,
        kind if isinstance(kind, str) and kind else None,
    )
