"""The pytest plugin: the fixtures `ai_client_upstream` and `ai_client_over_httpx`, and the setting of that name."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ai_client.testing.server import Upstream

_SETTING = "ai_client_over_httpx"


@pytest.fixture
def ai_client_upstream() -> "Iterator[Upstream]":
    """Start an `Upstream` for a test, and stop it afterwards."""
    from ai_client.testing.server import Upstream

    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def ai_client_over_httpx() -> Iterator[None]:
    """Send what all clients send during a test through httpx's own transport, which respx and others patch."""
    from ai_client.testing.over_httpx import over_httpx

    with over_httpx():
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting that does for all tests what the fixture does for one."""
    about = (
        "Send what all clients of ai_client send through httpx's own transport, which respx and others patch."
    )
    parser.addini(_SETTING, about, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Apply the setting until the end of the run."""
    if config.getini(_SETTING):
        from ai_client.testing.over_httpx import over_httpx

        block = ExitStack()
        block.enter_context(over_httpx())
        config.add_cleanup(block.close)
