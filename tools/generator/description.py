"""The OpenAPI description: what it holds, with references resolved and `allOf` merged."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Schema = Mapping[str, Any]
FORM = "multipart/form-data"
REFERENCE = "#/components/schemas/"


class DescriptionError(Exception):
    """The description or the map cannot be turned into code; the message says where."""


@dataclass(frozen=True)
class Call:
    """One operation of the description."""

    verb: str
    path: str
    raw: Schema

    def parameters(self, place: str) -> list[Schema]:
        """List its parameters in *place*, "path" or "query"."""
        return [each for each in self.raw.get("parameters", ()) if each["in"] == place]

    def body(self, prefer: str | None = None) -> tuple[str, Schema] | None:
        """Give content type and schema of the request body, if it has one; a form where there is a choice."""
        content = self.raw.get("requestBody", {}).get("content", {})
        if not content:
            return None
        kind = prefer or (FORM if FORM in content else next(iter(content)))
        return kind, content[kind]["schema"]

    def answer(self, kind: str) -> Schema | None:
        """Give the schema of the successful answer in a content type, if it has one."""
        for status, answer in self.raw["responses"].items():
            if status.startswith("2") and kind in answer.get("content", {}):
                schema: Schema = answer["content"][kind]["schema"]
                return schema
        return None


class Description:
    """A description, with what it lacks laid over it."""

    def __init__(self, raw: Schema, supplement: Schema | None = None) -> None:
        self._raw = _overlay(raw, supplement or {}, ())
        self.schemas: Mapping[str, Schema] = self._raw["components"]["schemas"]

    @classmethod
    def load(cls, path: Path, supplement: Path | None = None) -> "Description":
        """Read a description, and a supplement of the same form."""
        extra = json.loads(supplement.read_text()) if supplement and supplement.exists() else None
        return cls(json.loads(path.read_text()), extra)

    def schema(self, name: str) -> Schema:
        """Give a named schema."""
        try:
            return self.schemas[name]
        except KeyError:
            raise DescriptionError(f"schema {name!r} is referenced, but not in the description") from None

    def call(self, text: str) -> Call:
        """Give the operation written as "VERB /path"."""
        verb, _, path = text.partition(" ")
        try:
            return Call(verb, path, self._raw["paths"][path][verb.lower()])
        except KeyError:
            raise DescriptionError(f"{text!r} is in the map, but not in the description") from None

    def calls(self) -> Iterator[str]:
        """List all operations as "VERB /path"."""
        for path, item in self._raw["paths"].items():
            for verb in item:
                yield f"{verb.upper()} {path}"

    def webhooks(self) -> Iterator[Schema]:
        """List the schemas of webhook bodies."""
        for item in self._raw.get("webhooks", {}).values():
            for each in item.values():
                yield each["requestBody"]["content"]["application/json"]["schema"]

    def resolve(self, schema: Schema) -> Schema:
        """Follow references to a schema that is none."""
        while "$ref" in schema:
            schema = self.schema(referenced(schema))
        return schema

    def merged(self, schema: Schema) -> dict[str, Any]:
        """Merge an object's `allOf` into plain `properties` and `required`."""
        schema = self.resolve(schema)
        properties: dict[str, Schema] = {}
        required: list[str] = []
        for part in schema.get("allOf", ()):
            whole = self.merged(part)
            properties |= whole["properties"]
            required += whole["required"]
        properties |= schema.get("properties", {})
        required += schema.get("required", ())
        return {"type": "object", "properties": properties, "required": required}


def referenced(schema: Schema) -> str:
    """Give the name that a reference points to."""
    target: str = schema["$ref"]
    if not target.startswith(REFERENCE):
        raise DescriptionError(f"reference {target!r} does not point to a schema")
    return target.removeprefix(REFERENCE)


def _overlay(base: Any, extra: Any, at: tuple[str, ...]) -> Any:
    """Lay what a supplement adds over the description, and refuse what the description has by now."""
    if at[-1:] == ("required",) and base != extra:
        return extra
    if not (isinstance(base, Mapping) and isinstance(extra, Mapping)):
        raise DescriptionError(f"the supplement repeats {'.'.join(at)}, which the description has by now")
    result = dict(base)
    for key, value in extra.items():
        result[key] = _overlay(base[key], value, (*at, key)) if key in base else value
    return result
