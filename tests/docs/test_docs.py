"""The documentation: its tables are current, its Python runs, its links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ai_client.testing import Upstream
from tools.readme import PAGES, ROOT, rendered

DOCS = ROOT / "docs"
FENCE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NOT_RUN = re.compile(r'^```python .*not run.*"$', re.MULTILINE)
WITH_BLOCKS = [page for page in PAGES if DOCS in page.parents and FENCE.search(page.read_text())]


def padded(page: Path) -> str:
    """Give a page's blocks as one program, in which every line keeps the number that it has in the page."""
    text = page.read_text()
    lines = [""] * len(text.splitlines())
    for block in FENCE.finditer(text):
        first = text[: block.start(1)].count("\n")
        code = block[1].splitlines()
        lines[first : first + len(code)] = code
    return "\n".join(lines)


def name(page: Path) -> str:
    """Give a page's path below the repository."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_tables_are_current(page: Path) -> None:
    """The tables of a page are what the code and the last benchmark say."""
    text = page.read_text()
    assert rendered(text) == text, "run `make format`"


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=name)
def test_blocks_run(page: Path, tmp_path: Path) -> None:
    """The Python blocks of a page run one after the other, without a warning, in a process of their own."""
    program = tmp_path / page.name
    program.write_text(padded(page))
    with Upstream() as upstream:
        environment = {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": upstream.base_url}
        run = subprocess.run(
            [sys.executable, "-W", "error", str(program)],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert run.returncode == 0, run.stderr


def test_every_block_is_run() -> None:
    """No block of the documentation is marked as one that the tests do not run."""
    assert sum(len(NOT_RUN.findall(page.read_text())) for page in PAGES) == 0
