"""The OpenAPI description, with references resolved and `allOf` merged."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

Schema = Mapping[str, Any]
FORM = "multipart/form-data"
REFERENCE = "#/components/schemas/"


class DescriptionError(Exception):
    """The description or the map cannot be turned into code; the message names the place."""


def check_keys(given: Iterable[str], known: Collection[str], where: str) -> None:
    """Raise where a key is not one of the known ones, so that no typing error is read as nothing."""
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
            raise DescriptionError(f"{where} has no {key!r}: {hint}")


@dataclass(frozen=True)
class Call:
    """One call of the API."""

    verb: str
    path: str
    raw: Mapping[str, Schema]

    @property
    def path_names(self) -> list[str]:
        """The parameters of its path, in order."""
        return re.findall(r"\{(\w+)\}", self.path)

    def parameters(self, place: str) -> list[Schema]:
        """Return its parameters in *place*, "path" or "query": each with `name`, `schema` and `required`."""
        whole = self.raw.get(place, {})
        required = whole.get("required", ())
        return [
            {"name": name, "schema": schema, "required": name in required}
            for name, schema in whole.get("properties", {}).items()
        ]

    def body(self, prefer: str | None = None) -> tuple[str, Schema] | None:
        """Return content type and schema of the request body, or `None`; a form takes precedence."""
        content = self.raw.get("body", {})
        if not content:
            return None
        kind = prefer or (FORM if FORM in content else next(iter(content)))
        check_keys([kind], content, f"the body of {self.verb} {self.path}")
        return kind, content[kind]

    def answer(self, kind: str) -> Schema | None:
        """Return the schema of the successful response in a content type, or `None`."""
        return self.raw.get("answer", {}).get(kind)


class Description:
    """A description, with its supplement applied."""

    def __init__(self, calls: Mapping[str, Mapping[str, Schema]], schemas: Mapping[str, Schema]) -> None:
        self._calls = calls
        self.schemas = schemas

    def schema(self, name: str) -> Schema:
        """Return a named schema."""
        try:
            return self.schemas[name]
        except KeyError:
            raise DescriptionError(f"type {name!r} is referenced, but not in the description") from None

    def call(self, text: str) -> Call:
        """Return the call written as "VERB /path"."""
        verb, _, path = text.partition(" ")
        try:
            return Call(verb, path, self._calls[text])
        except KeyError:
            raise DescriptionError(f"{text!r} is in the map, but not in the description") from None

    def calls(self) -> list[str]:
        """List all calls as "VERB /path"."""
        return list(self._calls)

    def resolve(self, schema: Schema) -> Schema:
        """Follow references until the schema is not a reference."""
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
    """Return the name that a reference points to."""
    target: str = schema["$ref"]
    if not target.startswith(REFERENCE):
        raise DescriptionError(f"reference {target!r} does not point to a schema")
    return target.removeprefix(REFERENCE)
