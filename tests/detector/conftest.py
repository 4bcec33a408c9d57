"""What the tests of the detector share."""

from collections.abc import Iterator

import pytest

from ai_client._call.labels import served
from ai_client.detector.detection import _running
from ai_client.detector.lines import forget


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Start with nothing counted, detected or served, whatever other tests of this process have left; leave nothing."""
    detectors, requests = list(_running._detectors), set(served)
    for one in detectors:
        one.stop()
    served.clear()
    forget()
    yield
    for one in list(_running._detectors):
        one.stop()
    forget()
    served.update(requests)
    for one in detectors:
        one.start()
