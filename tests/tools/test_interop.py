"""The libraries that `make interop` tests: pinned, driven, documented, and a failure where one cannot be tested."""

import re
import subprocess
from pathlib import Path

import pytest

from tools import interop
from tools.interop import Library, attempt, libraries, main

PINNED = re.compile(r"[\w.-]+==[\w.]+( ; .+)?")
AT_LEAST = 5
"""Libraries that the gate tests on every submission."""


@pytest.mark.parametrize("library", libraries(), ids=lambda library: library.name)
def test_pins(library: Library) -> None:
    """Everything in a library's environment has one version, and no address of its own."""
    lines = library.pins.read_text().splitlines()
    assert not [line for line in lines if not PINNED.fullmatch(line)]
    assert library.version


def test_each_is_driven() -> None:
    """Each library has a module that calls it, and none is left of another."""
    modules = {path.stem for path in (interop.TESTS / "libraries").glob("*.py")}
    assert modules - {"__init__", "side", "client", "watched"} == {library.name for library in libraries()}
    assert {path.stem for path in (interop.TESTS / "pins").glob("*.txt")} == {
        library.name for library in libraries()
    }


def test_the_gate_tests_some() -> None:
    """The gate tests libraries: all, or at least five that it names."""
    named = re.search(r"^step .* make interop(.*)$", (interop.ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert named
    assert not named[1] or len(named[1].split()) >= AT_LEAST


def test_what_cannot_be_installed_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A library whose environment cannot be made is a failure that says why, not a skip."""

    def refuse(*_arguments: str, given: str | None = None) -> None:
        raise subprocess.CalledProcessError(1, "uv", stderr=f"no such version {given or ''}")

    monkeypatch.setattr(interop, "_uv", refuse)
    monkeypatch.setattr(interop, "ENVIRONMENTS", tmp_path)
    passed, printed = attempt(libraries()[0], [])
    assert not passed
    assert printed.startswith("ERROR pydantic_ai cannot be prepared: no such version")


def test_failures_are_counted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One library that fails fails the run, whose last line counts and names it."""
    monkeypatch.setattr(interop, "attempt", lambda library, _arguments: (library.name != "dspy", "printed"))
    assert main(["dspy", "outlines"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 1 failed dspy"
    assert main(["outlines"]) == 0


def test_an_environment_is_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment is made again only when its pins change."""
    made: list[str] = []
    library = libraries()[0]
    (tmp_path / library.name / "lib" / "python3.x" / "site-packages").mkdir(parents=True)
    monkeypatch.setattr(interop, "_uv", lambda *arguments: made.append(arguments[0]))
    monkeypatch.setattr(interop, "ENVIRONMENTS", tmp_path)
    interop.prepare(library)
    interop.prepare(library)
    assert made == ["venv", "pip"]
    (tmp_path / library.name / "pins.txt").write_text("other==1")
    interop.prepare(library)
    assert made == ["venv", "pip"] * 2
