"""The README as the tests read it."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def block(heading: str) -> str:
    """Return the first Python block below a heading."""
    section = README.read_text().split(f"\n## {heading}\n", 1)[1]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]
