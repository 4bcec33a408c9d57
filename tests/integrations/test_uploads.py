"""Files that users upload to an application, passed on as the framework gives them."""

import io
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import InMemoryUploadedFile, SimpleUploadedFile, TemporaryUploadedFile
from django.test import RequestFactory
from flask import Flask, request
from starlette.datastructures import Headers, UploadFile as StarletteUploadFile
from werkzeug.datastructures import FileStorage

from ai_client import APIConnectionError
from ai_client.testing import Upstream
from tests.support.invoke import Invoke

CONTENT = b"line one\n" * 20_000
KIND = "application/x-lines"
NAME = "lines é.bin"
TYPE = f'filename="{NAME}"'


OPENED: list[Any] = []
"""Files that a test has made, to be closed at its end."""


def spooled(size: int) -> Any:
    """Give a temporary file that is in memory up to a size."""
    file = tempfile.SpooledTemporaryFile(max_size=size)  # noqa: SIM115 - whoever takes it closes it
    file.write(CONTENT)
    OPENED.append(file)
    return file


def of_starlette(size: int) -> StarletteUploadFile:
    """Give a file as Starlette has parsed it."""
    return StarletteUploadFile(spooled(size), filename=NAME, headers=Headers({"content-type": KIND}))


def of_django(temporary: bool) -> Any:
    """Give a file as Django has parsed it."""
    if not temporary:
        return InMemoryUploadedFile(io.BytesIO(CONTENT), "field", NAME, KIND, len(CONTENT), None)
    file = TemporaryUploadedFile(NAME, KIND, len(CONTENT), None)
    file.write(CONTENT)
    file.flush()
    OPENED.append(file)
    return file


UPLOADS: dict[str, Callable[[], Any]] = {
    "flask": lambda: FileStorage(io.BytesIO(CONTENT), NAME, "field", KIND),
    "flask on disk": lambda: FileStorage(spooled(10), NAME, "field", KIND),
    "starlette": lambda: of_starlette(10_000_000),
    "starlette on disk": lambda: of_starlette(10),
    "django in memory": lambda: of_django(temporary=False),
    "django on disk": lambda: of_django(temporary=True),
    "django simple": lambda: SimpleUploadedFile(NAME, CONTENT, KIND),
}


@pytest.fixture(autouse=True)
def answering(upstream: Upstream) -> Iterator[None]:
    """Have every request answered, and close what was opened."""
    upstream.always(json={"id": "id"})
    yield
    while OPENED:
        OPENED.pop().close()


def again(invoke: Invoke) -> None:
    """Forget the requests that came."""
    invoke.upstream.reset()
    invoke.upstream.always(json={"id": "id"})


def form_of(invoke: Invoke) -> str:
    """Give the only request that arrived, whose body holds all of the content."""
    (sent,) = invoke.upstream.requests
    assert sent.body.count(CONTENT) == 1
    assert sent.headers["content-length"] == str(len(sent.body))
    return str(sent.body.replace(CONTENT, b"").decode())


@pytest.mark.parametrize("name", UPLOADS)
def test_an_upload_goes_on_as_it_is(invoke: Invoke, name: str) -> None:
    """It has the name and the type that the user's browser gave, and all of its bytes, at each attempt."""
    invoke.upstream.reply(status=503, headers={"retry-after-ms": "1"})
    invoke(invoke.client(max_retries=1).files.create, file=UPLOADS[name](), purpose="assistants")
    first, second = invoke.upstream.requests
    assert first.body.count(CONTENT) == second.body.count(CONTENT) == 1
    said = second.body.replace(CONTENT, b"").decode()
    assert f'name="file"; {TYPE}' in said
    assert f"Content-Type: {KIND}" in said


@pytest.mark.parametrize("name", UPLOADS)
def test_a_name_and_a_type_beside_an_upload(invoke: Invoke, name: str) -> None:
    """A tuple names it otherwise; its own type counts where the tuple has none."""
    client = invoke.client()
    invoke(client.files.create, file=("mine.txt", UPLOADS[name]()), purpose="assistants")
    said = form_of(invoke)
    assert 'filename="mine.txt"' in said
    assert f"Content-Type: {KIND}" in said
    again(invoke)
    invoke(client.files.create, file=("mine.txt", UPLOADS[name](), "text/x-mine"), purpose="assistants")
    assert "Content-Type: text/x-mine" in form_of(invoke)


@pytest.mark.parametrize("name", UPLOADS)
def test_an_upload_as_a_part_of_a_list_and_as_a_body(invoke: Invoke, name: str) -> None:
    """It goes where any file goes: into a list of files, and as the body of a request."""
    client = invoke.client()
    image = UPLOADS[name]()
    invoke(client.images.edit, image=[image, b"other"], prompt="p", model="m")
    assert f'name="image[]"; {TYPE}' in form_of(invoke)
    again(invoke)
    body = UPLOADS[name]()
    getattr(body, "file", body).seek(0)
    invoke(client.post, "/raw", cast_to=object, content=body)
    assert invoke.upstream.requests[0].body == CONTENT


def test_through_flask(invoke: Invoke) -> None:
    """A view passes on what `request.files` holds."""
    app = Flask(__name__)
    client = invoke.client()

    @app.post("/")
    def take() -> str:
        invoke(client.files.create, file=request.files["field"], purpose="assistants")
        return "taken"

    sent = app.test_client().post("/", data={"field": (io.BytesIO(CONTENT), NAME, KIND)})
    assert sent.text == "taken"
    said = form_of(invoke)
    assert TYPE in said
    assert f"Content-Type: {KIND}" in said


def test_through_django(invoke: Invoke) -> None:
    """A view passes on what `request.FILES` holds."""
    made = RequestFactory().post("/", {"field": SimpleUploadedFile(NAME, CONTENT, KIND)})
    invoke(invoke.client().files.create, file=made.FILES["field"], purpose="assistants")
    said = form_of(invoke)
    assert TYPE in said
    assert f"Content-Type: {KIND}" in said


def test_files_without_a_name(invoke: Invoke) -> None:
    """What has no name, or a number or nothing for one, is called `upload`."""
    client = invoke.client()
    unnamed = StarletteUploadFile(io.BytesIO(CONTENT), filename=None)
    with tempfile.TemporaryFile() as numbered:
        numbered.write(CONTENT)
        for file in (
            io.BytesIO(CONTENT),
            ContentFile(CONTENT),
            FileStorage(io.BytesIO(CONTENT)),
            unnamed,
            numbered,
        ):
            again(invoke)
            invoke(client.files.create, file=file, purpose="assistants")
            assert 'filename="upload"' in form_of(invoke)


class AsyncFile:
    """A binary file whose reads are awaited."""

    def __init__(self) -> None:
        self._file = io.BytesIO(CONTENT)
        self.name = f"folder/{NAME}"

    async def read(self, size: int = -1) -> bytes:
        """Read so many bytes."""
        return self._file.read(size)


def test_a_file_that_is_awaited(invoke: Invoke) -> None:
    """The async client takes it, the sync one refuses it before anything is sent."""
    client = invoke.client()
    if invoke.sync:
        with pytest.raises(TypeError, match="only be uploaded by AsyncOpenAI"):
            invoke(client.files.create, file=AsyncFile(), purpose="assistants")
        assert not invoke.upstream.requests
        return
    invoke(client.files.create, file=AsyncFile(), purpose="assistants")
    (sent,) = invoke.upstream.requests
    assert CONTENT in sent.body
    assert TYPE.encode() in sent.body


def closed() -> io.BytesIO:
    """Give a file that is closed."""
    file = io.BytesIO(b"x")
    file.close()
    return file


def generated() -> Iterator[Any]:
    """Give text in place of bytes."""
    yield "text"


REFUSED: dict[str, tuple[Callable[[Path], Any], type[Exception]]] = {
    "none": (lambda _: None, TypeError),
    "text": (lambda _: "text", TypeError),
    "number": (lambda _: 3, TypeError),
    "text file": (lambda path: (path / "file").open(), TypeError),
    "text in memory": (lambda _: io.StringIO("text"), TypeError),
    "text, temporary": (lambda _: tempfile.NamedTemporaryFile("w+"), TypeError),  # noqa: SIM115 - as a caller may
    "text, spooled": (lambda _: tempfile.SpooledTemporaryFile(mode="w+"), TypeError),  # noqa: SIM115
    "text of starlette": (lambda _: StarletteUploadFile(io.StringIO("text")), TypeError),  # type: ignore[arg-type]
    "closed": (lambda _: closed(), ValueError),
    "closed of flask": (lambda _: FileStorage(closed(), NAME), ValueError),
    "closed of starlette": (lambda _: StarletteUploadFile(closed(), filename=NAME), ValueError),
    "closed of django": (lambda _: InMemoryUploadedFile(closed(), None, NAME, KIND, 1, None), ValueError),
    "for writing": (lambda path: (path / "file").open("ab"), ValueError),
    "directory": (lambda path: path, IsADirectoryError),
    "missing": (lambda path: path / "missing", FileNotFoundError),
    "generator of text": (lambda _: generated(), TypeError),
    "iterable of numbers": (lambda _: {1, 2}, TypeError),
    "empty tuple": (lambda _: (), TypeError),
    "tuple of one": (lambda _: ("name",), TypeError),
    "tuple of five": (lambda _: ("name", b"x", "a/b", {}, 1), TypeError),
    "tuple with text": (lambda _: ("name", "text"), TypeError),
    "tuple with none": (lambda _: ("name", None), TypeError),
    "tuple with a path for a name": (lambda path: (path, b"x"), TypeError),
    "tuple with a number for a type": (lambda _: ("name", b"x", 3), TypeError),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_sent_is_refused(invoke: Invoke, tmp_path: Path, name: str) -> None:
    """What is closed, text, or no file at all is refused with a reason, before anything is sent."""
    (tmp_path / "file").write_bytes(b"x")
    make, error = REFUSED[name]
    file = make(tmp_path)
    with pytest.raises(error):
        invoke(invoke.client().files.create, file=file, purpose="assistants")
    assert invoke.upstream.connections_opened == 0
    if hasattr(file, "close"):
        file.close() if not isinstance(file, StarletteUploadFile) else file.file.close()


@pytest.mark.parametrize("part", [b"x", "text", None, 3])
def test_a_source_that_turns_odd(invoke: Invoke, part: Any) -> None:
    """What gives something else than bytes later on fails with the place's name, and the client lives on."""

    def chunks() -> Iterator[Any]:
        yield b"x"
        yield part

    async def awaited() -> AsyncIterator[Any]:
        yield b"x"
        yield part

    client = invoke.client(max_retries=0)
    for source in (chunks(),) if invoke.sync else (chunks(), awaited()):
        if part == b"x":
            invoke(client.files.create, file=source, purpose="assistants")
            continue
        with pytest.raises((TypeError, APIConnectionError)):
            invoke(client.files.create, file=source, purpose="assistants")
    assert invoke(client.models.list)


def test_optional_files_that_are_none_are_left_out(invoke: Invoke) -> None:
    """`None` for a file that need not be there is no part of the form."""
    invoke(invoke.client().images.edit, image=b"x", mask=None, prompt="p", model="m")
    assert b'name="mask"' not in invoke.upstream.requests[0].body


def test_a_pipe(invoke: Invoke, tmp_path: Path) -> None:
    """A pipe is sent without its size being known, and is not opened before that."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    os.write(writer, b"through a pipe")
    reader = os.fdopen(os.open(pipe, os.O_RDONLY), "rb")
    os.close(writer)
    invoke(invoke.client().files.create, file=reader, purpose="assistants")
    reader.close()
    assert b"through a pipe" in invoke.upstream.requests[0].body


def test_a_mapping_in_the_place_of_a_file(invoke: Invoke) -> None:
    """What names a file by its id is a part of the form, not a file."""
    invoke(invoke.client().videos.edit, video={"id": "video_1"}, prompt="p")
    body = invoke.upstream.requests[0].body
    assert b'name="video[id]"\r\n\r\nvideo_1' in body
