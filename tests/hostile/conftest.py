"""What the tests over the hostile wire share."""

from collections.abc import Iterator

import pytest

from tests.hostile.wire import Wire


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Yield a started wire without a script: a test gives it one with `play` or `answer`."""
    with Wire() as wire:
        yield wire
