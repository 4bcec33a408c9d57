"""Videos: made and waited for."""

from typing import Any

import pytest

import ai_client
from ai_client.testing import Reply

VIDEO = {
    "id": "video_1",
    "object": "video",
    "created_at": 1,
    "completed_at": None,
    "expires_at": None,
    "error": None,
    "model": "sora-2",
    "progress": 0,
    "prompt": "A cat",
    "remixed_from_video_id": None,
    "seconds": "4",
    "size": "720x1280",
    "status": "queued",
}


@pytest.mark.parametrize("last", ["completed", "failed"])
def test_create_and_poll(invoke: Any, last: str) -> None:
    """A video is waited for while it is queued and made, also where that fails; each state is shown."""
    states = iter(
        [
            VIDEO,
            {**VIDEO, "status": "in_progress", "progress": 50},
            {**VIDEO, "status": last, "progress": 100},
        ]
    )
    invoke.upstream.always(json=VIDEO, method="POST", path="/videos")
    invoke.upstream.always(lambda _: Reply(json=next(states)), method="GET", path="/videos/video_1")
    seen: list[int] = []
    video = invoke(
        invoke.client().videos.create_and_poll,
        prompt="A cat",
        poll_interval_ms=1,
        on_progress=lambda video: seen.append(video.progress),
    )
    assert (video.status, seen) == (last, [0, 50, 100])
    assert [each.method for each in invoke.upstream.requests] == ["POST", "GET", "GET", "GET"]


def test_giving_up(invoke: Any) -> None:
    """A video that takes too long is given up before anything is asked again."""
    with pytest.raises(ai_client.PollTimeoutError, match="video 'video_1'"):
        invoke(invoke.client().videos.poll, "video_1", max_wait_seconds=0)
    assert invoke.upstream.requests == []
