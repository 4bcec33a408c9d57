"""Write `tools/api/description.json` from OpenAI's OpenAPI document."""

import argparse
import json
import sys
from pathlib import Path

from tools.generator.reduction import dump, reduce_document

DESCRIPTION = Path(__file__).resolve().parent / "api" / "description.json"


def main(arguments: list[str] | None = None) -> int:
    """Write the description; the same document gives the same file."""
    parser = argparse.ArgumentParser(prog="import_description", description=__doc__)
    parser.add_argument("document", type=Path, help="the OpenAPI document, as JSON")
    parser.add_argument("--into", type=Path, default=DESCRIPTION, help="the file to write")
    options = parser.parse_args(arguments)
    options.into.write_text(dump(reduce_document(json.loads(options.document.read_text()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
