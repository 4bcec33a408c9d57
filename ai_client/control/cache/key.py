"""Cache keys: equal for equal requests of the same scope."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, cast

from pydantic_core import from_json

from ..._call.call import Call
from ..._params.encoding import encode
from ..._params.omit import Omit


def cache_key(call: Call, scope: Sequence[str | None]) -> str:
    """Return the cache key of a call within a scope.

    Keys are equal where path, query, body, extra headers and kind of response are; the order of members does
    not matter.
    """
    headers = {
        name.lower(): value for name, value in (call.headers or {}).items() if not isinstance(value, Omit)
    }
    body = call.encoded()
    shape = [call.path, call.stream is not None, call.unread, sorted(headers.items())]
    parts = [list(scope), shape, canonical(from_json(encode(call.query))), canonical(from_json(body))]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def canonical(value: Any) -> Any:
    """Return a JSON value with floats that are whole numbers replaced by integers, so that 1.0 equals 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {name: canonical(member) for name, member in members.items()}
    if isinstance(value, list):
        return [canonical(item) for item in cast("list[Any]", value)]
    return value
