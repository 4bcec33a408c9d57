"""The names that users import, as `python -m tools.public_names` wrote them down for an earlier revision.

A name has a `^` for each package around its module that offers it too.
"""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

NAMES: dict[str, str] = json.loads((Path(__file__).parent / "public_names.json").read_text())


def public_names() -> Iterator[tuple[str, str]]:
    """List the modules and the names that each of them offers."""
    for module, names in NAMES.items():
        for name in names.split():
            plain, holder = name.lstrip("^"), module
            yield holder, plain
            for _ in range(len(name) - len(plain)):
                holder = holder.rpartition(".")[0]
                yield holder, plain


def test_every_public_name_is_still_where_it_was() -> None:
    """Each public module still imports and offers each of its names."""
    missing = [
        f"{module}.{name}" for module, name in public_names() if not hasattr(import_module(module), name)
    ]
    assert not missing
