"""What most tests need: an upstream, and one way to drive both clients."""

import signal
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from ai_client import AsyncOpenAI, OpenAI
from ai_client._call import timings
from ai_client._call.labels import served
from ai_client._exchange.loops import stop_background_loop
from ai_client.detector.detection import _running
from ai_client.testing import Upstream
from tests.support.invoke import Invoke

# A busy machine makes neither an example nor its making a failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# A shell that runs the tests in the background has them and the servers they start ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Import the package as it is, though it holds a plugin, whose asserts pytest would rewrite.

    Rewriting parses each module once more where it is imported, which Python 3.11 cannot do in two threads at once: now
    and then one of them fails with a `SystemError`. The package has no asserts that a test sees.
    """
    hook: Any = config.pluginmanager.rewrite_hook
    getattr(hook, "_must_rewrite", set()).discard("ai_client")


@pytest.fixture(autouse=True)
def _no_request_left() -> Iterator[None]:
    """End the requests whose responses a framework's test client left open: drains of later tests wait for them."""
    yield
    served.clear()


@pytest.fixture(autouse=True)
def _no_timings_left() -> Iterator[None]:
    """Take no more times of calls, which a test's application has asked for, once for the process: each call pays."""
    before = timings.wanted.is_so
    yield
    timings.wanted.is_so = before


@pytest.fixture(autouse=True)
def _no_detector_left() -> Iterator[None]:
    """End the detectors of applications that a test left to the garbage collector: later tests ask whether one runs."""
    before = list(_running._detectors)
    yield
    for detector in [one for one in _running._detectors if one not in before]:
        detector.stop()


@pytest.fixture
def no_loop_left() -> Iterator[None]:
    """End the background loop after the test."""
    yield
    stop_background_loop()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Yield a started upstream."""
    with Upstream() as upstream:
        yield upstream


@pytest.fixture(params=[True, False], ids=["sync", "async"])
def sync(request: pytest.FixtureRequest) -> bool:
    """Return which client the test is about: first the sync one, then the async one."""
    return bool(request.param)


@pytest.fixture
def client_class(sync: bool) -> type[Any]:
    """Return the class of each of the two clients, in turn."""
    return OpenAI if sync else AsyncOpenAI


@pytest.fixture
def invoke(sync: bool, upstream: Upstream) -> Iterator[Invoke]:
    """Yield the way to drive each of the two clients, in turn."""
    with closing(Invoke(upstream, sync=sync)) as invoke:
        yield invoke
