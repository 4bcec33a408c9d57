"""The README's code runs."""

import pytest

from ai_client.testing import Upstream
from tests.support.readme import block


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
