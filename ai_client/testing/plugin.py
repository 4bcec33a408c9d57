"""The pytest plugin: `ai_client_upstream`, an offline upstream for a test."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ai_client.testing.server import Upstream


@pytest.fixture
def ai_client_upstream() -> "Iterator[Upstream]":
    """Yield a started `Upstream` and stop it after the test."""
    from ai_client.testing.server import Upstream

    with Upstream() as upstream:
        yield upstream
