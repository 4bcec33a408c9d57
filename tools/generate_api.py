"""Write `ai_client/types/` and `ai_client/resources/` from `tools/api/`, or check that they are current."""

import argparse
import sys
from pathlib import Path

from tools.generator.api import Api
from tools.generator.description import DescriptionError
from tools.generator.files import differences, format_all, write
from tools.generator.modules import write_types
from tools.generator.packages import write_packages
from tools.generator.prose import Prose
from tools.generator.reading import read
from tools.generator.resources import write_resources
from tools.generator.rules import Rules
from tools.generator.signatures import write_signatures
from tools.generator.sources import Sources

ROOT = Path(__file__).resolve().parent.parent


def generate(folder: Path) -> dict[str, str]:
    """Return the text of every generated file, by its path below the package.

    *folder* holds the description, its supplement, the map and the prose.

    Raises:
        DescriptionError: They do not fit together; the message says where.
    """
    table = Rules.load(folder)
    prose = Prose(folder / "prose")
    api = Api(read(folder / "description.json", folder / "supplement.json"), table, prose)
    texts = {f"types/{module}.py": text for module, text in write_types(api).items()}
    for package, text in write_packages(api).items():
        texts["/".join(["types", *package.split("/"), "__init__.py"]).replace("//", "/")] = text
    texts |= write_resources(api)
    texts |= write_signatures(api, Sources(texts, ROOT / "ai_client"))
    if unused := table.unused():
        raise DescriptionError(f"rules of the map that change nothing: {', '.join(unused)}")
    if unused := prose.unused():
        raise DescriptionError(f"prose that describes nothing: {', '.join(unused)}")
    return format_all(texts, ROOT / "pyproject.toml")


def main(arguments: list[str] | None = None) -> int:
    """Generate, or check."""
    parser = argparse.ArgumentParser(prog="generate_api", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is not current")
    parser.add_argument(
        "--api", type=Path, default=ROOT / "tools" / "api", help="the folder of description and map"
    )
    parser.add_argument("--into", type=Path, default=ROOT / "ai_client", help="the package to write into")
    options = parser.parse_args(arguments)
    try:
        texts = generate(options.api)
    except DescriptionError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if not options.check:
        write(texts, options.into)
        return 0
    stale = differences(texts, options.into)
    for path in stale:
        print(f"not current: {path}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
