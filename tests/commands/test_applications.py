"""The applications that the command is about, and the same sub-commands in each framework."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ai_client.commands import COMMANDS
from ai_client.testing import Upstream
from tests.support.invoke import KEY

APPS = {
    "provider": "from ai_client import ClientProvider\nsubject = ClientProvider({options})\n",
    "factory": "from ai_client import ClientProvider\ndef subject():\n    return ClientProvider({options})\n",
    "fastapi": (
        "from fastapi import FastAPI\nfrom ai_client_fastapi import ai_client_lifespan\n"
        "subject = FastAPI(lifespan=ai_client_lifespan({options}))\n"
    ),
    "starlette in middleware": (
        "from starlette.applications import Starlette\nfrom starlette.middleware.gzip import GZipMiddleware\n"
        "from ai_client_fastapi import ai_client_lifespan\n"
        "subject = GZipMiddleware(Starlette(lifespan=ai_client_lifespan({options})))\n"
    ),
    "fastapi in its own lifespan": (
        "from contextlib import asynccontextmanager\nfrom fastapi import FastAPI\n"
        "from ai_client_fastapi import ai_client_lifespan\n"
        "@asynccontextmanager\nasync def own(app):\n    options = {options}\n"
        "    async with globals()['make'](options)(app):\n        yield\n"
        "def make(options):\n    return ai_client_lifespan(options)\n"
        "subject = FastAPI(lifespan=own)\n"
    ),
    "flask": (
        "from flask import Flask\nfrom ai_client_flask import AIClient\n"
        "def subject():\n    app = Flask('shop')\n    AIClient(app, **{options})\n    return app\n"
    ),
}
SETTINGS = "SECRET_KEY = 'x'\nINSTALLED_APPS = ['ai_client_django']\nAI_CLIENT = {options}\n"
WSGI = (
    "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'site_settings'\n"
    "from django.core.wsgi import get_wsgi_application\nsubject = get_wsgi_application()\n"
)


@pytest.fixture
def options(upstream: Upstream, tmp_path: Path) -> str:
    """Return options with a store in a file, as source."""
    store = f"sqlite:///{tmp_path / 'ai.db'}"
    return repr(
        {
            "api_key": KEY,
            "base_url": upstream.base_url,
            "controls": {"store": store, "cost": True, "prices": {"m": {"input": 1, "output": 2}}},
        }
    )


def run(folder: Path, *command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a folder."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def check(folder: Path, command: list[str], after: list[str], **variables: str) -> None:
    """Make a call by the command, and have it counted."""
    asked = run(folder, *command, "call", "Hello", "--model", "m", *after, **variables)
    assert asked.returncode == 0, asked.stderr
    assert "usd 0.0" in asked.stderr
    counted = run(folder, *command, "usage", "--json", *after, **variables)
    assert counted.returncode == 0, counted.stderr
    (row,) = map(json.loads, counted.stdout.splitlines())
    assert (row["endpoint"], row["model"], row["calls"]) == ("ai-client call", "m", 1)
    assert KEY not in asked.stdout + asked.stderr + counted.stdout + counted.stderr


@pytest.mark.parametrize("name", APPS)
def test_an_application_is_named(name: str, options: str, tmp_path: Path) -> None:
    """`--app` takes applications of each framework, providers, and functions that make one."""
    (tmp_path / "shop.py").write_text(APPS[name].replace("{options}", options))
    check(tmp_path, ["ai_client"], ["--app", "shop:subject"])


def test_django_is_known_by_its_variable_or_application(options: str, tmp_path: Path) -> None:
    """`DJANGO_SETTINGS_MODULE` names a project, and so does its WSGI application."""
    (tmp_path / "site_settings.py").write_text(SETTINGS.replace("{options}", options))
    check(tmp_path, ["ai_client"], [], DJANGO_SETTINGS_MODULE="site_settings")
    (tmp_path / "wsgi.py").write_text(WSGI)
    assert run(tmp_path, "ai_client", "usage", "--app", "wsgi:subject").returncode == 0


def test_flask_has_the_same_sub_commands(options: str, tmp_path: Path) -> None:
    """`flask ai-client` runs each sub-command within the app's context."""
    (tmp_path / "shop.py").write_text(APPS["flask"].replace("{options}", options))
    flask = ["flask", "--app", "shop:subject", "ai-client"]
    check(tmp_path, flask, [])
    listed = run(tmp_path, *flask, "--help").stdout
    assert all(f"  {name} " in listed for name in COMMANDS)
    helped = run(tmp_path, *flask, "usage", "--help")
    assert (helped.returncode, "--timezone" in helped.stdout) == (0, True)
    wrong = run(tmp_path, *flask, "usage", "--nonsense")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert run(tmp_path, *flask, "budgets").returncode == 3


def test_django_has_the_same_sub_commands(options: str, tmp_path: Path) -> None:
    """`manage.py ai_client` runs each sub-command."""
    (tmp_path / "site_settings.py").write_text(SETTINGS.replace("{options}", options))
    django = ["django", "ai_client"]
    variables = {"DJANGO_SETTINGS_MODULE": "site_settings", "PYTHONPATH": str(tmp_path)}
    check(tmp_path, django, [], **variables)
    listed = run(tmp_path, *django, "--help", **variables).stdout
    assert all(f"    {name} " in listed for name in COMMANDS)
    failed = run(tmp_path, *django, "budgets", **variables)
    assert (failed.returncode, failed.stderr.count("\n")) == (3, 1)
    (tmp_path / "app.py").write_text(
        "from fastapi import FastAPI\nfrom openai import OpenAI\napp = FastAPI()\n"
        "@app.get('/')\ndef ask():\n    return OpenAI()\n"
    )
    assert run(tmp_path, *django, "scan", str(tmp_path), **variables).returncode == 1


@pytest.mark.parametrize("kind", ["plain", "flask", "django"])
def test_a_terminal_whose_encoding_lacks_a_letter(kind: str, options: str, tmp_path: Path) -> None:
    """Each of the three commands writes what the encoding of its output lacks as an escape, and does not fail."""
    (tmp_path / "shop.py").write_text(APPS["flask"].replace("{options}", options))
    (tmp_path / "site_settings.py").write_text(SETTINGS.replace("{options}", options))
    variables = {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(tmp_path)}
    command, after = {
        "plain": (["ai_client"], ["--app", "shop:subject"]),
        "flask": (["flask", "--app", "shop:subject", "ai-client"], []),
        "django": (["django", "ai_client"], []),
    }[kind]
    if kind == "django":
        variables["DJANGO_SETTINGS_MODULE"] = "site_settings"
    asked = run(
        tmp_path, *command, "call", "\u2603", "--model", "m", "--tenant", "\u2603", *after, **variables
    )
    assert (asked.returncode, "\\u2603" in asked.stdout) == (0, True), asked.stderr
    for arguments in (["--by", "tenant"], ["--by", "tenant", "--csv"]):
        shown = run(tmp_path, *command, "usage", *arguments, *after, **variables)
        assert (shown.returncode, "\\u2603" in shown.stdout) == (0, True), shown.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("subject = object()", "has no AI clients"),
        ("import nonsense_module", "No module named 'nonsense_module'"),
        ("raise ValueError('password-of-a-database')", "ValueError at"),
        ("raise SystemExit('x')", "ends the process"),
        ("def subject():\n    raise RuntimeError('password-of-a-database')", "RuntimeError at"),
        ("subject = (", "SyntaxError"),
        ("from ai_client import ClientProvider\nsubject = ClientProvider(timeout='soon')", "timeout"),
    ],
)
def test_an_application_that_does_not_load(text: str, said: str, tmp_path: Path) -> None:
    """The error is one line without a traceback, and without what an exception of the application's own says."""
    (tmp_path / "shop.py").write_text(text)
    done = run(tmp_path, "ai_client", "usage", "--app", "shop:subject")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert said in done.stderr
    assert "password" not in done.stderr


def test_settings_without_the_app(tmp_path: Path) -> None:
    """A project without the app is told how to have it."""
    (tmp_path / "site_settings.py").write_text("SECRET_KEY = 'x'\n")
    done = run(tmp_path, "ai_client", "usage", DJANGO_SETTINGS_MODULE="site_settings")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "INSTALLED_APPS" in done.stderr
