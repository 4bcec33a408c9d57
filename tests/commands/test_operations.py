"""The sub-commands that show and administer what controls keep, and `call`."""

import csv
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from ai_client.cli import main
from ai_client.commands import COMMANDS
from ai_client.testing import Upstream
from tests.support.invoke import KEY

PRICES = {"m*": {"input": 1, "output": 2}}
QUESTION = "a question that no log holds"


@pytest.fixture
def controls(monkeypatch: pytest.MonkeyPatch, upstream: Upstream, tmp_path: Path) -> dict[str, Any]:
    """Configure the environment's client with controls over a store in a file."""
    found = {
        "store": f"sqlite:///{tmp_path / 'ai.db'}",
        "cost": True,
        "prices": PRICES,
        "budgets": [
            {"usd": 5, "per": "day", "scope": "tenant"},
            {"requests": 9, "per": "day", "scope": "all"},
        ],
        "cache": {"scope": "all", "everything": True},
        "models": {"fast": ["m1", "m2"]},
        "breaker": {"shared": True},
    }
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.base_url)
    configure(monkeypatch, found)
    return found


def configure(monkeypatch: pytest.MonkeyPatch, controls: dict[str, Any]) -> None:
    """Give the environment's client controls."""
    monkeypatch.setenv("AI_CLIENT_CONTROLS", json.dumps(controls))


def run(*arguments: str, question: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "ai_client", *arguments],
        input=question,
        capture_output=True,
        text=True,
        check=False,
    )


def lines(text: str) -> list[Any]:
    """Read JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.usefixtures("controls")
def test_usage_shows_what_other_processes_counted(
    capsys: pytest.CaptureFixture[str], upstream: Upstream
) -> None:
    """Calls of other processes are in each format with their labels, tokens and exact cost."""
    for model, tenant in (("m1", "acme"), ("m2", "=evil")):
        assert run("call", QUESTION, "--model", model, "--tenant", tenant).returncode == 0
    assert main(["usage", "--by", "tenant,model", "--json"]) == 0
    rows = lines(capsys.readouterr().out)
    assert [(row["tenant"], row["model"], row["calls"]) for row in rows] == [
        ("=evil", "m2", 1),
        ("acme", "m1", 1),
    ]
    assert len(upstream.requests) == 2
    assert main(["usage", "--by", "tenant", "--csv"]) == 0
    tenants = [row["tenant"] for row in csv.DictReader(StringIO(capsys.readouterr().out))]
    assert tenants == ["'=evil", "acme"]
    assert main(["usage"]) == 0
    assert "total" in capsys.readouterr().out
    assert main(["usage", "--until", "2020-01-01", "--by", "day"]) == 0
    assert "No calls" in capsys.readouterr().out


@pytest.mark.usefixtures("controls")
def test_budgets_are_shown_raised_and_reset(capsys: pytest.CaptureFixture[str]) -> None:
    """A balance grows by what is granted, and what was used is taken away by a reset."""
    assert run("call", QUESTION, "--model", "m1", "--tenant", "acme").returncode == 0
    assert main(["budgets", "--json"]) == 0
    before = {row["scope"]: row for row in lines(capsys.readouterr().out)}["tenant=acme"]
    assert 0 < before["used"] < 5
    assert main(["budgets", "grant", "2.5", "--tenant", "acme", "--budget", before["name"], "--json"]) == 0
    (granted,) = lines(capsys.readouterr().out)
    assert granted["limit"] == 7.5
    assert main(["budgets", "reset", "--tenant", "acme", "--json"]) == 0
    assert {row["used"] for row in lines(capsys.readouterr().out)} == {0}
    assert main(["budgets", "remaining", "--tenant", "acme"]) == 0
    assert "acme" in capsys.readouterr().out


@pytest.mark.usefixtures("controls")
def test_circuits_are_shown_and_closed(capsys: pytest.CaptureFixture[str], upstream: Upstream) -> None:
    """Targets of the fallback are shown with their state; a target that nobody knows is an error."""
    assert main(["breakers", "--json"]) == 0
    assert [row["target"] for row in lines(capsys.readouterr().out)] == ["m1", "m2"]
    assert main(["breakers", "reset", "m1"]) == 0
    assert "closed: 0" in capsys.readouterr().out
    assert main(["breakers", "reset", "m3"]) == 3
    assert "m3" in capsys.readouterr().err
    assert not upstream.requests


@pytest.mark.usefixtures("controls")
def test_a_cached_answer_costs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """`call` shows no cost for an answer of the cache, whatever its model costs."""
    costs = []
    for _ in range(2):
        assert main(["call", QUESTION, "--model", "m1", "--json"]) == 0
        costs.append(json.loads(capsys.readouterr().out)["usd"])
    assert costs[0] > 0
    assert costs[1] == 0


@pytest.mark.usefixtures("controls")
def test_cached_answers_are_invalidated(capsys: pytest.CaptureFixture[str], upstream: Upstream) -> None:
    """After it no call is answered from the cache."""
    for _ in range(2):
        assert run("call", QUESTION, "--model", "m1", "--tenant", "acme").returncode == 0
    assert len(upstream.requests) == 1
    assert main(["cache", "invalidate", "--tenant", "acme"]) == 0
    assert "tenant acme" in capsys.readouterr().out
    assert run("call", QUESTION, "--model", "m1", "--tenant", "acme").returncode == 0
    assert len(upstream.requests) == 2


@pytest.mark.parametrize(
    ("argv", "control"),
    [
        (["usage"], "cost"),
        (["budgets"], "budgets"),
        (["cache", "invalidate", "--tag", "x"], "cache"),
        (["breakers"], "breaker"),
    ],
)
def test_what_is_in_the_memory_of_other_processes_is_no_zero(
    argv: list[str],
    control: str,
    controls: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With memory:// a command in another process says that it cannot see anything."""
    configure(monkeypatch, {**controls, "store": "memory://", "breaker": True})
    assert main(argv) == 3
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert control in output.err
    assert "memory" in output.err


@pytest.mark.parametrize(
    "argv", [["usage"], ["budgets"], ["cache", "invalidate", "--tag", "x"], ["breakers"]]
)
def test_a_control_that_is_not_configured_is_named(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the control the error is one line that names it."""
    assert main(argv) == 3
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)
    assert "controls" in output.err


@pytest.mark.parametrize(
    "argv",
    [
        ["usage", "--by", "nonsense"],
        ["usage", "--since", "soon"],
        ["usage", "--json", "--csv"],
        ["budgets", "grant"],
        ["budgets", "reset", "5"],
        ["budgets", "--tenant", "x"],
        ["budgets", "grant", "much"],
        ["cache", "invalidate"],
        ["breakers", "list", "m"],
        ["call", " ", "--model", "m"],
        ["call", "x"],
        ["scan", "/does/not/exist"],
        ["scan", ".", "--also", "nonsense"],
        ["usage", "--app", "nonsense"],
        ["usage", "--app", "os:nonsense"],
    ],
)
def test_wrong_use_is_said_in_a_line(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong command line has the exit code 2 and a last line that says why."""
    try:
        code: Any = main(argv)
    except SystemExit as ended:
        code = ended.code
    output = capsys.readouterr()
    assert (code, output.out) == (2, "")
    assert "rror:" in output.err.splitlines()[-1]


def test_a_store_that_is_down(
    controls: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A store that does not answer has the exit code 3 and one line, without its password."""
    configure(monkeypatch, {**controls, "store": "redis://:hidden@127.0.0.1:1/0"})
    assert main(["usage"]) == 3
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)
    assert "StoreError" in output.err
    assert "hidden" not in output.err


@pytest.mark.usefixtures("controls")
def test_call_shows_the_answer_and_what_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    """The answer goes to standard output, tokens, seconds and cost beside it; as JSON all of it is one object."""
    assert main(["call", QUESTION, "--model", "m1"]) == 0
    output = capsys.readouterr()
    assert QUESTION in output.out
    assert "input tokens" in output.err
    assert "usd 0.000" in output.err
    assert main(["call", QUESTION, "--model", "m2", "--json"]) == 0
    (found,) = lines(capsys.readouterr().out)
    assert QUESTION in found["answer"]
    assert found["output_tokens"] > 0
    assert found["usd"] > 0


def test_call_without_controls(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], upstream: Upstream
) -> None:
    """Without controls tokens are those of the answer, and a cost that nobody knows is no zero."""
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.base_url)
    assert main(["call", QUESTION, "--model", "m1", "--json"]) == 0
    (found,) = lines(capsys.readouterr().out)
    assert found["output_tokens"] > 0
    assert found["usd"] is None


@pytest.mark.usefixtures("controls")
def test_call_logs_no_question(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the question nor the answer is in a log record, at any level."""
    caplog.set_level(logging.DEBUG)
    assert main(["call", QUESTION, "--model", "m1"]) == 0
    assert QUESTION not in caplog.text
    assert "offline upstream" not in caplog.text


def test_call_fails_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], upstream: Upstream
) -> None:
    """An error of the API is one line with its class, without the key."""
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.base_url)
    upstream.reply(status=401, json={"error": {"message": f"wrong key {KEY}"}})
    assert main(["call", QUESTION, "--model", "m1"]) == 3
    output = capsys.readouterr()
    assert output.err.count("\n") == 1
    assert "AuthenticationError" in output.err
    assert KEY not in output.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["usage", "--timezone", "Europe"], "time zone 'Europe' is unknown"),
        (["usage", "--timezone", "Nowhere/City"], "time zone 'Nowhere/City' is unknown"),
        (["usage", "--timezone", "a" * 300], "is unknown"),
        (["budgets", "grant", "nan"], "'nan' is no number above zero"),
        (["budgets", "grant", "-5"], "'-5' is no number above zero"),
        (["budgets", "grant", "0"], "'0' is no number above zero"),
    ],
)
@pytest.mark.usefixtures("controls")
def test_what_can_never_be_is_wrong_use(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An argument that no application and no store could make right ends with the code of a wrong command line."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize(
    "arguments", [["-", "--model", "m1"], [b"\xff", "--model", "m1"], ["x", "--model", b"\xff"]], ids=repr
)
@pytest.mark.usefixtures("controls")
def test_call_names_what_is_no_text(arguments: list[str | bytes], encoding: str) -> None:
    """Bytes that are no text in UTF-8 are a wrong command line, whatever the terminal's encoding is."""
    done = subprocess.run(
        [sys.executable, "-m", "ai_client", "call", *arguments],
        input=b"\xff\xfe",
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"Error: call: the question or the model is no text in UTF-8.\n"


def test_call_reads_the_question_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, upstream: Upstream
) -> None:
    """With `-` no argument of the process holds the question."""
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.base_url)
    done = run("call", "-", "--model", "m1", question=QUESTION)
    assert (done.returncode, QUESTION in done.stdout) == (0, True)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """Serve streams that take long."""
    with Upstream(delay=1) as upstream:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.base_url)
        yield upstream


def test_control_c_is_quiet(slow: Upstream) -> None:
    """Ctrl-C during a stream ends the command with 130 and without a word."""
    command = [sys.executable, "-m", "ai_client", "call", QUESTION, "--model", "m1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        slow.wait_for(lambda: bool(slow.requests))
        assert process.stdout.read(1)  # the first piece is there, so that the stream is being read
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    """A pipe that nobody reads ends the command with 141 and without a word."""
    (tmp_path / "app.py").write_text(
        "from fastapi import FastAPI\nfrom openai import OpenAI\napp = FastAPI()\n"
        + "".join(f'@app.get("/{n}")\ndef ask{n}():\n    return OpenAI()\n' for n in range(500))
    )
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ai_client", "scan", str(tmp_path)],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_imports_nothing_heavy(name: str) -> None:
    """`--help` of each sub-command loads neither the HTTP library nor pydantic nor a framework."""
    code = (
        "import sys\nfrom ai_client.cli import main\n"
        f"try:\n    main([{name!r}, '--help'])\nexcept SystemExit as ended:\n    assert not ended.code\n"
        "print(sorted({'httpx', 'pydantic', 'asyncio', 'ssl', 'fastapi', 'django', 'flask'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"usage: ai-client {name}" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
