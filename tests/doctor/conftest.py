"""The doctor of each framework, as its command runs it."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from django.conf import settings
from django.core.management import CommandError, call_command
from fastapi import FastAPI
from flask import Flask
from flask.cli import FlaskGroup

from ai_client.commands.main import main
from ai_client.doctor import threads
from ai_client.doctor.bounds import SECONDS, Bound
from ai_client_django._handle import SettingsHandle
from ai_client_fastapi import ai_client_lifespan
from ai_client_flask import AIClient
from ai_client_flask._command import commands
from tests.support import django_databases
from tests.support.broken import Scene

django_databases.load_site()
Examine = Callable[..., dict[str, Any]]
_OURS = ("OPENAI_", "AI_CLIENT_", "AZURE_", "GUNICORN_", "UWSGI_", "SSL_CERT_")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing in the environment that a client or its doctor reads."""
    for name in list(os.environ):
        if name.startswith(_OURS) or name.lower().endswith("_proxy") or name == "DJANGO_SETTINGS_MODULE":
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _collects_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have results of a busy machine collected, however late they are."""
    monkeypatch.setattr(threads, "COLLECTING", 60.0)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, django_db_blocker: Any) -> Iterator[Scene]:
    """Yield a scene."""
    with ExitStack() as stack, django_db_blocker.unblock():
        yield Scene(stack, monkeypatch, tmp_path)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what grants each examination more time: a busy machine is no cause that the doctor should find."""

    def grant() -> None:
        begin = Bound.__init__

        def more(self: Bound) -> None:
            begin(self, 60.0)

        def left(_: Bound, most: float = SECONDS) -> float:
            return 3 * most

        monkeypatch.setattr(Bound, "__init__", more)
        monkeypatch.setattr(Bound, "left", left)

    return grant


def _fastapi(patch: pytest.MonkeyPatch, options: Mapping[str, Any], arguments: list[str]) -> str:
    module: Any = ModuleType("doctored_site")
    module.create = lambda: FastAPI(lifespan=ai_client_lifespan(dict(options)))
    patch.setitem(sys.modules, module.__name__, module)
    with redirect_stdout(io.StringIO()) as out:
        main(["doctor", "--app", "doctored_site:create()", *arguments])
    return out.getvalue()


def _flask(patch: pytest.MonkeyPatch, options: Mapping[str, Any], arguments: list[str]) -> str:
    del patch

    def create() -> Flask:
        app = Flask("doctored")
        for name, value in options.items():
            app.config[f"AI_CLIENT_{name.upper()}"] = value
        AIClient(app)
        return app

    cli = FlaskGroup(create_app=create, add_default_commands=False)
    cli.add_command(commands)
    environment = {"FLASK_RUN_FROM_CLI": "true"}  # which Flask sets, and nobody resets
    return CliRunner(env=environment).invoke(cli, ["ai-client", "doctor", *arguments]).stdout


def _django(patch: pytest.MonkeyPatch, options: Mapping[str, Any], arguments: list[str]) -> str:
    handle = SettingsHandle(dict(options))
    patch.setattr(settings._wrapped, "AI_CLIENT", handle)
    out = io.StringIO()
    try:
        call_command("ai_client", "doctor", *arguments, stdout=out)
    except CommandError as error:
        if error.returncode != 1:
            raise
    finally:
        handle.close_clients()
    return out.getvalue()


_FRAMEWORKS = {"fastapi": _fastapi, "flask": _flask, "django": _django}


@pytest.fixture(params=_FRAMEWORKS)
def print_report(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return what prints the report of each framework's command on an application with given options."""
    run = _FRAMEWORKS[request.param]

    def printed(options: Mapping[str, Any], *arguments: str) -> str:
        return run(monkeypatch, options, list(arguments))

    return printed


@pytest.fixture
def examine(print_report: Callable[..., str]) -> Examine:
    """Return what each framework's command reports as JSON on an application with given options."""

    def examined(options: Mapping[str, Any], *arguments: str) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(print_report(options, "--json", *arguments))
        return report

    return examined
