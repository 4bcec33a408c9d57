"""What the tests of the detector share."""

from collections.abc import Iterator

import pytest

from ai_client.detector.lines import forget


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Start with nothing counted, and leave nothing."""
    forget()
    yield
    forget()
