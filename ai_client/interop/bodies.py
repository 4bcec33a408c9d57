"""Bodies of an HTTP library's requests as bodies of calls: their members for the policies, files unread."""

import re
from collections.abc import AsyncIterator
from typing import Any, cast

from pydantic_core import from_json

from .._call.call import Call
from .._libraries import httpx
from .._params.files import RequestBody

_ASKS_TO_STREAM = re.compile(rb'"stream"\s*:\s*true')


def describe_body(call: Call, http: Any, request: "httpx.Request", *, reads: bool) -> None:
    """Set what a call sends: the members of a JSON object or form, other bytes, or what is read as it is sent.

    Args:
        call: The call.
        http: The HTTP library of the request.
        request: The request.
        reads: Whether a policy reads the members of bodies.
    """
    try:
        content = request.content
    except http.RequestNotRead:
        if not isinstance(request.stream, http.ByteStream):
            if not _describe_form(call, request):
                call.body = _StreamedBody(request)
            return
        content = request.read()  # of a redirect
    if not content:
        return
    call.body = content
    asks = _ASKS_TO_STREAM.search(content) is not None
    if not (asks or reads) or not request.headers.get("content-type", "").startswith("application/json"):
        return
    try:
        members = from_json(content)
    except ValueError:
        return
    if isinstance(members, dict):
        given = cast("dict[str, Any]", members)
        call.take(given, content)
        if given.get("stream") is True:
            call.stream = object


def _describe_form(call: Call, request: "httpx.Request") -> bool:
    """Set the fields and files of a multipart form; return whether it is one that can be taken apart."""
    body: Any = request.stream
    parts: list[Any] | None = getattr(body, "fields", None)
    if not isinstance(parts, list):
        return False
    fields: dict[str, Any] = {}
    files: list[Any] = []
    for part in parts:
        name: str = part.name
        if hasattr(part, "file"):
            content = part.file.encode() if isinstance(part.file, str) else part.file
            files.append((name, (part.filename, content, None, part.headers)))
        elif name.endswith("[]"):
            fields.setdefault(name.removesuffix("[]"), []).append(_text(part.value))
        elif name in fields:
            return False
        else:
            fields[name] = _text(part.value)
    call.body = fields
    call.files = files
    if fields.get("stream") == "true":
        call.stream = object
    return True


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


class _StreamedBody(RequestBody):
    """A body that the HTTP library reads as it is sent."""

    def __init__(self, request: "httpx.Request") -> None:
        self._stream: Any = request.stream
        length = request.headers.get("content-length")
        self.length = None if length is None else int(length)
        self.replayable = False

    def content(self, *, sync: bool) -> Any:
        """Return what the HTTP library iterates over."""
        return self._stream if sync else _Awaited(self._stream)


class _Awaited:
    """A body that can be iterated in no way but the async one."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __aiter__(self) -> AsyncIterator[bytes]:
        found: AsyncIterator[bytes] = aiter(self._stream)
        return found
