"""Reports: lines for people, JSON for programs, exit codes, and applications that do not load."""

import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from types import ModuleType
from typing import Any

import pytest

from ai_client.commands.main import main
from ai_client.doctor import Check, as_json, lines_of, summary
from tests.support.broken import KEY, Scene

MEMBERS = {"area", "name", "status", "message", "hint", "seconds", "client", "details"}


def test_the_form_of_the_json(scene: Scene, examine: Callable[..., dict[str, Any]]) -> None:
    """Each check has every member, of the same type, in each framework."""
    report = examine({**scene.good(), "api_key": KEY})
    assert report.keys() == {"status", "counts", "checks"}
    assert report["counts"].keys() == {"ok", "warning", "fault", "skipped"}
    assert sum(report["counts"].values()) == len(report["checks"])
    for check in report["checks"]:
        assert check.keys() == MEMBERS
        assert check["status"] in report["counts"]
        texts = (check["area"], check["name"], check["message"], check["hint"], check["client"])
        assert all(isinstance(text, str) for text in texts)
        assert isinstance(check["seconds"], int | float)
        assert isinstance(check["details"], dict)
    assert {check["area"] for check in report["checks"]} == {
        "versions",
        "configuration",
        "key",
        "environment",
        "network",
        "api",
        "process",
    }


def test_where_values_are_from(
    scene: Scene, examine: Callable[..., dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    """The origin of each option is where the framework's user has written it, the environment or the default."""
    scene.patch.setenv("AI_CLIENT_MAX_CONNECTIONS", "7")
    report = examine({**scene.good(), "api_key": KEY, "timeout": 9.0}, "--offline")
    checks = [check for check in report["checks"] if "origin" in check["details"]]
    origins = {check["name"]: (check["details"]["origin"], check["details"]["from"]) for check in checks}
    framework = request.node.callspec.params["print_report"]
    assert (
        origins["timeout"]
        == {
            "fastapi": ("keyword", "timeout"),
            "flask": ("flask", "AI_CLIENT_TIMEOUT"),
            "django": ("django", "AI_CLIENT['timeout']"),
        }[framework]
    )
    assert origins["max_connections"] == ("environment", "AI_CLIENT_MAX_CONNECTIONS")
    assert origins["max_retries"] == ("default", "")
    values = {check["name"]: check["details"]["value"] for check in checks}
    assert (values["timeout"], values["api_key"], values["max_connections"]) == ("9.0", "***", "7")


def test_lines() -> None:
    """Options that have their defaults share a line, in the place of the last one; faults come with their hint."""
    default = {"origin": "default", "value": "3"}
    given = {"origin": "keyword", "value": "4"}
    checks = [
        Check("configuration", "a", "ok", "3  (default)", client="default", details=default),
        Check("configuration", "b", "ok", "4  (keyword b=)", client="default", details=given),
        Check("configuration", "c", "ok", "3  (default)", client="default", details=default),
        Check("configuration", "a", "ok", "3  (default)", client="other", details=default),
        Check("network", "tcp", "fault", "Refused.", "Start it.", client="default"),
    ]
    assert list(lines_of(checks)) == [
        ("ok       default: configuration b: 4  (keyword b=)", "ok"),
        ("ok       default: configuration defaults: a 3, c 3", "ok"),
        ("ok       other: configuration defaults: a 3", "ok"),
        ("FAULT    default: network tcp: Refused. Start it.", "fault"),
    ]
    assert summary(checks) == "1 fault and 0 warnings found."
    assert json.loads(as_json(checks))["status"] == "fault"
    assert json.loads(as_json([]))["status"] == "ok"


def test_offline(scene: Scene, examine: Callable[..., dict[str, Any]]) -> None:
    """Offline nothing is connected to."""
    upstream = scene.upstream()
    report = examine({"base_url": upstream.base_url, "api_key": KEY}, "--offline")
    assert {check["area"] for check in report["checks"]}.isdisjoint({"network", "api", "store"})
    assert not upstream.requests
    assert upstream.connections_open == 0


def test_the_worker_timeout_as_given(scene: Scene, examine: Callable[..., dict[str, Any]]) -> None:
    """The option of the command says what the server grants."""
    report = examine({**scene.good(), "api_key": KEY, "deadline": 50}, "--worker-timeout", "60")
    (check,) = (check for check in report["checks"] if check["name"] == "worker timeout")
    assert (check["status"], check["details"]["seconds"]) == ("ok", 60.0)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: __import__("no_such_library"), "No module named 'no_such_library'"),
        (lambda: sys.exit("I give up"), "ends the process"),
        (object, "has no AI clients"),
    ],
    ids=["error", "import", "exit", "no clients"],
)
def test_an_application_that_does_not_load(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], Any], said: str
) -> None:
    """Why an application does not load is a fault, and what is known without it is reported."""
    module: Any = ModuleType("doctored_site")
    module.create = make
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with redirect_stdout(io.StringIO()) as out:
        code = main(["doctor", "--json", "--app", "doctored_site:create()"])
    report = json.loads(out.getvalue())
    faults = [check for check in report["checks"] if check["status"] == "fault"]
    assert code == 1
    assert [check["name"] for check in faults] == ["application"]
    assert said in faults[0]["message"]
    assert any(check["area"] == "versions" for check in report["checks"])


def test_a_wrong_name_of_an_application() -> None:
    """What is wrong with the command line is no finding."""
    assert main(["doctor", "--app", "nonsense"]) == 2
