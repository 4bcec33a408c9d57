"""The same with version 2 of the official SDK, which cannot be installed beside version 3."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERSION_2 = ROOT / "build" / "bench" / "openai2"


@pytest.mark.slow
def test_version_2() -> None:
    """What holds for the official client over ours holds for version 2 of it, on httpx."""
    if not VERSION_2.exists():
        pytest.skip("run `make build/bench/openai2`")
    environment = {**os.environ, "PYTHONPATH": str(VERSION_2)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not slow",
        "tests/official",
    ]
    found = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert found.returncode == 0, found.stdout[-5000:]


def test_which_version_this_is() -> None:
    """The version that is tested is 3, or 2 where its place was put first."""
    import openai

    first = os.environ.get("PYTHONPATH", "").split(os.pathsep)[0]
    assert openai.__version__.partition(".")[0] == ("2" if first.endswith(VERSION_2.name) else "3")
