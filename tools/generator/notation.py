"""The notation of `tools/api/description.json` and `supplement.json`: JSON Schema, abbreviated.

| Notation | JSON Schema |
| --- | --- |
| `"string"`, and so on | a type by its name; `"file"` is a string of `format: binary` |
| `"Thread"` | a reference to a named type |
| `["string"]` | an array of strings |
| `{"id!": "string", "note": "string"}` | an object with two properties, the first of them required |
| `{"$const": "list"}` | the keyword after the dollar sign, as JSON Schema has it |
| `{"$discriminator": "type"}` | the property that discriminates the members of a union |
| `{}` | anything |

In a supplement, `"$optional"` lists properties that the description wrongly requires.
"""

from collections.abc import Mapping
from typing import Any

from .description import REFERENCE, DescriptionError, Schema, check_keys, referenced

KINDS = ("string", "integer", "number", "boolean", "null", "object", "array")
FILE = {"type": "string", "format": "binary"}
ONE, SEVERAL = ("items", "additionalProperties"), ("anyOf", "oneOf", "allOf")
KEYWORDS = {
    *ONE, *SEVERAL, "$recursiveRef", "$ref", "const", "discriminator", "enum", "nullable", "properties", "required",
    "title", "type",
}  # fmt: skip
"""The keywords of JSON Schema that affect types."""
PARAMETERS, CONTENTS = {"path", "query"}, {"body", "answer"}


def expand(text: Any) -> Any:
    """Return the JSON Schema of a type in the notation."""
    match text:
        case "file":
            return FILE
        case str():
            return {"type": text} if text in KINDS else {"$ref": REFERENCE + text}
        case [item]:
            return {"type": "array", "items": expand(item)}
        case Mapping():
            return _expand_object(text)
        case _:
            raise DescriptionError(f"{text!r} is no type")


def expand_call(text: Mapping[str, Any]) -> dict[str, Schema]:
    """Return a call with all types as JSON Schema; its parameters are objects, its contents by content type."""
    check_keys(text, PARAMETERS | CONTENTS, "a call")
    return {
        part: expand(types) if part in PARAMETERS else {kind: expand(each) for kind, each in types.items()}
        for part, types in text.items()
    }


def shorten(schema: Schema) -> Any:
    """Return the notation of a JSON Schema."""
    if schema == FILE:
        return "file"
    if schema.keys() == {"$ref"}:
        return referenced(schema)
    if schema.keys() == {"type"} and isinstance(schema["type"], str):
        return schema["type"]
    if schema.keys() == {"type", "items"} and schema["type"] == "array":
        return [shorten(schema["items"])]
    return _shorten_object(schema)


def _expand_object(text: Mapping[str, Any]) -> Schema:
    schema: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    required: list[str] = []
    for key, value in text.items():
        if key.startswith("$"):
            schema[key[1:]] = _expand_keyword(key[1:], value)
            check_keys([key[1:]], KEYWORDS | {"optional"}, "the notation")
            continue
        name = key.removesuffix("!")
        properties[name] = expand(value)
        required += [name] if key != name else []
    if properties:
        schema["properties"] = properties
    if required:
        schema["required"] = [*required, *schema.get("required", ())]
    return schema


def _expand_keyword(keyword: str, value: Any) -> Any:
    if keyword in ONE:
        return expand(value)
    if keyword in SEVERAL:
        return [expand(each) for each in value]
    return {"propertyName": value} if keyword == "discriminator" else value


def _shorten_object(schema: Schema) -> Any:
    properties: Schema = schema.get("properties", {})
    required: list[str] = schema.get("required", [])
    text: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword == "required":
            text |= (
                {"$required": rest} if (rest := [name for name in value if name not in properties]) else {}
            )
        elif keyword != "properties" and not (keyword == "type" and properties):
            text[f"${keyword}"] = _shorten_keyword(keyword, value)
    for name, value in properties.items():
        if name.startswith("$") or name.endswith("!"):
            raise DescriptionError(f"the notation cannot say a property called {name!r}")
        text[f"{name}!" if name in required else name] = shorten(value)
    return text


def _shorten_keyword(keyword: str, value: Any) -> Any:
    if keyword in ONE:
        return shorten(value)
    if keyword in SEVERAL:
        return [shorten(each) for each in value]
    return value["propertyName"] if keyword == "discriminator" else value
