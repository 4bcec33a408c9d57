"""The generator, on the description of a bakery."""

import inspect
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pydantic
import pytest

from ai_client import BaseModel
from ai_client._models.decode import decode
from tests.support.workshop import Workshop
from tools.generate_api import main

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A workshop of one's own."""
    return Workshop(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """The bakery's package as modules, imported by their names below it."""
    workshop = Workshop(tmp_path_factory.mktemp("bakery"))
    assert workshop.run() == 0
    for path in workshop.package.rglob("*.py"):
        text = path.read_text()
        for part in ("types.", "resources.", "_resources"):
            text = text.replace(f"ai_client.{part}", f"bakery.{part}")
        path.write_text(text.replace("bakery.types._lazy", "ai_client.types._lazy"))
    sys.path.insert(0, str(workshop.package.parent))
    yield lambda name: import_module(f"bakery.{name}")
    sys.path.remove(str(workshop.package.parent))
    for name in [name for name in sys.modules if name.partition(".")[0] == "bakery"]:
        del sys.modules[name]


BREAD = {"flour": "rye", "id": "b1", "object": "bread", "toppings": [], "weight": None}


def test_tree_is_current() -> None:
    """The package holds what the description and the map say."""
    assert main(["--check"]) == 0


def test_same_input_gives_same_files(workshop: Workshop) -> None:
    """Generating twice changes nothing."""
    workshop.run()
    first = workshop.texts()
    workshop.run()
    assert workshop.texts() == first


def test_check_accepts_what_was_written(workshop: Workshop) -> None:
    """A tree just written is current, and checking leaves it alone."""
    workshop.run()
    first = workshop.texts()
    assert workshop.run("--check") == 0
    assert workshop.texts() == first


def test_check_names_what_is_not_current(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    """An edited, a missing and a superfluous file each fail the check, with their names."""
    workshop.run()
    recipe = workshop.package / "types/recipe.py"
    extra = workshop.package / "types/cake.py"
    shutil.copy(recipe, extra)
    recipe.write_text(recipe.read_text() + "x = 1\n")
    (workshop.package / "resources/recipes.py").unlink()
    assert workshop.run("--check") == 1
    assert {line.rpartition(" ")[2] for line in capsys.readouterr().err.splitlines()} == {
        "types/recipe.py",
        "types/cake.py",
        "resources/recipes.py",
    }


def test_hand_written_files_stay(workshop: Workshop) -> None:
    """Files that the generator did not write are neither removed nor a reason to fail the check."""
    mine = workshop.package / "resources/mine.py"
    mine.parent.mkdir(parents=True)
    mine.write_text('"""Mine."""\n')
    assert workshop.run() == 0
    assert mine.read_text() == '"""Mine."""\n'
    assert workshop.run("--check") == 0


def test_removed_schema_takes_its_file_along(workshop: Workshop) -> None:
    """A module whose last type is gone is removed."""
    workshop.run()
    (workshop.map / "recipes.toml").unlink()
    workshop.run()
    assert not (workshop.package / "types/recipe.py").exists()
    assert not (workshop.package / "resources/recipes.py").exists()


@pytest.mark.parametrize(
    "rule",
    [
        '[names]\nCake = "Tart"',
        "[patterns]\n\"Cake(.+)\" = '\\1'",
        '[modules]\n"recipes/cake" = ["Cake"]',
        '[names]\n"Recipe.icing" = "Icing"',
        'secrets = ["Recipe.icing"]',
    ],
)
def test_rule_that_changes_nothing_fails(
    workshop: Workshop, capsys: pytest.CaptureFixture[str], rule: str
) -> None:
    """A rule of the map that no schema needs is an error which names it."""
    path = workshop.map / "recipes.toml"
    path.write_text(f"{rule}\n\n{path.read_text()}")
    assert workshop.run() == 2
    assert "change nothing" in capsys.readouterr().err


def test_missing_schema_fails(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    """A reference to a schema that does not exist is an error which names it."""
    workshop.edit(lambda raw: raw["components"]["schemas"].pop("Glaze"))
    assert workshop.run() == 2
    assert "'Glaze'" in capsys.readouterr().err


def test_call_that_the_description_lacks_fails(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    """A method whose call is not in the description is an error which names the call."""
    workshop.edit(lambda raw: raw["paths"].pop("/recipes"))
    assert workshop.run() == 2
    assert "POST /recipes" in capsys.readouterr().err


def test_two_types_of_one_name_fail(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    """Two types of a package that would have the same name are an error, never numbered."""
    workshop.add("breads", '[names.Glaze]\nresult = "ToppingSeed"')
    assert workshop.run() == 2
    assert "both called ToppingSeed" in capsys.readouterr().err


def test_supplement_adds_to_the_description(workshop: Workshop) -> None:
    """A supplement gives endpoints, schemas and properties that the description lacks."""
    workshop.supplement(
        {
            "calls": {"GET /cakes": {}},
            "types": {"Recipe": {"author": "string"}},
        }
    )
    workshop.add("recipes", '[resources.cakes.methods]\nbake = "GET /cakes"')
    assert workshop.run() == 0
    assert "author: str | None = None" in workshop.texts()["types/recipe.py"]
    assert '"/cakes"' in workshop.texts()["resources/cakes.py"]


def test_supplement_that_repeats_fails(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    """What the description has by now must leave the supplement."""
    workshop.supplement({"types": {"Recipe": {"id": "string"}}})
    assert workshop.run() == 2
    assert "types.Recipe.properties.id.type" in capsys.readouterr().err


def test_new_schema_needs_no_rule(workshop: Workshop) -> None:
    """A property and a type that the API adds tomorrow are taken in without touching the map."""

    def add(raw: dict[str, Any]) -> None:
        schemas = raw["components"]["schemas"]
        schemas["Oil"] = {"type": "object", "properties": {"litres": {"type": "number"}}}
        schemas["Recipe"]["properties"]["oil"] = {"$ref": "#/components/schemas/Oil"}

    workshop.edit(add)
    assert workshop.run() == 0
    assert "oil: Oil | None = None" in workshop.texts()["types/recipe.py"]


def test_results_say_what_is_required(made: Callable[[str], Any]) -> None:
    """A field is required where the description says so and null is no value, and optional else."""
    bread = made("types.breads").Bread
    required = {name for name, field in bread.model_fields.items() if field.is_required()}
    assert required == {"flour", "id", "object", "toppings"}
    assert bread.model_validate(BREAD).weight is None


def test_field_names_that_python_takes(made: Callable[[str], Any]) -> None:
    """A field whose name pydantic uses itself has an underscore, and its own name on the wire."""
    bread = made("types.breads").Bread.model_validate({**BREAD, "schema": "s", "extras": {"a": 1}})
    assert bread.schema_ == "s"
    assert bread.to_dict()["schema"] == "s"
    assert bread.extras == {"a": 1}


def test_secrets_are_not_shown(workshop: Workshop) -> None:
    """The value of a property that the map calls a secret is in no repr."""
    path = workshop.map / "breads.toml"
    path.write_text(f'secrets = ["BreadObject.weight"]\n{path.read_text()}')
    workshop.run()
    assert (
        "weight: float | None = Field(default=None, repr=False)" in workshop.texts()["types/breads/bread.py"]
    )


def test_union_by_tag(made: Callable[[str], Any]) -> None:
    """The members of a union are told apart by their tag; an unknown tag leaves its siblings what they are."""
    types = made("types.breads")
    toppings = [{"type": "seed", "count": 3}, {"type": "gold", "grams": 1}, {"type": "glaze"}]
    bread = decode(types.Bread, json.dumps({**BREAD, "toppings": toppings}).encode(), strict=False)
    assert [type(topping) for topping in bread.toppings] == [types.ToppingSeed, BaseModel, types.Glaze]
    assert bread.toppings[1].grams == 1


def test_types_that_hold_themselves(made: Callable[[str], Any]) -> None:
    """A type that refers to itself can be built."""
    response = made("types.breads.oven").OvenBakeResponse.model_validate(
        {"minutes": 1, "grain": {"kind": "k"}, "filter": {"both": [{"mesh": 1}, {"both": []}]}}
    )
    assert type(response.filter.both[0]).__name__ == "SieveMesh"


def test_parameters(made: Callable[[str], Any]) -> None:
    """Parameters are TypedDicts with their required keys marked, over the options of every request."""
    params = made("types.breads").BreadCreateParamsBase
    assert params.__required_keys__ == {"flour", "name"}
    assert {"size", "toppings", "crust", "extra_headers", "timeout"} <= params.__optional_keys__
    assert "stream" not in params.__annotations__
    assert made("types.breads").BreadCreateParamsStreaming.__required_keys__ >= {"stream"}


def test_keys_that_python_reserves(made: Callable[[str], Any]) -> None:
    """A key that is a keyword of Python keeps its name in a nested TypedDict."""
    crust = made("types.breads.bread_create_params").Crust
    assert crust.__required_keys__ == {"from"}


def test_form_of_many_values(made: Callable[[str], Any]) -> None:
    """A form field written with brackets is a parameter without them."""
    assert "pages" in made("types").RecipeCreateParams.__optional_keys__


def test_what_says_the_same_is_one_type(made: Callable[[str], Any]) -> None:
    """A schema that differs from its base in limits alone is the base's parameter form."""
    oven = made("types.breads.oven")
    assert oven.GrainParam.__required_keys__ == {"kind"}
    assert not hasattr(made("types.shared.common"), "GrainInput")


def test_types_live_where_they_are_used(made: Callable[[str], Any]) -> None:
    """A type lives with its only user, or, used in parts that do not build on each other, with what they share."""
    assert made("types.breads").Topping
    assert made("types.shared").Grain.__module__ == "bakery.types.shared.common"


def test_names_are_loaded_on_use(made: Callable[[str], Any]) -> None:
    """A package lists all its names, and fails as any module does for others."""
    types = made("types.breads")
    assert {"Bread", "BreadEvent", "BreadCreateParams", "Topping"} <= set(dir(types))
    with pytest.raises(AttributeError, match="Cake"):
        types.Cake  # noqa: B018 - the access is the test


def test_events_are_apart_from_results(made: Callable[[str], Any]) -> None:
    """What only streams need is in a module of its own."""
    event = pydantic.TypeAdapter(made("types.breads").BreadEvent)
    assert event.validate_python({"type": "bread.warm", "degrees": 220}).degrees == 220
    assert made("types.breads.bread_event").BreadWarm


def test_methods_take_the_last_part_of_the_path_by_position(made: Callable[[str], Any]) -> None:
    """Of several parts of a path, the last is positional and the others are keywords."""
    bake = made("resources.breads.ovens").Ovens.bake._method
    kinds = {
        name: parameter.kind.name
        for name, parameter in inspect.signature(bake, follow_wrapped=False).parameters.items()
    }
    assert kinds == {
        "self": "POSITIONAL_OR_KEYWORD",
        "bread_id": "POSITIONAL_OR_KEYWORD",
        "oven_id": "KEYWORD_ONLY",
        "params": "VAR_KEYWORD",
    }


def test_methods_say_how_they_answer(workshop: Workshop) -> None:
    """Binary bodies, no bodies, files, queries and pages are each called for in their own way."""
    workshop.run()
    breads, ovens = (
        workshop.texts()["resources/breads/__init__.py"],
        workshop.texts()["resources/breads/ovens.py"],
    )
    assert "-> BinaryResponse:" in breads
    assert "-> None:" in breads
    assert "-> CursorListing[Bread]:" in breads
    assert 'query=("include",)' in ovens
    assert 'files=("file",)' in workshop.texts()["resources/recipes.py"]


def test_part_written_by_hand(workshop: Workshop) -> None:
    """A resource with methods by hand is generated beside them, without these methods."""
    path = workshop.map / "recipes.toml"
    path.write_text(path.read_text().replace("[resources.recipes]", '[resources.recipes]\nhand = ["create"]'))
    workshop.run()
    assert "resources/recipes.py" not in workshop.texts()
    assert "def create" not in workshop.texts()["resources/recipes/_generated.py"]
    assert "RecipeCreateParams" in workshop.texts()["types/recipe.py"]


def test_part_written_by_hand_beside_a_stream(workshop: Workshop) -> None:
    """What is generated beside methods by hand may stream."""
    path = workshop.map / "breads.toml"
    path.write_text(path.read_text().replace("[resources.breads]", '[resources.breads]\nhand = ["photo"]'))
    assert workshop.run() == 0
    assert 'self: "Breads[AsyncRaw]"' in workshop.texts()["resources/breads/_generated.py"]


def test_result_with_a_base_written_by_hand(workshop: Workshop) -> None:
    """A base by hand comes first, and takes the place of the field that it is said to have."""
    workshop.add("recipes", '[mixins.Recipe]\n"kitchen.Cook" = "grain"')
    workshop.run()
    text = workshop.texts()["types/recipe.py"]
    assert "from kitchen import Cook" in text
    assert "class Recipe(Cook, BaseModel):" in text
    assert "grain" not in text


def test_types_written_by_hand_are_offered(workshop: Workshop) -> None:
    """A package offers the names of its modules by hand beside the generated ones."""
    workshop.add("recipes", '[written]\n"breads/card" = ["Card"]')
    workshop.run()
    text = workshop.texts()["types/breads/__init__.py"]
    assert "from ai_client.types.breads.card import Card as Card" in text
    assert '"ai_client.types.breads.card": "Card"' in text


def test_parameters_without_one_that_a_type_replaces(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    """Parameters have a base that lacks one of them, under a name of its own; it must be one of them."""
    path = workshop.map / "recipes.toml"
    rule = '{{ call = "POST /recipes", apart = ["pages[]"], bare = {{ RecipeReadParams = "{}" }} }}'
    original = path.read_text()
    path.write_text(original.replace('"POST /recipes"', rule.format("file")))
    assert workshop.run() == 0
    bare, base = (
        workshop.texts()["types/recipe.py"].partition("class RecipeReadParams")[2].split("\n\n\n")[:2]
    )
    assert "(MethodOptions, total=False)" in bare
    assert "file:" not in bare
    assert base.startswith("class RecipeCreateParamsBase(RecipeReadParams, total=False)")
    assert "file:" in base
    path.write_text(original.replace('"POST /recipes"', rule.format("crumbs")))
    assert workshop.run() == 2
    assert "recipes.create has no parameter 'crumbs'" in capsys.readouterr().err


def add_beta(document: dict[str, Any]) -> None:
    """Add a beta of the toppings: glaze says the same as the released one, seeds and what holds them do not."""
    schemas = document["components"]["schemas"]
    schemas["BetaGlaze"] = schemas["Glaze"]
    schemas["BetaSeed"] = {
        **schemas["Seed"],
        "properties": {**schemas["Seed"]["properties"], "agent": {"type": "string"}},
    }
    for name in ("Dressing", "Crumble"):
        glaze, seed = ({"$ref": f"#/components/schemas/{each}"} for each in ("Glaze", "Seed"))
        some = {"type": "array", "items": {"anyOf": [glaze, seed]} if name == "Crumble" else glaze}
        schemas[name] = {"type": "object", "properties": {"some": some}}
        schemas[f"Beta{name}"] = json.loads(json.dumps(schemas[name]).replace("schemas/", "schemas/Beta"))


def test_second_names_of_a_beta(workshop: Workshop) -> None:
    """A type of a beta is a second name of the released one where both say the same, down to what they hold."""
    workshop.edit(add_beta)
    workshop.add("breads", '[second_names]\nBeta = ["breads/topping"]')
    workshop.add("breads", '[received]\nDressing = "breads/topping"\nCrumble = "breads/topping"')
    workshop.add("breads", 'BetaDressing = "breads/beta"\nBetaCrumble = "breads/beta"')
    workshop.add("breads", '[modules]\n"breads/topping" = ["Glaze", "Seed"]\n"breads/beta" = []')
    assert workshop.run() == 0
    text = workshop.texts()["types/breads/beta.py"]
    assert "BetaDressing: TypeAlias = Dressing\n" in text
    assert "BetaGlaze: TypeAlias = Glaze\n" in text
    assert "class BetaSeed(BaseModel)" in text
    assert "class BetaCrumble(BaseModel)" in text
    assert 'some: list[Annotated[BetaGlaze | BetaSeed, OneOf("type")]]' in text


def test_second_names_keep_secrets(workshop: Workshop) -> None:
    """A type of a beta with a secret that the released one has not is a class of its own."""
    workshop.edit(add_beta)
    path = workshop.map / "breads.toml"
    path.write_text(f'secrets = ["BetaGlaze.shine"]\n{path.read_text()}')
    workshop.add("breads", '[second_names]\nBeta = ["breads/topping"]')
    workshop.add("breads", '[received]\nDressing = "breads/topping"\nBetaDressing = "breads/beta"')
    workshop.add("breads", '[modules]\n"breads/topping" = ["Glaze"]\n"breads/beta" = []')
    assert workshop.run() == 0
    text = workshop.texts()["types/breads/beta.py"]
    assert "class BetaGlaze(BaseModel)" in text
    assert "class BetaDressing(BaseModel)" in text


def test_moved_types_stay_where_they_were(workshop: Workshop) -> None:
    """The module that types moved from still offers their names."""
    workshop.add("breads", '[moved."breads/topping"]\n"breads/bread" = ["Seed", "Glaze"]')
    workshop.add("breads", '[modules]\n"breads/topping" = []')
    assert workshop.run() == 0
    assert "class ToppingSeed(BaseModel)" in workshop.texts()["types/breads/topping.py"]
    assert "class ToppingSeed" not in workshop.texts()["types/breads/bread.py"]
    assert "Glaze as Glaze" in workshop.texts()["types/breads/bread.py"]
    assert "ToppingSeed as ToppingSeed" in workshop.texts()["types/breads/bread.py"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("x = [", "cakes.toml is no TOML"),
        ("[name]\nCake = 'Tart'", "cakes.toml has no 'name': did you mean 'names'?"),
        ("[resources.cakes]\nmodul = 'cake'", "resource cakes has no 'modul': did you mean 'module'?"),
        ("[resources.cakes]\nbake = 'POST /recipes'", "resource cakes has no 'bake'"),
        ("[resources.cakes.methods]\nbake = {cal = 'POST /recipes'}", "method cakes.bake has no 'cal'"),
        ("[resources.cakes.methods]\nbake = {stream = true}", "method cakes.bake needs its `call`"),
        (
            "[resources.cakes.methods]\nlist = {call = 'GET /breads', page = 'Pages'}",
            "cakes.list: a page is one of",
        ),
        (
            "[resources.cakes.methods]\nbake = {call = 'POST /recipes', body = 'a/b'}",
            "body of POST /recipes has no 'a/b'",
        ),
        (
            "[resources.cakes.methods]\nbake = {call = 'POST /recipes', stream = true}",
            "does not say what it streams",
        ),
        (
            "[resources.cakes.methods]\nbake = {call = 'POST /breads', stream = 'Name'}",
            "cakes.bake: an event",
        ),
        (
            "[resources.cakes.methods]\nbake = 'POST /cakes/{cake_id}'",
            "POST /cakes/{cake_id}: the description's path",
        ),
    ],
)
def test_mistakes_in_the_map_are_named(
    workshop: Workshop, capsys: pytest.CaptureFixture[str], rule: str, said: str
) -> None:
    """A mistake in a file of the map is one line that names its place, and writes nothing."""
    workshop.supplement({"types": {"Name": "string"}, "calls": {"POST /cakes/{cake_id}": {}}})
    workshop.add("cakes", rule)
    assert workshop.run() == 2
    assert said in capsys.readouterr().err
    assert not workshop.package.exists()


def test_mistakes_in_a_supplement_are_named(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    """A supplement that is no JSON is one line that names file and place."""
    (workshop.map / "supplement.json").write_text('{"calls": {,}}')
    assert workshop.run() == 2
    assert "supplement.json is no JSON: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "event", [{"$anyOf": ["Seed", "Glaze"], "$discriminator": "type"}, {"warm!": "boolean"}]
)
def test_events_without_a_name(workshop: Workshop, event: Any) -> None:
    """Events that the description defines where they are streamed get a name of their own."""
    answer = {"application/json": "Recipe", "text/event-stream": event}
    workshop.supplement({"calls": {"POST /cakes": {"answer": answer}}})
    workshop.add("cakes", "[resources.cakes.methods]\nbake = {call = 'POST /cakes', stream = true}")
    assert workshop.run() == 0
    assert "stream=CakesBakeEvent" in workshop.texts()["resources/cakes.py"]


@pytest.mark.parametrize("verb", ["PUT", "PATCH"])
def test_every_verb(workshop: Workshop, verb: str) -> None:
    """A method sends whatever verb its call has."""
    workshop.supplement({"calls": {f"{verb} /cakes": {"answer": {"application/json": "Recipe"}}}})
    workshop.add("cakes", f'[resources.cakes.methods]\nbake = "{verb} /cakes"')
    assert workshop.run() == 0
    assert f'self._call("{verb}", "/cakes"' in workshop.texts()["resources/cakes.py"]
