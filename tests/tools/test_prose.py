"""The tables of prose, on the description of a bakery."""

from pathlib import Path

import pytest

from tests.support.workshop import Workshop
from tools.generator.writer import docstring

TABLE = """
parts = ["breads", "recipe"]
[operations."breads.create"]
size = "How large the loaf is."
[types."breads/bread.Glaze"]
shine = "How much it shines."
[fields]
id = "The name under which it is found again."
"""


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A workshop of one's own."""
    return Workshop(tmp_path)


def text_of(workshop: Workshop, module: str, name: str) -> str:
    """Return the code of one class."""
    return workshop.texts()[module].partition(f"class {name}(")[2].partition("\n\n\n")[0]


def test_field_is_described_below_it(workshop: Workshop) -> None:
    """The text of an entry stands below its field: of a class, of an operation's keywords, of any class of the part."""
    workshop.explain(TABLE)
    assert workshop.run() == 0
    assert 'shine: int | None = None\n    """How much it shines."""' in text_of(
        workshop, "types/breads/bread.py", "Glaze"
    )
    assert '"small", "large"]\n    """How large the loaf is."""' in text_of(
        workshop, "types/breads/bread_create_params.py", "BreadCreateParamsBase"
    )
    for module, name in (("types/breads/bread.py", "Bread"), ("types/recipe.py", "Recipe")):
        assert '"""The name under which it is found again."""' in text_of(workshop, module, name)


@pytest.mark.parametrize("described", ["bread.Glaze", "bread_create_params.GlazeParam"])
def test_both_faces_share_an_entry(workshop: Workshop, described: str) -> None:
    """What is written for a result counts for its parameter form, and the other way round."""
    workshop.explain(f'parts = ["breads"]\n[types."breads/{described}"]\nshine = "How much it shines."')
    assert workshop.run() == 0
    for module, name in (("bread", "Glaze"), ("bread_create_params", "GlazeParam")):
        assert '"""How much it shines."""' in text_of(workshop, f"types/breads/{module}.py", name)


def test_exact_entry_wins(workshop: Workshop) -> None:
    """An entry of the class itself comes before that of its other face and that of any class."""
    exact = '[types."breads/bread_create_params.GlazeParam"]\nshine = "To send."\n'
    workshop.explain(f'{exact}{TABLE}shine = "In general."\nnote = "In general."')
    assert workshop.run() == 2
    workshop.explain(f"{TABLE}".replace("[types", f"{exact}[types") + 'note = "In general."')
    assert workshop.run() == 0
    assert '"""To send."""' in text_of(workshop, "types/breads/bread_create_params.py", "GlazeParam")
    assert '"""How much it shines."""' in text_of(workshop, "types/breads/bread.py", "Glaze")


def test_field_of_one_value_needs_no_entry(workshop: Workshop) -> None:
    """A field of one value says which, unless an entry says more."""
    workshop.run()
    assert 'type: Literal["glaze"]\n    """Always `glaze`."""' in text_of(
        workshop, "types/breads/bread.py", "Glaze"
    )
    workshop.explain('[types."breads/bread.Glaze"]\ntype = "What kind of topping it is."')
    workshop.run()
    assert '"""What kind of topping it is."""' in text_of(workshop, "types/breads/bread.py", "Glaze")


def test_parameters_have_a_file_of_their_own(workshop: Workshop) -> None:
    """Of two files for one part, the `fields` of that called `_params` are for parameters, the other's for results."""
    workshop.explain('parts = ["breads"]\n[fields]\nnote = "What somebody wrote."')
    workshop.explain('parts = ["breads"]\n[fields]\nnote = "What to write."', part="bakery_params")
    assert workshop.run() == 0
    assert '"""What somebody wrote."""' in text_of(workshop, "types/breads/bread.py", "Bread")
    assert '"""What to write."""' in text_of(
        workshop, "types/breads/bread_create_params.py", "BreadCreateParamsBase"
    )


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ('[types."breads/bread.Glaze"]\ngleam = "X."', "bakery.toml: types.'breads/bread.Glaze'.gleam"),
        ('[types."breads/bread.Icing"]\nshine = "X."', "bakery.toml: types.'breads/bread.Icing'.shine"),
        ('parts = ["breads"]\n[fields]\ngleam = "X."', "bakery.toml: fields.gleam"),
        ('parts = ["cakes"]\n[fields]\nid = "X."', "bakery.toml: fields.id"),
        ('[types."breads/bread.Glaze"]\nshine = "No period"', "types breads/bread.Glaze shine"),
        ('[types."breads/bread.Glaze"]\nshine = "Two\\nlines."', "types breads/bread.Glaze shine"),
        ('[typs."breads/bread.Glaze"]\nshine = "X."', "did you mean 'types'?"),
        ("[types", "prose/bakery.toml is no TOML"),
    ],
)
def test_entry_that_describes_nothing(
    workshop: Workshop, capsys: pytest.CaptureFixture[str], table: str, named: str
) -> None:
    """An entry for what does not exist, or that is no sentence, is an error that names it."""
    workshop.explain(table)
    assert workshop.run() == 2
    assert named in capsys.readouterr().err


def test_one_text_for_one_field(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    """Two files that describe the same field are an error that names both."""
    for part in ("bakery", "pastry"):
        workshop.explain('[types."breads/bread.Glaze"]\nshine = "X."', part)
    assert workshop.run() == 2
    assert "pastry.toml and bakery.toml describe breads/bread.Glaze.shine" in capsys.readouterr().err


def test_long_text_is_wrapped() -> None:
    """A docstring is wrapped at the width of a line, its lines indented, and raw where it holds a backslash."""
    lines = docstring("How large the loaf is, in centimetres. " * 6 + r"Matches `\d+`.")
    assert max(map(len, lines)) <= 110
    assert all(line.startswith("    ") and not line.startswith("     ") for line in lines)
    assert lines[0].startswith('    r"""How')
    assert lines[-1].endswith('`."""')
