"""Parse schemas into shapes: every named schema, and every object inside one, becomes a definition."""

from collections.abc import Collection
from typing import Any

from .description import Description, DescriptionError, Schema, referenced
from .shapes import (
    Anything,
    Array,
    Choice,
    Definition,
    Field,
    Nullable,
    Object,
    Ref,
    Scalar,
    Shape,
    Table,
    nullable,
    union,
)
from .twins import twin
from .words import singular

SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
NO_CONTENT = {"description", "default", "title", "deprecated", "nullable", "required", "type", "not"}


class Parser:
    """Parses the schemas of one description, each once."""

    def __init__(self, description: Description, kept: Collection[str] = ()) -> None:
        self.description = description
        self._kept = kept
        self.definitions: dict[str, Definition] = {}
        self._nullable: set[str] = set()

    def named(self, name: str) -> Shape:
        """Return the shape of a reference to a named schema."""
        name = twin(self.description, name)
        if name not in self.definitions:
            schema = self.description.schema(name)
            self.definitions[name] = Definition(name, Anything())  # placeholder for recursive references
            shape = self.shape(schema, name, ())
            if isinstance(shape, Nullable):
                self._nullable.add(name)
                shape = shape.of
            if shape != Ref(name):
                self.definitions[name] = Definition(name, shape)
        return nullable(Ref(name)) if name in self._nullable else Ref(name)

    def shape(self, schema: Schema, owner: str, steps: tuple[str, ...]) -> Shape:
        """Return the shape of a schema found inside the definition *owner*, *steps* below it.

        Anything but an object becomes a definition only where *kept* names it, as "owner.step.step".
        """
        shape = self._shape(schema, owner, steps)
        key = ".".join((owner, *steps))
        bare = shape.of if isinstance(shape, Nullable) else shape
        if key not in self._kept or not steps or isinstance(bare, Ref | Array):
            return shape
        self.definitions.setdefault(key, Definition(key, bare, owner, steps))
        return nullable(Ref(key)) if isinstance(shape, Nullable) else Ref(key)

    def _shape(self, schema: Schema, owner: str, steps: tuple[str, ...]) -> Shape:
        if schema.get("nullable"):
            rest = {key: value for key, value in schema.items() if key != "nullable"}
            return nullable(self.shape(rest, owner, steps))
        if "$ref" in schema:
            return self.named(referenced(schema))
        if "$recursiveRef" in schema:
            return Ref(owner)
        if "const" in schema or "enum" in schema:
            return _choice(schema)
        if self._is_object(schema):
            return self._inline(schema, owner, steps)
        if "allOf" in schema:
            return self.shape(self._only_part(schema, owner), owner, steps)
        if "anyOf" in schema or "oneOf" in schema:
            return self._union(schema, owner, steps)
        return self._plain(schema, owner, steps)

    def object(self, key: str, fields: list[tuple[str, Schema, bool]]) -> Definition:
        """Define an object from separate properties, such as a method's parameters."""
        parts = tuple(
            Field(name, self.shape(schema, key, (name,)), required) for name, schema, required in fields
        )
        self.definitions[key] = Definition(key, Object(parts))
        return self.definitions[key]

    def _plain(self, schema: Schema, owner: str, steps: tuple[str, ...]) -> Shape:
        kind = schema.get("type")
        if isinstance(kind, list):
            return union([self._plain({**schema, "type": each}, owner, steps) for each in kind])
        if kind == "null":
            return Nullable(Anything())
        if kind == "array" or "items" in schema:
            step = (*steps[:-1], singular(steps[-1])) if steps else ("item",)
            return Array(self.shape(schema.get("items", {}), owner, step))
        if kind == "object":
            extra = schema.get("additionalProperties")
            return Table(
                self.shape(extra, owner, (*steps, "value")) if isinstance(extra, dict) else Anything()
            )
        if kind == "string" and schema.get("format") == "binary":
            return Scalar("file")
        if kind in SCALARS:
            return Scalar(SCALARS[kind])
        if kind is None and schema.keys() <= NO_CONTENT | {"discriminator", "$recursiveAnchor"}:
            return Anything()
        raise DescriptionError(f"{owner} {'.'.join(steps)}: cannot read the schema {dict(schema)}")

    def _union(self, schema: Schema, owner: str, steps: tuple[str, ...]) -> Shape:
        parts = schema.get("anyOf") or schema["oneOf"]
        real = [part for part in parts if part.get("type") != "null"]
        apart = sum(1 for part in real if self._member_step(part)) > 1 or (len(real) > 1 and not steps)
        members = [
            self.shape(part, owner, (*steps, self._member_step(part)))
            if apart
            else self._shape(part, owner, steps)
            for part in real
        ]
        joined = union(members, schema.get("discriminator", {}).get("propertyName"))
        return joined if len(real) == len(parts) else nullable(joined)

    def _member_step(self, schema: Schema) -> str:
        """Return a name for an object inside a union: its title, its tag, else its first property."""
        if "title" in schema:
            return str(schema["title"])
        if "items" in schema and isinstance(schema["items"], dict):
            return self._member_step(schema["items"])
        if not self._is_object(schema):
            return ""
        whole = self.description.merged(schema)
        for key in ("type", *whole["properties"]):
            part = whole["properties"].get(key, {})
            values = [part["const"]] if "const" in part else part.get("enum", ())
            if len(values) == 1 and isinstance(values[0], str):
                return values[0]
        return next(iter(whole["properties"]))

    def _inline(self, schema: Schema, owner: str, steps: tuple[str, ...]) -> Shape:
        """Define an object in place: the owner itself, or a part of it."""
        steps = tuple(step for step in steps if step)
        key = ".".join((owner, *steps))
        fields = self._fields(schema, owner, steps)
        self.definitions[key] = Definition(key, Object(fields), owner if steps else None, steps)
        return Ref(key)

    def _fields(self, schema: Schema, owner: str, steps: tuple[str, ...]) -> tuple[Field, ...]:
        """Return an object's properties, including those of the named schemas that it extends."""
        required = set(self.description.merged(schema)["required"])
        fields: dict[str, Field] = {}
        for part in schema.get("allOf", ()):
            base = self.named(referenced(part)) if "$ref" in part else None
            shape = self.definitions[base.key].shape if isinstance(base, Ref) else None
            known = shape.fields if isinstance(shape, Object) else None
            own = known or self._fields(self.description.resolve(part), owner, steps)
            fields |= {field.name: field for field in own}
        for name, part in schema.get("properties", {}).items():
            fields[name] = Field(name, self.shape(part, owner, (*steps, name)), required=False)
        return tuple(
            Field(field.name, field.shape, field.required or field.name in required)
            for field in fields.values()
        )

    def _is_object(self, schema: Schema) -> bool:
        """Return whether a schema has properties, directly or through `allOf`."""
        if "$ref" in schema or "enum" in schema:
            return False
        if schema.get("properties"):
            return True
        parts = [part for part in schema.get("allOf", ()) if not part.keys() <= NO_CONTENT]
        if len(parts) == 1 and "$ref" in parts[0] and not schema.get("properties"):
            return False
        return bool(parts) and bool(self.description.merged(schema)["properties"])

    def _only_part(self, schema: Schema, owner: str) -> Schema:
        parts = [part for part in schema["allOf"] if not part.keys() <= NO_CONTENT]
        if len(parts) != 1:
            raise DescriptionError(
                f"{owner}: cannot merge an allOf of {len(parts)} parts that are no objects"
            )
        part: Schema = parts[0]
        return part


def _choice(schema: Schema) -> Shape:
    values: list[Any] = [schema["const"]] if "const" in schema else list(schema["enum"])
    real = tuple(value for value in values if value is not None)
    return nullable(Choice(real)) if len(real) < len(values) else Choice(real)
