"""The command `ai-client`."""

import json
import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from ai_client.cli import main
from ai_client.testing import Upstream
from tests.support.invoke import KEY

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("entry", PROJECT["scripts"].values())
def test_every_command_starts(entry: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command that the project declares is there, and explains itself."""
    module, _, name = entry.partition(":")
    with pytest.raises(SystemExit) as ended:
        getattr(import_module(module), name)(["--help"])
    assert ended.value.code == 0
    assert "doctor" in capsys.readouterr().out


def test_it_runs_as_a_module() -> None:
    """`python -m ai_client` is the same command."""
    done = subprocess.run(
        [sys.executable, "-m", "ai_client", "doctor", "--offline"],
        env={**os.environ, "OPENAI_API_KEY": KEY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "default:" in done.stdout
    assert KEY not in done.stdout


TALKATIVE = """
import logging, sys
print("imported")
logging.basicConfig(stream=sys.stdout, level=logging.DEBUG)
from ai_client import ClientProvider

def provider():
    print("made")
    logging.warning("made")
    controls = {"store": "sqlite:///talkative.db", "budgets": [{"requests": 9}], "cost": True}
    return ClientProvider(api_key="sk-test", controls=controls)
"""


@pytest.mark.parametrize("command", ["doctor --offline", "budgets remaining"])
def test_what_an_application_prints_is_no_part_of_the_result(command: str, tmp_path: Path) -> None:
    """An application that prints, or logs to standard output, leaves the result readable for programs."""
    (tmp_path / "talkative.py").write_text(TALKATIVE)
    done = subprocess.run(
        [sys.executable, "-m", "ai_client", *command.split(), "--json", "--app", "talkative:provider"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), dict)
    assert done.stderr.splitlines()[:2] == ["imported", "made"]


def test_doctor_tells_what_the_environment_gives(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], upstream: Upstream
) -> None:
    """The report has the options, where each is from, and whether the API answers unless it is offline."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.base_url)
    assert main(["doctor", "--offline"]) == 0
    assert "(environment variable OPENAI_BASE_URL)" in capsys.readouterr().out
    assert not upstream.requests
    assert main(["doctor"]) == 0
    assert "models" in capsys.readouterr().out
    assert upstream.requests


@pytest.mark.parametrize(
    ("name", "value"), [("AI_CLIENT_TIMEOUT", "soon"), ("OPENAI_BASE_URL", "https://h:x/")]
)
def test_doctor_fails_where_no_client_can_be_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    """A fault is told, and the command fails."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv(name, value)
    assert main(["doctor"]) == 1
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["doctor", "--nonsense"]])
def test_what_it_does_not_know_is_told(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command ends with the usage and the usual code."""
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert "usage: ai-client" in capsys.readouterr().err


def test_a_process_without_streams(tmp_path: Path) -> None:
    """Without standard streams a command still works, and ends with its own exit code."""
    streams = (
        "import sys; sys.stdin = sys.stdout = sys.stderr = None; from ai_client.commands.main import main; "
    )
    for argv, code in (["scan", str(tmp_path)], 0), (["call", "-", "--model", "m"], 2):
        ended = subprocess.run(
            [sys.executable, "-c", f"{streams}sys.exit(main({argv!r}))"],
            check=False,
            timeout=60,
            cwd=tmp_path,
        )
        assert ended.returncode == code
