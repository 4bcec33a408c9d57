"""What the tests of other servers have in common: both clients, each by itself and with the official one over it."""

from pathlib import Path
from types import ModuleType
from typing import Any

import openai
import pytest

import ai_client
from ai_client import interop
from tests.support.invoke import Invoke
from tests.support.servers import ROOT


class Caller:
    """Makes clients of one kind.

    Attributes:
        invoke: The way to drive them.
        errors: The package whose errors they raise.
    """

    def __init__(self, invoke: Invoke, *, official: bool) -> None:
        self.invoke = invoke
        self.errors: ModuleType = openai if official else ai_client
        self._official = official

    def client(self, base_url: str, **options: Any) -> Any:
        """Make a client of a server, closed when the test ends."""
        client = self.invoke.client(base_url=base_url, **options)
        return interop.official(client) if self._official else client


@pytest.fixture(params=[False, True], ids=["ours", "official"])
def caller(request: pytest.FixtureRequest, invoke: Invoke) -> Caller:
    """Return what makes our clients, then the official ones over them."""
    return Caller(invoke, official=request.param)


def interpreter(name: str) -> Path:
    """Return the Python of the environment of a server, which `make interop-servers` prepares."""
    python = ROOT / "build" / "upstreams" / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{name} is not installed: make interop-servers")
    return python
