"""Programs that build a client per request are found by their source, and others are not."""

from pathlib import Path

import pytest

from ai_client.scan import ScanFinding, scan
from tests.scan import guilty, innocent

ROOT = Path(__file__).parents[2]


def written(program: str | dict[str, str], folder: Path) -> Path:
    """Write the files of a program; return their folder."""
    files = {"app.py": program} if isinstance(program, str) else program
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def marked(folder: Path) -> set[tuple[str, int]]:
    """Return the places that a program marks."""
    return {
        (str(path), number)
        for path in folder.rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if line.endswith("# built")
    }


def places(findings: tuple[ScanFinding, ...]) -> set[tuple[str, int]]:
    """Return where clients are built."""
    return {(finding.path, finding.line) for finding in findings}


@pytest.mark.parametrize("name", guilty.PROGRAMS)
def test_a_client_per_request_is_found(name: str, tmp_path: Path) -> None:
    """Exactly the lines that build a client for each request are found, each with a function and what to do."""
    folder = written(guilty.PROGRAMS[name], tmp_path / "program")
    report = scan([folder])
    assert places(report.findings) == marked(folder)
    assert report.findings
    assert all(finding.function and finding.fix for finding in report.findings)


@pytest.mark.parametrize("name", innocent.PROGRAMS)
def test_a_client_that_is_kept_is_not_found(name: str, tmp_path: Path) -> None:
    """Nothing is found in a program that builds its clients once."""
    folder = written(innocent.PROGRAMS[name], tmp_path / "program")
    assert scan([folder]).findings == ()


@pytest.mark.parametrize("name", ["ai_client", "integrations", "example_apps"])
def test_our_own_code_is_innocent(name: str) -> None:
    """Nothing is found in this package, its adapters and its examples."""
    report = scan([ROOT / name])
    assert report.findings == ()
    assert report.unread == ()
    assert report.files


def test_enough_programs() -> None:
    """The shapes are many."""
    assert len(guilty.PROGRAMS) >= 30
    assert len(innocent.PROGRAMS) >= 30
