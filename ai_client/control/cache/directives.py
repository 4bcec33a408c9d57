"""The `cache-control` directives of a call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._call.call import Call
from ..._params.omit import Omit


@dataclass(frozen=True, slots=True)
class Directives:
    """The `cache-control` directives of a call."""

    store: bool = True
    read: bool = True
    max_age: float | None = None


DEFAULT = Directives()


def read_directives(call: Call) -> tuple[Directives, Call]:
    """Parse the `cache-control` header of a call; return it with the call without that header."""
    name = next((name for name in call.headers or () if name.lower() == "cache-control"), None)
    if name is None or call.headers is None:
        return DEFAULT, call
    said = call.headers[name]
    rest: Mapping[str, Any] = {other: value for other, value in call.headers.items() if other != name}
    given = {} if isinstance(said, Omit) else _split(said)
    age = given.get("max-age")
    directives = Directives(
        "no-store" not in given,
        "no-cache" not in given,
        float(age) if age and age.isdecimal() else None,
    )
    return directives, call.changed(headers=rest or None)


def _split(value: str) -> dict[str, str]:
    parts = (part.strip().partition("=") for part in value.lower().split(","))
    return {name: argument.strip('" ') for name, _, argument in parts}
