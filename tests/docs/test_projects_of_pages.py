"""A new user's projects: made of the documentation's blocks and by its commands, they stream an answer."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from ai_client.testing import Upstream
from tests.support.servers import ROOT, serving

pytestmark = pytest.mark.slow

DOCS = ROOT / "docs"
FILE = re.compile(r'^```python title="(\S+\.py)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
SHELL = re.compile(r'^```sh(?: title="([^"]*)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
FRAMEWORKS = ("fastapi", "django", "flask")
MOST_LINES = 24


def quick_start(framework: str) -> str:
    """Return the steps of a framework's page, up to where it begins to explain."""
    return (DOCS / "start" / f"{framework}.md").read_text().split("\n## What ", 1)[0]


def commands(text: str, title: str) -> list[list[str]]:
    """Give the commands of the shell blocks with a title, as arguments after `python -m`."""
    lines = [block[2].strip() for block in SHELL.finditer(text) if block[1] == title]
    return [_for_python(shlex.split(line)) for line in lines]


def _for_python(words: list[str]) -> list[str]:
    if words[0] != "python":
        return words
    return words[2:] if words[1] == "-m" else [words[1].removesuffix(".py"), *words[2:]]


def create(framework: str, directory: Path) -> int:
    """Create the project of a quick start, and return how many lines its user wrote for it, tests aside."""
    text = quick_start(framework)
    if framework == "django":
        python(directory, "django", "startproject", "mysite", ".")
    lines = 0
    for name, code in FILE.findall(text):
        with (directory / name).open("a") as file:
            file.write(code)
        if "test" not in name:
            lines += sum(bool(line.strip()) for line in code.splitlines())
    return lines


def python(directory: Path, *arguments: str, **environment: str) -> None:
    """Run a module to its end in the project."""
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    run = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=directory,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def starts() -> list[object]:
    """Give each framework with each command that the documentation starts its server with."""
    deployment = (DOCS / "deployment.md").read_text()
    titles = {"fastapi": "FastAPI", "starlette": "Starlette", "django": "Django", "flask": "Flask"}
    return [
        pytest.param(framework, command, id=f"{framework}-{command[0]}-{number}")
        for framework in titles
        for number, command in enumerate(
            commands(quick_start(framework), "Start") + commands(deployment, f"Start {titles[framework]}")
        )
    ]


@pytest.mark.parametrize(("framework", "command"), starts())
def test_streams_an_answer(framework: str, command: list[str], tmp_path: Path) -> None:
    """A project of the quick start, in fewer than 25 lines of its own, streams however it is served."""
    lines = create(framework, tmp_path)
    (request,) = commands(quick_start(framework), "Stream an answer")
    address = urlsplit(request[-1])
    arguments = [word.replace("8000", "{port}") for word in command]
    with (
        Upstream() as upstream,
        serving(
            *arguments,
            directory=tmp_path,
            OPENAI_API_KEY="any",
            OPENAI_BASE_URL=upstream.base_url,
            DJANGO_SETTINGS_MODULE="mysite.settings",
        ) as server,
        httpx.stream("GET", f"{server.url}{address.path}?{address.query}", timeout=30) as answer,
    ):
        events = [line for line in answer.iter_lines() if line]
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert upstream.requests[-1].json()["messages"] == [{"role": "user", "content": "Hello"}]
    assert len(events) > 2
    assert events[-1] == "data: [DONE]"
    assert lines <= MOST_LINES


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_its_tests_pass(framework: str, tmp_path: Path) -> None:
    """The tests that the documentation shows for a project pass in it, without network."""
    create(framework, tmp_path)
    page = (DOCS / "testing.md").read_text()
    heading = {"fastapi": "FastAPI", "django": "Django", "flask": "Flask"}[framework]
    section = page.split(f"\n### {heading}\n", 1)[1].split("\n### ", 1)[0]
    for name, code in FILE.findall(section):
        (tmp_path / name).write_text(code)
    (command,) = commands(section, "Run")
    python(tmp_path, *command, OPENAI_API_KEY="any", OPENAI_BASE_URL="http://127.0.0.1:9/v1")


def test_tasks(tmp_path: Path) -> None:
    """The task of the page on deployment answers, called without a worker."""
    for name, code in FILE.findall((DOCS / "deployment.md").read_text()):
        (tmp_path / name).write_text(f"{code}\n\nassert summarize('a long text')\nprovider.close()\n")
    with Upstream() as upstream:
        python(tmp_path, "tasks", OPENAI_API_KEY="any", OPENAI_BASE_URL=upstream.base_url)


def test_async_django_streams(tmp_path: Path) -> None:
    """The documentation's async view streams under the wrapped ASGI application."""
    create("django", tmp_path)
    for name, code in FILE.findall((DOCS / "start" / "django.md").read_text().split("\n## What ", 1)[1]):
        with (tmp_path / name).open("a") as file:
            file.write(code)
    with (tmp_path / "mysite" / "urls.py").open("a") as file:
        file.write("from mysite import async_views\nurlpatterns += [path('async', async_views.ask)]\n")
    with (
        Upstream() as upstream,
        serving(
            *("uvicorn", "mysite.asgi:application", "--port", "{port}"),
            directory=tmp_path,
            OPENAI_API_KEY="any",
            OPENAI_BASE_URL=upstream.base_url,
            DJANGO_SETTINGS_MODULE="mysite.settings",
        ) as server,
    ):
        answer = httpx.get(f"{server.url}/async", params={"question": "Hello"}, timeout=30)
    assert answer.text.endswith("data: [DONE]\n\n")
