"""Generate a value that is valid for a JSON schema."""

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any

from ai_client.testing.pattern import matching
from ai_client.testing.shapes import is_list, is_object

_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}

_TOLD_BY = {"properties": "object", "items": "array"}
"""The type of a schema without `type`, by a keyword that implies it."""

_DEEP = 6
"""Depth from which on optional parts are left out and the simplest alternative is chosen, to end recursion."""


def sample(schema: dict[str, Any]) -> Any:
    """Return a value for *schema*: every property present, one item per list, the first of alternatives."""
    return _Sampler(schema).value(schema, "value", 0)


class _Sampler:
    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root

    def value(self, schema: Any, name: str, depth: int) -> Any:
        if not is_object(schema):
            return name
        spec = self._resolved(schema)
        if "const" in spec:
            return spec["const"]
        if "enum" in spec:
            return spec["enum"][0]
        alternatives = spec.get("anyOf") or spec.get("oneOf")
        if alternatives and "properties" not in spec:
            return self.value(self._chosen(alternatives, depth), name, depth + 1)
        kind = spec.get("type") or next((kind for key, kind in _TOLD_BY.items() if key in spec), "string")
        if is_list(kind):
            kind = "null" if depth > _DEEP and "null" in kind else kind[0]
        return self._of_kind(kind, spec, name, depth)

    def _of_kind(self, kind: str, spec: dict[str, Any], name: str, depth: int) -> Any:
        match kind:
            case "object":
                return self._object(spec, depth)
            case "array":
                return self._array(spec, name, depth)
            case "string":
                return _string(spec, name)
            case "integer" | "number":
                return _number(spec, whole=kind == "integer")
            case "boolean":
                return True
            case _:
                return None

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema with references resolved and `allOf` merged."""
        for _ in range(_DEEP):
            if "$ref" not in schema:
                break
            target: Any = self._root
            for step in schema["$ref"].removeprefix("#").strip("/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")] if step else target
            schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        for part in schema.get("allOf", ()):
            more = self._resolved(part)
            both = {
                "properties": {**schema.get("properties", {}), **more.get("properties", {})},
                "required": [*schema.get("required", ()), *more.get("required", ())],
            }
            schema = {**more, **schema, **{key: value for key, value in both.items() if value}}
        return schema

    def _chosen(self, alternatives: list[dict[str, Any]], depth: int) -> dict[str, Any]:
        if depth > _DEEP:
            simple = ("null", "boolean", "integer", "number", "string")
            for kind in simple:
                for alternative in alternatives:
                    if self._resolved(alternative).get("type") == kind:
                        return alternative
        return alternatives[0]

    def _object(self, spec: dict[str, Any], depth: int) -> dict[str, Any]:
        properties: dict[str, Any] = spec.get("properties", {})
        required: list[str] = spec.get("required", [])
        names = [name for name in properties if name in required or depth <= _DEEP]
        names += [name for name in required if name not in properties]
        other = spec.get("additionalProperties")
        names += [f"key_{n}" for n in range(spec.get("minProperties", 0) - len(names))]
        return {name: self.value(properties.get(name, other), name, depth + 1) for name in names}

    def _array(self, spec: dict[str, Any], name: str, depth: int) -> list[Any]:
        prefix = [self.value(item, name, depth + 1) for item in spec.get("prefixItems", ())]
        least = spec.get("minItems", 0)
        wanted = max(least, 0 if depth > _DEEP else min(1, spec.get("maxItems", 1)))
        item = spec.get("items")
        missing = range(wanted - len(prefix)) if item is not False else ()
        return [*prefix, *(self.value(item or {}, name, depth + 1) for _ in missing)]


def _string(spec: dict[str, Any], name: str) -> str:
    if "pattern" in spec:
        return matching(spec["pattern"])
    text = _FORMATS.get(spec.get("format", ""), name)
    return text.ljust(spec.get("minLength", 0), "x")[: spec.get("maxLength")]


def _number(spec: dict[str, Any], *, whole: bool) -> float:
    step = spec.get("multipleOf", 1)
    ends = [spec[key] for key in _BOUNDS if key in spec]
    candidates = [step, 0]
    candidates += [(end // step + steps) * step for end in ends for steps in (0, 1, -1)]
    if "multipleOf" not in spec and not whole and ends:
        candidates.append(sum(ends) / len(ends))
    value = next((candidate for candidate in candidates if _is_within(spec, candidate)), step)
    return int(value) if whole else value


_BOUNDS: dict[str, Callable[[float, float], bool]] = {
    "minimum": ge,
    "exclusiveMinimum": gt,
    "maximum": le,
    "exclusiveMaximum": lt,
}


def _is_within(spec: dict[str, Any], value: float) -> bool:
    return all(within(value, spec[key]) for key, within in _BOUNDS.items() if key in spec)
