"""Clients of the upstream that these tests share."""

from collections.abc import Iterator

import httpx
import pytest

from ai_client.testing import Upstream


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Yield a started upstream."""
    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def http(upstream: Upstream) -> Iterator[httpx.Client]:
    """Yield a plain HTTP client that sends a key."""
    with httpx.Client(base_url=upstream.base_url, headers={"Authorization": "Bearer any"}) as http:
        yield http
