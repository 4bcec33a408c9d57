"""The endpoint that CONTRIBUTING.md adds, step by step."""

import re
import shutil
from pathlib import Path

from tools.generate_api import main

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^ *```(json|toml)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def test_the_example_becomes_an_endpoint(tmp_path: Path) -> None:
    """What the page adds to supplement and map gives its methods, a stream and pages."""
    calls, types, methods = (text for _, text in BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text()))
    api, package = tmp_path / "api", tmp_path / "package"
    shutil.copytree(ROOT / "tools" / "api", api)
    supplement = api / "supplement.json"
    text = supplement.read_text()
    for part, lines in (("calls", calls), ("types", types)):
        text = text.replace(f'"{part}": {{\n', f'"{part}": {{\n{lines}')
    supplement.write_text(text)
    (api / "poems.toml").write_text(methods)
    assert main(["--api", str(api), "--into", str(package)]) == 0
    poems = (package / "resources" / "poems.py").read_text()
    assert ") -> Poem: ..." in poems
    assert ") -> AsyncStream[PoemEvent]: ..." in poems
    assert "-> CursorListing[Poem]:" in poems
