"""What the tests of the pools share."""

from collections.abc import Iterator

import pytest

from tests.both_pools import Blocking, Pools, Suspending
from tests.raw_server import RawServer


@pytest.fixture
def server() -> Iterator[RawServer]:
    """Yield a server that answers at once."""
    with RawServer() as server:
        yield server


@pytest.fixture(params=[Blocking, Suspending], ids=["blocking", "awaitable"])
def both(request: pytest.FixtureRequest) -> type[Pools]:
    """Run the test over both pools."""
    return request.param
