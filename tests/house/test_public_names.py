"""The names that users import, as `python -m tools.public_names` wrote them down for an earlier revision."""

import json
from importlib import import_module
from pathlib import Path

NAMES: dict[str, str] = json.loads((Path(__file__).parent / "public_names.json").read_text())


def test_every_public_name_is_still_where_it_was() -> None:
    """Each public module still imports and offers each of its names."""
    missing = [
        f"{module}.{name}"
        for module, names in NAMES.items()
        for name in names.split()
        if not hasattr(import_module(module), name)
    ]
    assert not missing
