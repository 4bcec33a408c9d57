"""A workshop for the generator: a copy of the bakery's description and map, and what is made of them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.generate_api import main
from tools.import_description import main as import_description

BAKERY = Path(__file__).parents[1] / "tools" / "bakery"
Edit = Callable[[dict[str, Any]], None]


class Workshop:
    """A copy of the bakery's description and map, and the package that is made of them."""

    def __init__(self, folder: Path) -> None:
        self.map = folder / "api"
        self.package = folder / "bakery"
        self._document = folder / "openapi.json"
        shutil.copy(BAKERY / "openapi.json", self._document)
        shutil.copytree(BAKERY / "api", self.map)
        self.edit(lambda _: None)

    def run(self, *options: str) -> int:
        """Run the generator."""
        return main(["--api", str(self.map), "--into", str(self.package), *options])

    def edit(self, change: Edit) -> None:
        """Change the OpenAPI document, and import it."""
        document = json.loads(self._document.read_text())
        change(document)
        self._document.write_text(json.dumps(document))
        assert import_description([str(self._document), "--into", str(self.map / "description.json")]) == 0

    def add(self, part: str, text: str) -> None:
        """Add to a part of the map."""
        with (self.map / f"{part}.toml").open("a") as file:
            file.write(f"\n{text}\n")

    def supplement(self, text: dict[str, Any]) -> None:
        """Write what the description lacks."""
        (self.map / "supplement.json").write_text(json.dumps(text))

    def explain(self, text: str, part: str = "bakery") -> None:
        """Write a table of prose."""
        (self.map / "prose").mkdir(exist_ok=True)
        (self.map / "prose" / f"{part}.toml").write_text(text)

    def texts(self) -> dict[str, str]:
        """Return everything that was written."""
        return {str(path.relative_to(self.package)): path.read_text() for path in self.package.rglob("*.py")}
