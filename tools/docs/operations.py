"""The table of the API's operations, from the client's resources."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from ai_client import OpenAI
from ai_client._client.operation import Resource
from ai_client._models.accessor import accessor

_REQUEST = re.compile(r"`([A-Z]+ /\S*)`")
_VIEWS = {"with_raw_response", "with_streaming_response"}


def operations() -> str:
    """Return the table."""
    with OpenAI(api_key="none") as client:
        rows = [f"| `{name}` | {what} |" for name, what in _below(client, "client")]
    return "\n".join(["| Call | What it does |", "| --- | --- |", *rows])


def _below(holder: Any, name: str) -> Iterator[tuple[str, str]]:
    for member in sorted(dir(type(holder))):
        found = inspect.getattr_static(type(holder), member)
        if member.startswith("_") or member in _VIEWS:
            continue
        if isinstance(found, accessor):
            inner = getattr(holder, member)
            if isinstance(inner, Resource):
                yield from _below(inner, f"{name}.{member}")
        elif isinstance(holder, Resource):
            yield f"{name}.{member}", _what(found)


def _what(method: Any) -> str:
    said = (inspect.getdoc(method) or "").split("\n")[0]
    request = _REQUEST.search(said)
    return f"`{request[1]}`" if request else said
