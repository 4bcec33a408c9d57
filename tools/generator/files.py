"""Files that the generator owns: format, write and compare them."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .modules import HEADER


def format_all(texts: Mapping[str, str], settings: Path) -> dict[str, str]:
    """Format modules with the project's ruff settings."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, text in texts.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        ruff = _ruff()
        options = ["--quiet", "--no-cache", "--config", str(settings)]
        for command in (["check", "--fix", "--select", "I,F"], ["format"]):
            subprocess.run([ruff, *command, *options, folder], check=True)
        return {path: (root / path).read_text() for path in texts}


def differences(texts: Mapping[str, str], root: Path) -> list[str]:
    """Return the files that are missing, stale, or no longer generated."""
    stale = [
        path
        for path, text in texts.items()
        if not (root / path).exists() or (root / path).read_text() != text
    ]
    return sorted([*stale, *(path for path in owned(root) if path not in texts)])


def write(texts: Mapping[str, str], root: Path) -> None:
    """Write the files, and delete those that are no longer generated."""
    for path in owned(root):
        if path not in texts:
            (root / path).unlink()
    for path, text in texts.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text() != text:
            target.write_text(text)


def owned(root: Path) -> list[str]:
    """Return the files below *root* that the generator wrote."""
    return [
        str(path.relative_to(root))
        for path in root.rglob("*.py*")
        if path.suffix in {".py", ".pyi"} and path.read_text().startswith(HEADER)
    ]


def _ruff() -> str:
    beside = Path(sys.executable).with_name("ruff")
    found = str(beside) if beside.exists() else shutil.which("ruff")
    if not found:
        raise FileNotFoundError("The generator formats its output with ruff: pip install ruff")
    return found
