"""What the tests of metrics share: both clients."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from ai_client.testing import Upstream
from tests.support.invoke import Invoke


@pytest.fixture
def invoke(sync: bool, upstream: Upstream) -> Iterator[Invoke]:
    """Yield the way to drive each of the two clients, in turn, without retries."""
    with closing(Invoke(upstream, sync=sync, max_retries=0)) as invoke:
        yield invoke
