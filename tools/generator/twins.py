"""Parameter forms of schemas that differ from the schema itself only by limits on values."""

from collections.abc import Mapping
from typing import Any

from .description import Description, Schema, referenced

ENDING = "Param"
LIMITS = frozenset(
    {
        "default", "deprecated", "description", "maxItems", "maxLength", "maximum", "minItems", "minLength",
        "minimum", "pattern", "title",
    }
)  # fmt: skip


def twin(description: Description, name: str) -> str:
    """Return the schema that *name*, ending in "Param", equals but for limits; else *name* itself."""
    base = name.removesuffix(ENDING)
    if base == name or base not in description.schemas:
        return name
    same = _same(description, description.schema(base), description.schema(name), frozenset({base}))
    return base if same else name


def _same(description: Description, one: Any, other: Any, assumed: frozenset[str]) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return _same_schema(description, one, other, assumed)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            _same(description, *pair, assumed) for pair in zip(one, other, strict=True)
        )
    return bool(one == other)


def _same_schema(description: Description, one: Schema, other: Schema, assumed: frozenset[str]) -> bool:
    if "$ref" in one and "$ref" in other:
        name, wanted = referenced(one), referenced(other)
        if name == wanted or (name in assumed and wanted == name + ENDING):
            return True
        if wanted != name + ENDING:
            return False
        assumed |= {name}
    one, other = description.resolve(one), description.resolve(other)
    keys, others = one.keys() - LIMITS, other.keys() - LIMITS
    return keys == others and all(_same(description, one[key], other[key], assumed) for key in keys)
