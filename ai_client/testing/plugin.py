"""The pytest plugin: the fixture `ai_client_upstream`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ai_client.testing.server import Upstream


@pytest.fixture
def ai_client_upstream() -> "Iterator[Upstream]":
    """Start an `Upstream` for a test, and stop it afterwards."""
    from ai_client.testing.server import Upstream

    with Upstream() as upstream:
        yield upstream
