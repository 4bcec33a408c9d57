"""The examples of the documentation run."""

import re
from pathlib import Path

import pytest

from ai_client.testing import Upstream

PAGES = sorted((Path(__file__).parents[2] / "docs" / "controls").glob("*.md"))
EXAMPLES = [
    pytest.param(code, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_example_runs(
    code: str, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An example of the documentation runs as it stands, against the offline upstream."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    exec(compile(code, "example", "exec"), {})  # noqa: S102 - that is the claim


def test_links_lead_somewhere() -> None:
    """Every link between the pages leads to a page."""
    assert len(PAGES) == 8
    for page in PAGES:
        for target in re.findall(r"\]\(([\w-]+\.md)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
