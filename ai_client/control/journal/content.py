"""Content of calls, bounded: bodies of requests and answers, taken down as bytes and made readable later."""

import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from pydantic_core import from_json, to_json

from ..._call.call import Call, Reply
from ..._params.files import RequestBody
from ..observability.redaction.policy import Redaction
from .stream_text import StreamText, without_last_word

BOUND = 64 * 1024
"""The most bytes that are kept of a request, and of an answer."""
_BASE64 = re.compile(r"(data:[^,]{0,100},)?([A-Za-z0-9+/=_-]{1024,})")
_OBJECT = re.compile(r"\s*[{\[]")
_NUMBERS = 64
_SHOWN = 8
_LEVEL = 1
"""Of compression: the fastest."""


class Piece(NamedTuple):
    """The beginning of a body.

    Attributes:
        data: The beginning, or all of it.
        size: How many bytes all of it has.
        has_files: Whether it was sent beside files, which are not kept.
    """

    data: bytes
    size: int
    has_files: bool = False


class Content(NamedTuple):
    """The bodies of a request and its answer, as far as either is kept."""

    sent: Piece | None
    answer: "Piece | StreamText | None"


_Read: TypeAlias = tuple[Any, bool]
"""A value, and whether not all of it is kept."""


def piece(data: bytes) -> Piece:
    """Return the beginning of a body."""
    return Piece(data[:BOUND], len(data))


def sent_by(call: Call) -> Piece | None:
    """Return the body that a call sends, or the fields of its form; files are not kept."""
    body = call.body
    if body is None or isinstance(body, RequestBody):
        return None
    try:
        if call.files is None:
            return piece(call.encoded())
        return piece(to_json(call.members(), fallback=str))._replace(has_files=True)
    except Exception:  # noqa: BLE001 - it has no JSON form, which whoever sends it finds out
        return None


def answer_of(reply: Reply) -> Piece | None:
    """Return the body of an answer that was read whole."""
    content = reply.answer.content_if_read
    return piece(content) if content else None


def error_body(error: BaseException) -> Piece | None:
    """Return the body of an error that the server answered with."""
    body: object = getattr(error, "body", None)
    try:
        return None if body is None else piece(to_json(body, fallback=str))
    except ValueError:
        return None


def packed(content: Content, redaction: Redaction) -> bytes | None:
    """Return content as it is stored, redacted; `None` where there is none."""
    found: dict[str, Any] = {}
    cut: list[str] = []
    for name, part in (("request", content.sent), ("answer", content.answer)):
        if part is None:
            continue
        value, is_cut = _read(part) if isinstance(part, Piece) else part.answer()
        if value is not None:
            shortened = _shortened(value)
            found[name] = redaction.value(shortened)
            if is_cut or shortened != value:
                cut.append(name)
    return zlib.compress(to_json({**found, "cut": cut}), _LEVEL) if found else None


def unpacked(stored: bytes) -> Mapping[str, Any]:
    """Return the members of what `packed` made: `request`, `answer` where there is one, and a list of those `cut`."""
    return cast("Mapping[str, Any]", from_json(zlib.decompress(stored)))


def _read(part: Piece) -> _Read:
    """Return the value of a JSON body, as far as it is there, or a text; `None` for other bytes."""
    is_cut = part.size > len(part.data)
    try:
        text = part.data.decode("utf-8", "ignore" if is_cut else "strict")
    except ValueError:
        return None, False
    try:
        value: object = from_json(text, allow_partial="trailing-strings" if is_cut else False)
    except ValueError:  # in a text, names of secrets are not told from others
        value = None if _OBJECT.match(text) or "\0" in text else text
    return (_without_half_a_word(value) if is_cut else value), is_cut or part.has_files


def _without_half_a_word(value: object) -> object:
    """Return a value that was cut without the word in which that was done: half a secret is not known for one."""
    if isinstance(value, str):
        return without_last_word(value)
    if isinstance(value, dict) and value:
        members = cast("dict[str, object]", value)
        last_name = [*members][-1]
        return {**members, last_name: _without_half_a_word(members[last_name])}
    if isinstance(value, list) and value:
        items = cast("list[object]", value)
        return [*items[:-1], _without_half_a_word(items[-1])]
    return cast("object", value)


def _shortened(value: Any) -> Any:
    """Return a value without pictures, sound and vectors in it, which nobody reads."""
    if isinstance(value, str):
        if len(value) > _BASE64_LEAST and (match := _BASE64.fullmatch(value)) is not None:
            return f"{match[1] or ''}[{len(match[2])} characters]"
        return value
    if isinstance(value, Mapping):
        return {name: _shortened(member) for name, member in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        items = cast("Sequence[Any]", value)
        if len(items) > _NUMBERS and all(isinstance(one, int | float) for one in items):
            return [*items[:_SHOWN], f"[{len(items) - _SHOWN} more numbers]"]
        return [_shortened(one) for one in items]
    return value


_BASE64_LEAST = 1024
