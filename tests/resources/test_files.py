"""Files: waited for."""

from typing import Any

import pytest

import ai_client
from ai_client.testing import Reply
from tests.support.stored_files import stored


@pytest.mark.parametrize("last", ["processed", "error", "deleted"])
def test_wait_for_processing(invoke: Any, last: str) -> None:
    """A file is waited for until it is processed, or never will be."""
    states = iter(["uploaded", "pending", last])
    invoke.upstream.always(lambda _: Reply(json={**stored(1), "status": next(states)}), path="/files/file-1")
    file = invoke(invoke.client().files.wait_for_processing, "file-1", poll_interval=0.001)
    assert file.status == last
    assert len(invoke.upstream.requests) == 3


def test_giving_up(invoke: Any) -> None:
    """A file that takes too long raises what the official SDK's callers catch."""
    invoke.upstream.always(json={**stored(1), "status": "uploaded"}, path="/files/file-1")
    with pytest.raises(RuntimeError, match="file 'file-1'") as caught:
        invoke(
            invoke.client().files.wait_for_processing, "file-1", poll_interval=0.001, max_wait_seconds=0.01
        )
    assert isinstance(caught.value, ai_client.PollTimeoutError)
    assert caught.value.last.status == "uploaded"
