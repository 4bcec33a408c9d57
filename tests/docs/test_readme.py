"""The README's code runs."""

import re
from pathlib import Path

import pytest

from ai_client.testing import Upstream

README = Path(__file__).parents[2] / "README.md"


def block(heading: str) -> str:
    """Give the first Python block below a heading."""
    section = README.read_text().split(f"\n## {heading}\n", 1)[1]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def test_without_a_framework(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The example without a framework streams an answer."""
    with Upstream() as upstream:
        monkeypatch.setenv("OPENAI_API_KEY", "key")
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.base_url)
        namespace: dict[str, object] = {}
        exec(compile(block("Without a framework"), "README.md", "exec"), namespace)  # noqa: S102 - our own text
        namespace["client"].close()  # type: ignore[attr-defined]
    assert capsys.readouterr().out


def test_testing_example() -> None:
    """The example of the test kit runs as it stands."""
    exec(compile(block("Testing your application"), "README.md", "exec"), {})  # noqa: S102 - our own text
