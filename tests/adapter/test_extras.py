"""The error of an adapter whose framework is missing."""

import sys
from pathlib import Path

import pytest

from ai_client.adapter import require


def test_a_missing_framework_is_named_with_its_installation() -> None:
    """The error names the module and the command that installs it."""
    with pytest.raises(
        ImportError, match=r'^no_such_framework is not installed: pip install "my-adapter\[x\]"$'
    ):
        require("no_such_framework", "my-adapter[x]")


def test_a_missing_part_of_a_framework_is_named_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed framework that misses one of its own dependencies is not called missing."""
    (tmp_path / "half_a_framework.py").write_text("import no_such_dependency")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        require("half_a_framework", "my-adapter")
    assert "half_a_framework" not in sys.modules
