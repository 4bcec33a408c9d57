"""Files that a scan meets: odd ones are named and do not end it."""

import json
import os
from pathlib import Path

import pytest

from ai_client.cli import main
from ai_client.scan import scan

APP = """
from fastapi import FastAPI
from openai import OpenAI
app = FastAPI()
@app.get("/")
def index():
    return OpenAI()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a program that builds a client per request."""
    found = tmp_path / "program"
    found.mkdir()
    (found / "app.py").write_text(APP)
    return found


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"import openai\ndef f(:\n", "syntax error"),
        (b"import openai\n\x00", "null"),
        (b"# -*- coding: nonsense -*-\nimport openai\n", "syntax error"),
        (b"import openai\n# \xff\n", "encoding"),
        (b"import openai\nx = " + b"(" * 5000 + b")" * 5000, "paren"),
        (b"import openai\nprint 'old'\n", "syntax error"),
    ],
)
def test_a_file_that_cannot_be_parsed_is_named(content: bytes, reason: str, folder: Path) -> None:
    """It is reported with the reason, and the others are scanned."""
    (folder / "odd.py").write_bytes(content)
    report = scan([folder])
    assert [one.path for one in report.unread] == [str(folder / "odd.py")]
    assert reason in report.unread[0].reason or "cannot be parsed" in report.unread[0].reason
    assert len(report.findings) == 1


@pytest.mark.parametrize(
    "content",
    [
        "# -*- coding: latin-1 -*-\nNAME = 'é'\n".encode("latin-1") + APP.encode(),
        b"\xef\xbb\xbf" + APP.encode(),
        APP.replace("\n", "\r\n").encode(),
        APP.replace("\n", "\r").encode(),
        b"import openai\nRE = '\\d'\n" + APP.encode(),
        APP.encode() + b"\nx = 0" + b" + 1" * 500 + b"\n",
        APP.encode() + b"\nx = y" + b".a(1)" * 800 + b"\n",
    ],
)
def test_odd_files_are_read(content: bytes, folder: Path) -> None:
    """Other encodings, marks, line ends, escapes and deep expressions are no hindrance."""
    (folder / "app.py").write_bytes(content)
    report = scan([folder])
    assert report.unread == ()
    assert len(report.findings) == 1


def test_links_are_followed_once(folder: Path) -> None:
    """Loops of links end, and what several links lead to is reported once."""
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    (folder / "nowhere.py").symlink_to(folder / "nothing.py")
    (folder / "other.py").symlink_to(folder / "app.py")
    assert len(scan([folder]).findings) == 1


def test_what_is_left_out(folder: Path) -> None:
    """Hidden folders, environments, installed packages and tests below the directory are not scanned."""
    for name in (".hidden", "tests", "node_modules", "lib/site-packages", "env"):
        (folder / name).mkdir(parents=True)
        (folder / name / "app.py").write_text(APP)
    (folder / "env" / "pyvenv.cfg").touch()
    (folder / "test_app.py").write_text(APP)
    report = scan([folder])
    assert [finding.path for finding in report.findings] == [str(folder / "app.py")]
    assert len(scan([folder / "tests"]).findings) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(folder: Path) -> None:
    """It is named, and the others are scanned."""
    (folder / "closed.py").write_text(APP)
    (folder / "closed.py").chmod(0)
    report = scan([folder])
    assert (len(report.unread), len(report.findings)) == (1, 1)


def test_a_single_file(folder: Path) -> None:
    """A file may be named instead of a directory."""
    assert len(scan([folder / "app.py"]).findings) == 1


@pytest.mark.parametrize(
    ("also", "call"),
    [
        ("httpx", "httpx.Client()"),
        ("httpx", "httpx.AsyncClient(timeout=5)"),
        ("httpx2", "httpx2.AsyncClient()"),
        ("aiohttp", "aiohttp.ClientSession()"),
        ("requests", "requests.Session()"),
        ("anthropic.Anthropic", "anthropic.Anthropic()"),
    ],
)
def test_other_clients_by_option(also: str, call: str, tmp_path: Path) -> None:
    """Clients of other libraries are found where the option names them, and only there."""
    package = call.partition(".")[0]
    text = APP.replace("from openai import OpenAI", f"import {package}").replace("OpenAI()", call)
    (tmp_path / "app.py").write_text(text)
    assert scan([tmp_path]).findings == ()
    (finding,) = scan([tmp_path], also=[also]).findings
    assert finding.client == call.partition("(")[0]


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints file, line, function and what to do, and ends with 1; with nothing found it ends with 0."""
    (folder / "odd.py").write_text("import openai\nx = (\n")
    assert main(["scan", str(folder)]) == 1
    output = capsys.readouterr()
    assert f"{folder / 'app.py'}:7:12: OpenAI() in index(), a route" in output.out
    assert "ai_client_lifespan" in output.out
    assert "odd.py" in output.err
    assert main(["scan", str(folder), "--json"]) == 1
    (found,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (found["line"], found["function"], found["client"]) == (7, "index", "OpenAI")
    (folder / "app.py").write_text("")
    (folder / "odd.py").unlink()
    assert main(["scan", str(folder)]) == 0
    assert "No client" in capsys.readouterr().out


def test_nothing_is_run(folder: Path) -> None:
    """The source is not imported."""
    (folder / "app.py").write_text(f"raise SystemExit('imported')\n{APP}")
    assert len(scan([folder]).findings) == 1
