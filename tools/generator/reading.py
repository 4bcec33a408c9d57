"""Read a description in the notation, and apply a supplement to it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .description import Description, DescriptionError, check_keys
from .notation import expand, expand_call

PARTS = {"source", "calls", "types"}


def read(path: Path, supplement: Path | None = None) -> Description:
    """Read a description, and a supplement in the same notation if there is one."""
    calls, types = _parts(path)
    if supplement and supplement.exists():
        more_calls, more_types = _parts(supplement)
        calls, types = _overlay(calls, more_calls, ("calls",)), _overlay(types, more_types, ("types",))
    return Description(calls, types)


def _parts(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    text = _loaded(path)
    check_keys(text, PARTS, path.name)
    return (
        {call: _expanded(expand_call, call, each) for call, each in text.get("calls", {}).items()},
        {name: _expanded(expand, name, each) for name, each in text.get("types", {}).items()},
    )


def _loaded(path: Path) -> dict[str, Any]:
    try:
        text: dict[str, Any] = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise DescriptionError(f"{path.name} is no JSON: {error}") from None
    return text


def _expanded(how: Callable[[Any], Any], name: str, text: Any) -> Any:
    try:
        return how(text)
    except DescriptionError as error:
        raise DescriptionError(f"{name}: {error}") from None


def _overlay(base: Any, extra: Any, at: tuple[str, ...]) -> Any:
    """Merge a supplement into the description; raise where the description already has a value."""
    if at[-1] == "required" and isinstance(base, list):
        return base + extra
    if not (isinstance(base, Mapping) and isinstance(extra, Mapping)):
        raise DescriptionError(f"the supplement repeats {'.'.join(at)}, which the description has by now")
    result = dict(base)
    for key, value in extra.items():
        result[key] = _overlay(base[key], value, (*at, key)) if key in base else value
    return _released(result, at) if isinstance(result.get("optional"), list) else result


def _released(schema: Mapping[str, Any], at: tuple[str, ...]) -> dict[str, Any]:
    """Remove the properties that a supplement marks optional from the required ones."""
    optional, required = schema["optional"], schema.get("required", [])
    if needless := set(optional) - set(required):
        raise DescriptionError(f"{'.'.join(at)} does not require {', '.join(sorted(needless))}")
    rest = {key: value for key, value in schema.items() if key != "optional"}
    return rest | {"required": [name for name in required if name not in optional]}
