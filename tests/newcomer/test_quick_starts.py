"""The quick starts as a newcomer follows them: a wheel, an empty folder, and the pages' own text in its order."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.newcomer.page import START, Step, steps
from tests.newcomer.terminal import Terminal, terminal
from tests.support.ports import free_port

ROOT = START.parents[1]
PAGES = sorted(page.stem for page in START.glob("*.md"))
ORDER = ["Install", "Start", "First call", "Stream an answer", "Test"]
"""Titles of what is typed on every page, in this order; a script needs no start."""
INHERITED = re.compile(r"PATH|HOME|TMPDIR|LANG|LC_\w+|PIP_\w+|SSL_\w+|\w+_proxy|\w+_PROXY")
PORT = re.compile(r"\b[89]000\b")
SECONDS_TO_LISTEN = 60
NO_WAY_OUT = "export HTTPS_PROXY=http://127.0.0.1:9"
"""Typed once everything is installed: from then on nothing may need the network."""


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Return the variables of a terminal in which pip also looks for packages in a folder with a wheel of this tree."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    folders = f"{os.environ.get('PIP_FIND_LINKS', '')} {directory}".strip()
    inherited = {name: value for name, value in os.environ.items() if INHERITED.fullmatch(name)}
    places = [
        place for place in os.environ["PATH"].split(os.pathsep) if Path(place) != Path(sys.executable).parent
    ]
    return {
        **inherited,
        "PATH": os.pathsep.join(places),
        "PIP_FIND_LINKS": folders,
        "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
        "PIP_NO_COMPILE": "1",  # most of what is installed is never imported here
    }


class Newcomer:
    """A reader who does what a page says, and nothing that it does not say.

    Attributes:
        printed: What each step printed, by its title.
    """

    def __init__(self, directory: Path, first: Terminal, second: Terminal) -> None:
        self.printed: dict[str, str] = {}
        self._directory = directory
        self._first = first
        self._second = second
        self._serves = False
        self._ports: dict[str, str] = {}

    def follow(self, step: Step) -> None:
        """Write a file, or type the lines of a step into the terminal that is free."""
        if self._serves and "Ctrl-C" in step.before:
            self._first.interrupt()
            self._serves = False
        if step.language != "sh":
            path = self._directory / step.title
            assert path.parent.is_dir(), f"nothing made {path.parent}"
            with path.open("a") as file:
                file.write(step.text)
            return
        text = PORT.sub(self._port, step.text)
        if step.title == "Start":
            self._first.begin(text.strip())
            self._await(self._ports["8000"])
            self._serves = True
            return
        here = self._second if self._serves else self._first
        if self._serves:
            assert "second terminal" in step.before or "First call" in self.printed, "no terminal is free"
        self.printed[step.title] = here.run(text)
        if text.splitlines()[0].endswith("&"):
            self._await(self._ports["9000"])
        if step.title == "Install":
            self._first.run(NO_WAY_OUT)

    def forget_the_key(self) -> None:
        """Unset what a call needs, where tests are said to need none of it."""
        self._first.run("unset OPENAI_API_KEY OPENAI_BASE_URL")

    def _port(self, number: re.Match[str]) -> str:
        """Return a free port for one of a page, the same each time."""
        return self._ports.setdefault(number[0], str(free_port()))

    def _await(self, port: str) -> None:
        """Wait until a server listens, as its first lines say on the screen."""
        deadline = time.monotonic() + SECONDS_TO_LISTEN
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", int(port)), timeout=10).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"Nothing listens on {port}:\n{self._first.output}")


@pytest.fixture
def newcomer(environment: Mapping[str, str], tmp_path: Path) -> Iterator[Newcomer]:
    """Open two terminals in an empty folder."""
    with terminal(tmp_path, environment) as first, terminal(tmp_path, environment) as second:
        yield Newcomer(tmp_path, first, second)


@pytest.mark.parametrize("page", PAGES)
def test_order(page: str) -> None:
    """A page has every step: install, write, start, first call, stream and test, in this order."""
    titles = [step.title for step in steps(page)]
    expected = [title for title in ORDER if page != "python" or title != "Start"]
    assert [title for title in titles if title in ORDER] == expected
    assert sum(step.is_placeholder for step in steps(page)) == 1, (
        "one step asks for a key of the reader's own"
    )


@pytest.mark.parametrize("page", PAGES)
def test_following_the_page(page: str, newcomer: Newcomer, tmp_path: Path) -> None:
    """Doing what a page says, without a key, brings an answer, its pieces as a stream, and a test that passes."""
    for step in steps(page):
        if step.title == "Test":
            newcomer.forget_the_key()
        if not step.is_placeholder:
            newcomer.follow(step)
    printed = newcomer.printed
    answer = text_of(printed["First call"])
    assert "You wrote: “Hello”. This answer comes from the offline upstream" in answer
    assert joined(printed["Stream an answer"]) == answer
    assert re.search(r"^(=+ )?1 passed|^Ran 1 test .*\n\nOK$", printed["Test"], re.MULTILINE), printed["Test"]
    assert re.search(r"^Processing \S+/ai_client-\S+\.whl$", printed["Install"], re.MULTILINE), (
        "the wheel was installed"
    )
    assert list(tmp_path.glob(".venv/lib/python*/site-packages/ai_client/__init__.py"))


def text_of(body: str) -> str:
    """Return the answer in what a first call printed: text, or JSON with it."""
    try:
        found = json.loads(body)
    except ValueError:
        return body.strip()
    return str(found["answer"] if isinstance(found, dict) else found)


def joined(body: str) -> str:
    """Return the text of a stream: of its events, each with a piece, or of what a script printed of them."""
    if not body.startswith("data: "):
        return body.strip()
    *events, end = [line.removeprefix("data: ") for line in body.splitlines() if line]
    assert end == "[DONE]"
    pieces = [choice["delta"].get("content") for event in events for choice in json.loads(event)["choices"]]
    assert sum(bool(piece) for piece in pieces) > 10, "it comes in pieces"
    return "".join(piece or "" for piece in pieces)
