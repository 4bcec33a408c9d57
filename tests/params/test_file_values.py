"""What may be given as a file, and what is refused before anything is sent."""

import io
import mmap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ai_client import ConfigError, omit
from ai_client.testing import Reply

CONTENT = b"0123456789" * 20_000
UPLOADED = {"id": "f", "object": "file", "bytes": 1, "created_at": 1, "filename": "f", "purpose": "batch"}


class Dumb:
    """A file whose `seek` returns nothing, as that of `mmap` and of some readers of streams."""

    def __init__(self) -> None:
        self._file = io.BytesIO(CONTENT)
        self.read = self._file.read

    def seek(self, offset: int, whence: int = 0) -> None:
        """Move to a place."""
        self._file.seek(offset, whence)


class Telling(Dumb):
    """Another, which says where it stands."""

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()


def mapped(path: Path) -> Any:
    """Return a file in memory."""
    (path / "mapped").write_bytes(CONTENT)
    with (path / "mapped").open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


@pytest.mark.parametrize(
    "make",
    [lambda _: Dumb(), lambda _: Telling(), mapped, lambda _: io.BytesIO(CONTENT)],
    ids=["dumb", "telling", "mmap", "BytesIO"],
)
def test_a_file_is_sent_from_its_beginning_to_its_end(
    invoke: Any, tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    """A file goes over the wire whole, twice where it is given twice, whatever its `seek` returns."""
    invoke.upstream.always(json=UPLOADED)
    file = make(tmp_path)
    for _ in range(2):
        invoke(invoke.client().files.create, file=file, purpose="batch")
    assert [CONTENT in request.body for request in invoke.upstream.requests] == [True, True]


class Halting(io.RawIOBase):
    """A file that has nothing more to give for now, which is not its end."""

    _left = 1

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Give one byte, and then `None`."""
        self._left -= 1
        buffer[:1] = b"a"
        return None if self._left < 0 else 1


def test_a_file_that_halts_has_not_ended(invoke: Any) -> None:
    """What a file gives that does not block and has nothing for now is not taken for the whole of it."""
    invoke.upstream.always(json=UPLOADED)
    with pytest.raises(TypeError, match="must give bytes, not NoneType"):
        invoke(invoke.client(max_retries=0).files.create, file=Halting(), purpose="batch")


@pytest.mark.parametrize(
    "file",
    [
        None,
        omit,
        [],
        {},
        {"id": "file-1"},
        "text",
        5,
        io.BytesIO,
        pytest.param(io.StringIO("text"), id="StringIO"),
        ("name", b"x", None, {"X\r\nInjected": "y"}),
        ("name", b"x", None, {"X": "y\r\nInjected: z"}),
        ("name", b"x", None, [("X", "y")]),
        ("name", b"x", "text/plain\nX: y"),
    ],
    ids=repr,
)
def test_what_is_no_file_is_refused_before_anything_is_sent(invoke: Any, file: Any) -> None:
    """A value that is no file, or that would break the form apart, is refused, and the server hears nothing."""
    with pytest.raises((TypeError, ConfigError)):
        invoke(invoke.client().files.create, file=file, purpose="batch")
    assert invoke.upstream.requests == []


@pytest.mark.parametrize("reference", [{"id": "video-1"}, b"video"])
def test_a_mapping_stands_for_a_file_where_the_api_takes_one(invoke: Any, reference: Any) -> None:
    """A method that takes a file or a mapping that names one takes both."""
    invoke.upstream.always(Reply(json={"id": "v", "object": "video"}))
    invoke(invoke.client().videos.edit, prompt="more", video=reference)
    with pytest.raises(TypeError, match="video must be a file"):
        invoke(invoke.client().videos.edit, prompt="more", video={})
    assert len(invoke.upstream.requests) == 1
