"""Cache keys: equal for equal requests of the same scope to the same destination."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from pydantic_core import from_json

from ..._call.call import Call
from ..._params.files import RequestBody
from ..._params.query import query_items
from .destination import destination, headers_of
from .ignored import Ignored


class EntryPlace(NamedTuple):
    """Where the response to a call is kept.

    Attributes:
        key: Its key in the store.
        account: The tenant's own account that it is for.
        repeated: What the response repeats of the request although the key does not depend on it.
        names: The marks by which the response can be invalidated.
        marks: How often each of them had been, before the response was asked for; `None` where that is not known.
    """

    key: str
    account: str | None
    repeated: Mapping[str, Any]
    names: Sequence[str] = ()
    marks: Mapping[str, int] | None = None

    @property
    def flight(self) -> str:
        """The name that equal calls share while one is under way, unless something was invalidated between them."""
        return f"{self.key}|{'?' if self.marks is None else self.marks.get('', 0)}"


def cache_key(call: Call, scope: Sequence[str | None], ignored: Ignored | None = None) -> str | None:
    """Return the cache key of a call within a scope; `None` where its body is no JSON.

    Keys are equal where destination, path, query, body, extra headers and kind of response are. The order of members
    does not matter, nor do members of the body that are `None`, `stream` where it is false, and what is *ignored*.
    """
    ignored = ignored or Ignored()
    if isinstance(call.body, RequestBody):
        return None
    try:
        body = canonical(from_json(call.encoded()))
    except ValueError:
        return None
    if isinstance(body, dict):
        members = cast("dict[str, Any]", body)
        body = {name: value for name, value in members.items() if _counts(name, value, ignored)}
    shape = [call.path, call.stream is not None, call.unread, headers_of(call.headers or {}, ignored)]
    query = sorted(query_items(call.query or {}), key=lambda item: item[0])
    parts = [list(scope), shape, destination(call, ignored), query, body]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _counts(name: str, value: object, ignored: Ignored) -> bool:
    return value is not None and name not in ignored.members and not (name == "stream" and value is False)


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
