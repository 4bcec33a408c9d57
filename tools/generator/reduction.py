"""Reduce an OpenAPI document to the description in the notation: only what code and tests need."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .description import DescriptionError, Schema
from .notation import FILE, KEYWORDS, KINDS, ONE, PARAMETERS, SEVERAL, shorten

VERBS = ("get", "post", "put", "patch", "delete")
ANSWERS = ("application/json", "text/event-stream")
SOURCE = "https://github.com/openai/openai-openapi"


def reduce_document(document: Schema) -> dict[str, Any]:
    """Return the description of an OpenAPI document, in the notation."""
    types: Schema = document["components"]["schemas"]
    if taken := {"file", *KINDS} & types.keys():
        raise DescriptionError(f"the notation cannot say a type called {', '.join(sorted(taken))}")
    info = document.get("info", {})
    return {
        "source": {
            "of": SOURCE,
            "version": info.get("version"),
            "license": info.get("license", {}).get("name"),
        },
        "calls": dict(sorted(_calls(document))),
        "types": {name: _type(types[name]) for name in sorted(types)},
    }


def dump(description: Mapping[str, Any]) -> str:
    """Write a description as JSON with a line for each call and each type."""
    parts = []
    for part, entries in description.items():
        lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in entries.items()]
        parts.append(f"{json.dumps(part)}: {{\n" + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _calls(document: Schema) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for verb in VERBS:
            if verb in item:
                yield f"{verb.upper()} {path}", _call(item[verb])


def _call(operation: Schema) -> dict[str, Any]:
    call: dict[str, Any] = {}
    for each in operation.get("parameters", ()):
        if each["in"] in PARAMETERS:
            name = f"{each['name']}!" if each.get("required") else each["name"]
            call.setdefault(each["in"], {})[name] = _type(each["schema"])
    if body := operation.get("requestBody", {}).get("content"):
        call["body"] = {kind: _type(content["schema"]) for kind, content in body.items()}
    answer: dict[str, Any] = {}
    for status, response in operation.get("responses", {}).items():
        for kind, content in response.get("content", {}).items() if status.startswith("2") else ():
            if kind in ANSWERS:
                answer.setdefault(kind, _type(content["schema"]))
    return call | ({"answer": answer} if answer else {})


def _type(schema: Schema) -> Any:
    return shorten(_reduced(schema))


def _reduced(schema: Schema) -> Schema:
    """Keep the keywords that affect types: no prose, no limits, no type next to values, `const` for a single value."""
    if schema.get("format") == "binary":
        return FILE
    kept = {keyword: _value(keyword, value) for keyword, value in schema.items() if keyword in KEYWORDS}
    for keyword in ("properties", "required"):
        if not schema.get(keyword):
            kept.pop(keyword, None)
    if not (isinstance(schema.get("additionalProperties"), dict) and schema["additionalProperties"]):
        kept.pop("additionalProperties", None)
    if kept.keys() & {"enum", "const"}:
        kept.pop("type", None)
    if len(kept.get("enum", ())) == 1:
        kept["const"] = kept.pop("enum")[0]
    return kept


def _value(keyword: str, value: Any) -> Any:
    if keyword in ONE:
        return _reduced(value) if isinstance(value, Mapping) else value
    if keyword in SEVERAL:
        return [_reduced(each) for each in value]
    if keyword == "properties":
        return {name: _reduced(each) for name, each in value.items()}
    return {"propertyName": value["propertyName"]} if keyword == "discriminator" else value
