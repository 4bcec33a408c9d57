"""The system checks of the Django app."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import CheckMessage, run_checks

from ai_client_django._handle import SettingsHandle

REMOTE = {"api_key": "k", "base_url": "http://ai.test/v1", "timeout": 1, "max_retries": 0}


LOCAL = "http://127.0.0.1:11434/v1"
BUDGET: dict[str, Any] = {"budgets": [{"usd": 5}]}


def found(setting: Any, *, deploy: bool = False) -> list[CheckMessage]:
    """Run the checks on a setting, faulty or not."""
    handle = SettingsHandle(setting)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ai_client_django.checks.handle", lambda: handle)
        return [
            message
            for message in run_checks(include_deployment_checks=deploy)
            if str(message.id).startswith("ai_client_django.")
        ]


@pytest.mark.parametrize(
    ("setting", "ids"),
    [
        ({"api_key": "k"}, []),
        ({"default": {"api_key": "k"}, "azure": {"api_key": "k"}}, []),
        (["timeout"], ["ai_client_django.E001"]),
        ({"azure": {"api_key": "k"}}, ["ai_client_django.E001"]),
        ({"default": {"api_key": "k"}, "timeout": 3}, ["ai_client_django.E001"]),
        ({"default": {"api_key": "k"}, "timeout": {"api_key": "k"}}, ["ai_client_django.E001"]),
        ({"api_key": "k", "timeoutt": 3}, ["ai_client_django.E002"]),
        ({"api_key": "k", "timeout": "soon"}, ["ai_client_django.E003"]),
        ({"default": {"api_key": "k"}, "azure": {"api_key": "k", "timeout": -1}}, ["ai_client_django.E003"]),
        ({"nothing": 1, "timeout": "soon"}, ["ai_client_django.E002", "ai_client_django.E003"]),
        ({"api_key": "k", "base_url": "https://h:abc/"}, ["ai_client_django.E003"]),
        ({"api_key": "k", "client_class": "no_such_module.Client"}, ["ai_client_django.E003"]),
        ({"api_key": "k", "controls": {"store": "redis://h:abc/0", "cost": True}}, ["ai_client_django.E003"]),
        (
            {"api_key": "k", "controls": {"store": "django-cache://nobody", "cost": True}},
            ["ai_client_django.E003"],
        ),
        ({"api_key": "k", "controls": {"policies": ["tests.support.own_policies.Watch"]}}, []),
        ({"api_key": "k", "controls": {"policies": ["no_such_module.Trail"]}}, ["ai_client_django.E003"]),
        ({"api_key": "k", "controls": {"policies": [5]}}, ["ai_client_django.E003"]),
        ({"api_key": "k", "layers": []}, ["ai_client_django.E002"]),
        ({"api_key": "k", "default_headers": {"": "a"}, "organization": ""}, ["ai_client_django.E003"] * 2),
        ({}, ["ai_client_django.W001"]),
        ({"api_key": "k", "controls": {"budgets": [{"usd": 5}]}}, []),
        (
            {"api_key": "k", "controls": {**BUDGET, "price_options": {"library": False}}},
            ["ai_client_django.W004"],
        ),
        (
            {
                "api_key": "k",
                "controls": {"budgets": [{"usd": 5, "hard": False}], "price_options": {"library": False}},
            },
            [],
        ),
        ({"api_key": "k", "controls": {**BUDGET, "prices": {"m": {"input": 1}}}, "base_url": LOCAL}, []),
        (
            {
                "api_key": "k",
                "controls": {**BUDGET, "price_options": {"provider": "openai"}},
                "base_url": LOCAL,
            },
            [],
        ),
        ({"api_key": "k", "controls": BUDGET, "base_url": LOCAL}, ["ai_client_django.W004"]),
        (REMOTE, []),
    ],
)
def test_options(monkeypatch: pytest.MonkeyPatch, setting: Any, ids: list[str]) -> None:
    """Each fault of the setting has its id, and a hint."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    messages = found(setting)
    assert [message.id for message in messages] == ids
    assert all(message.hint for message in messages)


def test_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in the environment is a key."""
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert found({}) == []


def test_fault_of_an_alias_is_named() -> None:
    """The message names the option as it stands in the setting."""
    (message,) = found({"default": {"api_key": "k"}, "azure": {"api_key": "k", "timeot": 1}})
    assert "AI_CLIENT['azure']['timeot']" in message.msg
    assert message.hint == "Did you mean AI_CLIENT['azure']['timeout']?"


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("http://ai.test/v1", ["ai_client_django.W002"]),
        ("https://ai.test/v1", []),
        ("http://localhost:8000/v1", []),
        ("http://127.0.0.1:8000/v1", []),
        ("http://[::1]:8000/v1", []),
    ],
)
def test_plain_http(url: str, ids: list[str]) -> None:
    """Plain http to another host is reported for deployment."""
    assert [message.id for message in found({**REMOTE, "base_url": url}, deploy=True)] == ids


@pytest.mark.parametrize(
    ("arguments", "timeout", "retries", "ids"),
    [
        ("", 31, 0, ["ai_client_django.W003"]),
        ("", 30, 0, []),
        ("", 20, 1, ["ai_client_django.W003"]),
        ("", None, 0, ["ai_client_django.W003"]),
        ("--timeout 60", 31, 0, []),
        ("--workers 2 -t 60", 31, 0, []),
        ("--timeout=10", 20, 0, ["ai_client_django.W003"]),
        ("--timeout 0", None, 0, []),
    ],
)
def test_worker_timeout(
    monkeypatch: pytest.MonkeyPatch, arguments: str, timeout: float | None, retries: int, ids: list[str]
) -> None:
    """A call that may outlast gunicorn's worker timeout is reported for deployment."""
    monkeypatch.setenv("GUNICORN_CMD_ARGS", arguments)
    setting = {"api_key": "k", "timeout": timeout, "max_retries": retries}
    assert [message.id for message in found(setting, deploy=True)] == ids


@pytest.mark.parametrize(
    ("controls", "ids"),
    [
        ({"models": {"m": ["a", "b", "c"]}}, []),
        (
            {"models": {"m": ["a", "n"], "n": ["b", "c"]}, "fallback": {"default": ["d"]}},
            ["ai_client_django.W003"],
        ),
        ({"fallback": {"default": ["a", "b"]}}, []),
        ({"fallback": {"default": ["a", "b", "c"]}}, ["ai_client_django.W003"]),
    ],
)
def test_worker_timeout_of_a_chain(
    monkeypatch: pytest.MonkeyPatch, controls: dict[str, Any], ids: list[str]
) -> None:
    """A call with more targets than attempts may last a timeout for each of them."""
    monkeypatch.delenv("GUNICORN_CMD_ARGS", raising=False)
    setting = {"api_key": "k", "timeout": 10, "max_retries": 1, "controls": controls}
    assert [message.id for message in found(setting, deploy=True)] == ids


@pytest.mark.parametrize(("deadline", "ids"), [(30, []), (31, ["ai_client_django.W003"])])
def test_deadline(monkeypatch: pytest.MonkeyPatch, deadline: float, ids: list[str]) -> None:
    """A deadline bounds a call, whatever its timeout and retries."""
    monkeypatch.delenv("GUNICORN_CMD_ARGS", raising=False)
    assert [message.id for message in found({"api_key": "k", "deadline": deadline}, deploy=True)] == ids


def test_misspelt_option_of_options() -> None:
    """An option that holds a mapping and is misspelt is not taken for an alias."""
    (message,) = found({"api_key": "k", "default_header": {"X-One": "1"}})
    assert message.id == "ai_client_django.E002"
    assert message.hint == "Did you mean AI_CLIENT['default_headers']?"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SSL_CERT_FILE", "/no/such/file"), ("ALL_PROXY", "ftp://host"), ("AI_CLIENT_TIMEOU", "3")],
)
def test_environment(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """A fault of the environment is found too, and named by its variable."""
    monkeypatch.setenv(variable, value)
    (message,) = found({"api_key": "k"})
    assert message.id == "ai_client_django.E003"
    assert variable in message.msg


def test_a_fault_is_named_by_its_place_in_the_settings() -> None:
    """A message names the option as it stands in the settings."""
    (message,) = found({"default": {"api_key": "k"}, "azure": {"api_key": "k", "base_url": "x"}})
    assert "AI_CLIENT['azure']['base_url']: must be an absolute http or https address" in message.msg


@pytest.mark.parametrize(
    ("command", "reported"),
    [("check", True), ("runserver", True), ("migrate", False), ("makemigrations", False), ("shell", False)],
)
def test_commands_without_a_key(tmp_path: Path, command: str, reported: bool) -> None:
    """A missing key is reported where a project is checked or served, and not by each other command."""
    taken = socket.create_server(("127.0.0.1", 0))  # so that the server ends when it has checked
    arguments = {
        "runserver": ["--noreload", f"127.0.0.1:{taken.getsockname()[1]}"],
        "shell": ["--command", "pass"],
    }
    project = (
        "urlpatterns = []\n"
        "from django.conf import settings\n"
        "settings.configure(DEBUG=True, SECRET_KEY='s', ROOT_URLCONF='__main__', INSTALLED_APPS=['ai_client_django'],"
        f" DATABASES={{'default': {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': {str(tmp_path / 'db')!r}}}}})\n"
        "from django.core.management import execute_from_command_line\n"
        f"execute_from_command_line(['manage.py', {command!r}, *{arguments.get(command, [])!r}])"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    with taken:
        done = subprocess.run(
            [sys.executable, "-c", project], capture_output=True, text=True, check=False, env=environment
        )
    assert ("ai_client_django.W001" in done.stderr) == reported, done.stderr


def test_ids_follow_the_app_label() -> None:
    """The ids begin with the label of the app, as Django's convention has it."""
    (message,) = found({"timeoutt": 3, "api_key": "k"})
    label = apps.get_app_config("ai_client_django").label
    assert message.id == f"{label}.E002"
