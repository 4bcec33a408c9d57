"""The library that an environment is of: its sides, and the client that each is handed."""

import inspect
import re
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ai_client.testing import Upstream
from handing import HANDS, KEY, Hand, Handed
from libraries.side import CALLS, Side

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "with-other-libraries.md"
EXAMPLE = re.compile(r'^```python title="with_(\w+)\.py"\n(.*?)^```$', re.DOTALL | re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add which library the environment is of, and what it is handed."""
    parser.addoption("--library", required=True, help="name of a module of libraries/")
    parser.addoption("--hand", default=HANDS[0], choices=HANDS, help="which client it is handed")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test for each side of the library that has what the test is about, and for each call or example of it."""
    if "example" in metafunc.fixturenames:
        library = metafunc.config.getoption("--library")
        examples = [code for name, code in EXAMPLE.findall(PAGE.read_text()) if name == library]
        metafunc.parametrize("example", examples, ids=[library] * len(examples))
    if "side" not in metafunc.fixturenames:
        return
    module = import_module(f"libraries.{metafunc.config.getoption('--library')}")
    needed = [mark.args[0] for mark in metafunc.definition.iter_markers("needs")]
    sides = [side for side in sides_of(module) if all(getattr(side, name, None) for name in needed)]
    if "call" not in metafunc.fixturenames:
        metafunc.parametrize("side", sides, ids=lambda side: side.__name__)
        return
    calls = [(side, call) for side in sides for call in CALLS if getattr(side, call, None)]
    metafunc.parametrize(("side", "call"), calls, ids=[f"{side.__name__}-{call}" for side, call in calls])


def sides_of(module: Any) -> list[type[Side]]:
    """Return the sides that a module defines."""
    found = [value for value in vars(module).values() if inspect.isclass(value) and issubclass(value, Side)]
    return [side for side in found if side.__module__ == module.__name__]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the library has not, and what the official client alone has not."""
    bare = config.getoption("--hand") == "bare"
    out = [item for item in items if "NOTSET" in item.name or (bare and item.get_closest_marker("ours"))]
    items[:] = [item for item in items if item not in out]
    config.hook.pytest_deselected(items=out)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Yield a started upstream; each request must have had the key of the configuration."""
    with Upstream() as upstream:
        yield upstream
        assert {request.headers.get("authorization") for request in upstream.requests} <= {f"Bearer {KEY}"}


@pytest.fixture
def handed(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Hand]:
    """Yield a function that hands a client with some options to a side of the library."""
    with ExitStack() as stack:

        def hand(side: type[Side], **options: Any) -> Handed:
            handed = Handed(side, request.config.getoption("--hand"), upstream, **options)
            stack.callback(handed.close)
            return handed

        yield hand
