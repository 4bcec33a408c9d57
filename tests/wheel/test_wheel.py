"""The installed wheel, in an environment with nothing but the hard dependencies and pytest."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT = 6 * 1024 * 1024


def test_comes_from_the_environment() -> None:
    """The package under test is the installed one, not the tree beside this file."""
    import ai_client

    assert Path(sys.prefix) in Path(ai_client.__file__).parents


def test_hard_dependencies() -> None:
    """Without an extra, the wheel requires httpx and pydantic, what it imports of theirs, and nothing else."""
    required = [line for line in importlib.metadata.requires("ai-client") or () if "extra ==" not in line]
    assert sorted(re.split(r"[^\w-]", line)[0] for line in required) == [
        "certifi",
        "h11",
        "httpx",
        "idna",
        "pydantic",
    ]


def test_size() -> None:
    """The installed files take at most 6 MB."""
    files = importlib.metadata.files("ai-client") or []
    assert sum(Path(str(file.locate())).stat().st_size for file in files if file.suffix != ".pyc") <= LIMIT


def test_typed() -> None:
    """Each import package is marked as typed, and the stubs that editors read are there."""
    names = {str(file) for file in importlib.metadata.files("ai-client") or ()}
    packages = ("ai_client", "ai_client_fastapi", "ai_client_django", "ai_client_flask")
    assert {f"{package}/py.typed" for package in packages} <= names
    assert {
        "ai_client/_signatures/__init__.pyi",
        "ai_client/_signatures/chat/completions/__init__.pyi",
    } <= names


@pytest.mark.parametrize(
    ("module", "extra"),
    [("ai_client_fastapi", "fastapi"), ("ai_client_django", "django"), ("ai_client_flask", "flask")],
)
def test_missing_extra_is_named(module: str, extra: str) -> None:
    """An adapter without its framework says which extra to install."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert f'pip install "ai-client[{extra}]"' in done.stderr


def test_answers_offline() -> None:
    """A client from the wheel gets an answer from the bundled upstream."""
    from ai_client import OpenAI
    from ai_client.testing import Upstream

    with Upstream() as upstream, OpenAI(api_key="key", base_url=upstream.base_url) as client:
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])
        assert answer.choices[0].message.content


def entry_points() -> list[importlib.metadata.EntryPoint]:
    """Give what the wheel declares."""
    return list(importlib.metadata.distribution("ai-client").entry_points)


@pytest.mark.parametrize("entry", entry_points(), ids=lambda entry: f"{entry.group}:{entry.name}")
def test_entry_point(entry: importlib.metadata.EntryPoint) -> None:
    """Every entry point leads to something, those of a framework with that alone, and every command explains itself."""
    if entry.group == "flask.commands":  # read by Flask, which is not here
        with pytest.raises(ImportError, match=re.escape('pip install "ai-client[flask]"')):
            entry.load()
        return
    assert entry.load()
    if entry.group == "console_scripts":
        command = Path(sys.executable).with_name(entry.name)
        done = subprocess.run([command, "--help"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"usage: {entry.name}" in done.stdout


def test_module_as_a_command() -> None:
    """The package runs as a module too."""
    done = subprocess.run(
        [sys.executable, "-m", "ai_client", "--help"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: ai-client" in done.stdout
