"""What the tests of the pools share."""

from collections.abc import Iterator

import pytest

from tests.support.both_pools import AsyncPools, Pools, SyncPools
from tests.support.raw_server import RawServer


@pytest.fixture
def server() -> Iterator[RawServer]:
    """Yield a server that answers at once."""
    with RawServer() as server:
        yield server


@pytest.fixture(params=[SyncPools, AsyncPools], ids=["sync", "async"])
def both(request: pytest.FixtureRequest) -> type[Pools]:
    """Run the test over both pools."""
    return request.param
