"""The time that a sync stream grants each step on its socket."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given, strategies as st

from ai_client._http.library import library
from ai_client._pool import sockets
from ai_client._pool.sync_network import SyncNetworkStream


class Socket:
    """A socket that notes its time limits, and reads nothing."""

    def __init__(self) -> None:
        self.limits: list[float | None] = []

    def gettimeout(self) -> float | None:
        """Return the limit."""
        return self.limits[-1] if self.limits else None

    def settimeout(self, seconds: float | None) -> None:
        """Note a limit."""
        self.limits.append(seconds)

    def recv(self, size: int) -> bytes:
        """Receive the end."""
        del size
        return b""


def stream_over(socket: Any, deadline: float | None) -> SyncNetworkStream:
    """Return a stream with a deadline."""
    return SyncNetworkStream(socket, library("httpx"), deadline)


@given(
    st.lists(st.tuples(st.floats(0, 0.01), st.sampled_from([None, 0.0025, 1.0, 5.0])), min_size=1),
    st.sampled_from([0.001, 0.02, 2.0, 60.0]),
)
def test_steps_before_a_deadline(steps: list[tuple[float, float | None]], seconds: float) -> None:
    """Each step is granted its own time or what is left of the deadline, to a millisecond, and none comes after it."""
    clock = SimpleNamespace(now=100.0)
    socket = Socket()
    stream = stream_over(socket, clock.now + seconds)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sockets, "monotonic", lambda: clock.now)
        for passed, limit in steps:
            clock.now += passed
            left = 100.0 + seconds - clock.now
            due = left if limit is None else min(left, limit)
            if due <= 0:
                with pytest.raises(httpx.ReadTimeout):
                    stream.read(limit)
                continue
            stream.read(limit)
            granted = socket.gettimeout()
            assert granted is not None
            assert due <= granted + 1e-9
            assert granted <= due + 0.001 + 1e-9


@pytest.mark.parametrize("deadline", [None, 160.0])
def test_steps_with_the_same_time_set_no_limit_again(
    deadline: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps that are granted the same time cost no call of the system each, with a deadline or without."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(sockets, "monotonic", lambda: clock.now)
    socket = Socket()
    stream = stream_over(socket, deadline)
    for _ in range(100):
        clock.now += 0.000_001
        stream.read(100.0)
    assert socket.limits == [100.0 if deadline is None else 60.0]
