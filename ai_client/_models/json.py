"""JSON in the encodings in which it may come."""

import json
import re
from typing import Any, cast

from pydantic_core import from_json

from .._libraries import httpx
from ..errors import InvalidResultError

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_REPLACED = rb"\ufffd"


def load(data: bytes) -> Any:
    """Decode JSON in UTF-8, or in UTF-16 or UTF-32, with or without a byte order mark, and with halves of characters.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return from_json(data)
    except ValueError:
        utf8 = as_utf8(data)
        if utf8 is None:
            raise
    return from_json(utf8)


def load_answer(response: "httpx.Response") -> object:
    """Decode the JSON of an answer that was read, for who asks for just that.

    Raises:
        InvalidResultError: It is no JSON; also a `ValueError`.
    """
    try:
        return cast("object", load(response.content))
    except ValueError as error:
        raise InvalidResultError(response, None, message="The answer is not JSON.") from error


def as_utf8(data: bytes) -> bytes | None:
    """Encode JSON text anew that is in another encoding than plain UTF-8; `None` where it is in that, or in none.

    Halves of surrogate pairs, as some servers write that cut texts anywhere, are no text, and become U+FFFD.
    """
    encoding = json.detect_encoding(data)
    try:
        utf8 = data if encoding == "utf-8" else data.decode(encoding).encode()
    except UnicodeError:
        return None
    if _SURROGATE.search(utf8):
        utf8 = _ESCAPE.sub(lambda escape: escape[0] if escape[1] is None else _REPLACED, utf8)
    return None if utf8 == data else utf8
