"""The description in the repository, its notation, and how it is made."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools.generator.description import DescriptionError
from tools.generator.notation import expand, shorten
from tools.generator.reading import read
from tools.generator.reduction import dump, reduce_document
from tools.import_description import main

API = Path(__file__).parents[2] / "tools" / "api"
BAKERY = Path(__file__).parent / "bakery" / "openapi.json"
TEXT = (API / "description.json").read_text()
DESCRIPTION: dict[str, Any] = json.loads(TEXT)


def document() -> Any:
    """Return the bakery's OpenAPI document."""
    return json.loads(BAKERY.read_text())


def described(folder: Path, types: dict[str, Any], supplement: dict[str, Any]) -> Any:
    """Return the schemas of a description with a supplement."""
    (folder / "description.json").write_text(json.dumps({"types": types}))
    (folder / "supplement.json").write_text(json.dumps({"types": supplement}))
    return read(folder / "description.json", folder / "supplement.json").schemas


def test_source_and_licence_are_named() -> None:
    """The description says where it comes from and under which licence, whose notice lies beside it."""
    assert DESCRIPTION["source"]["of"] == "https://github.com/openai/openai-openapi"
    assert DESCRIPTION["source"]["license"] == "MIT"
    notice = (API / "LICENSE").read_text()
    assert "https://github.com/openai/openai-openapi" in notice
    assert "Permission is hereby granted, free of charge" in notice


def test_file_is_as_the_tool_writes_it() -> None:
    """The file of the repository has the layout of the tool, so that an import shows only what changed."""
    assert dump(DESCRIPTION) == TEXT


def test_notation_loses_nothing() -> None:
    """Every type of the description, expanded to JSON Schema, is written down again as it was."""
    for name, text in DESCRIPTION["types"].items():
        assert shorten(expand(text)) == text, name


def test_import_is_deterministic(tmp_path: Path) -> None:
    """One document makes one file, in whatever order it lists calls and types."""
    given = document()
    turned = {**given, "paths": dict(reversed(given["paths"].items()))}
    turned["components"] = {"schemas": dict(reversed(given["components"]["schemas"].items()))}
    written = []
    for each in (given, given, turned):
        (tmp_path / "openapi.json").write_text(json.dumps(each))
        assert main([str(tmp_path / "openapi.json"), "--into", str(tmp_path / "description.json")]) == 0
        written.append((tmp_path / "description.json").read_text())
    assert len(set(written)) == 1


def test_import_keeps_what_types_are_made_of() -> None:
    """Prose, limits, examples and foreign keywords are dropped; parameters, bodies and answers stay."""
    given = document()
    given["paths"]["/breads"]["post"] |= {"summary": "Bake.", "tags": ["Bread"], "operationId": "bake"}
    given["components"]["schemas"]["Seed"] |= {"description": "A seed.", "x-order": 1, "example": {}}
    given["components"]["schemas"]["Seed"]["properties"]["count"] |= {"minimum": 1, "default": 3}
    assert reduce_document(given) == reduce_document(document())
    assert reduce_document(given)["types"]["Seed"] == {"type!": {"$const": "seed"}, "count!": "integer"}
    assert reduce_document(given)["calls"]["POST /breads"] == {
        "body": {"application/json": "CreateBreadRequest"},
        "answer": {"application/json": "BreadObject", "text/event-stream": "BreadEvent"},
    }


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({}, {}),
        ({"type": "string"}, "string"),
        ({"type": "string", "format": "binary"}, "file"),
        ({"$ref": "#/components/schemas/Glaze"}, "Glaze"),
        ({"type": "array", "items": {"type": "array", "items": {}}}, [[{}]]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"$anyOf": ["integer", "null"]}),
        ({"oneOf": [], "discriminator": {"propertyName": "kind"}}, {"$oneOf": [], "$discriminator": "kind"}),
        ({"type": "object", "additionalProperties": {"type": "number"}},
         {"$type": "object", "$additionalProperties": "number"}),
        ({"properties": {"a": {"type": "null"}, "b": {}}, "required": ["b"]}, {"a": "null", "b!": {}}),
        ({"properties": {"optional": {}}, "required": ["elsewhere"]}, {"$required": ["elsewhere"], "optional": {}}),
    ],
)  # fmt: skip
def test_notation(schema: Any, text: Any) -> None:
    """A schema and its notation stand for each other."""
    assert shorten(schema) == text
    assert expand(text) == schema


@pytest.mark.parametrize("text", [None, 1, [], ["string", "string"], {"$maximum": 3}, {"a": {"b": 1}}])
def test_what_is_no_type_fails(tmp_path: Path, text: Any) -> None:
    """What the notation does not know is an error that names the type it stands in."""
    with pytest.raises(DescriptionError, match="Cake: "):
        described(tmp_path, {"Cake": text}, {})


@pytest.mark.parametrize("part", [{"paths": {}}, {"calls": {"GET /cakes": {"header": {}}}}])
def test_unknown_part_fails(tmp_path: Path, part: Any) -> None:
    """A part of a file or of a call that nothing would read is an error."""
    path = tmp_path / "description.json"
    path.write_text(json.dumps(part))
    with pytest.raises(DescriptionError, match=r"paths|GET /cakes: .*header"):
        read(path)


@pytest.mark.parametrize("name", ["$price", "price!"])
def test_property_that_the_notation_cannot_say(name: str) -> None:
    """A property whose name the notation would read as something else fails the import."""
    with pytest.raises(DescriptionError, match="price"):
        shorten({"properties": {name: {}}})


def test_type_that_the_notation_cannot_say() -> None:
    """A type called as a builtin type of the notation fails the import."""
    given = document()
    given["components"]["schemas"]["file"] = {}
    with pytest.raises(DescriptionError, match="file"):
        reduce_document(given)


def test_supplement_requires_and_releases(tmp_path: Path) -> None:
    """A supplement adds required properties to those of the description, and makes others optional."""
    added = described(tmp_path, {"Cake": {"a!": {}, "b!": {}}}, {"Cake": {"c!": {}, "$optional": ["a"]}})
    assert added["Cake"] == {"properties": {"a": {}, "b": {}, "c": {}}, "required": ["b", "c"]}


def test_supplement_that_releases_in_vain_fails(tmp_path: Path) -> None:
    """What the description does not require by now must leave the supplement's optional properties."""
    with pytest.raises(DescriptionError, match=r"types\.Cake does not require a"):
        described(tmp_path, {"Cake": {"a": {}}}, {"Cake": {"$optional": ["a"]}})


@pytest.mark.parametrize("name", ["optional", "required", "type"])
def test_properties_called_as_keywords(tmp_path: Path, name: str) -> None:
    """A property whose name is a keyword is a property as any other."""

    def change(kind: str) -> Any:
        return {"Cake": {"inner": {name: {f"{kind}!": "string"}}}}

    inner = described(tmp_path, change("a"), change("b"))["Cake"]["properties"]["inner"]["properties"]
    assert inner[name]["required"] == ["a", "b"]
