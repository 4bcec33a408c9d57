"""What the offline upstream answers: as fast as models do, and with the trouble that a message asks for.

A message with `[500]` fails, one with `[429 at first]` fails once and is then answered, one with `[slow]` takes its
time. So a reader can try on the chat page what traffic does by itself.
"""

import re
from zlib import crc32

from ai_client.testing import Recorded, Reply, Upstream
from example_apps._showcase import show

from .policies import BROKEN

SECONDS_OF_THE_SLOW = 2.5
_TROUBLE = re.compile(r"\[(?:(\d{3})( at first)?|slow)\]")


def prepare(upstream: Upstream) -> None:
    """Have an upstream answer as the demo needs it."""
    upstream.always(_chat, path="/chat/completions")
    upstream.always(lambda request: Reply(delay=_seconds(request, 0.05)), path="/embeddings")


def _chat(request: Recorded) -> Reply:
    if request.path.startswith(BROKEN):
        return Reply(status=503)
    found = _TROUBLE.search(request.json()["messages"][-1]["content"])
    if found is None:
        return show(request, _seconds(request, 0.25))
    status, at_first = found.groups()
    if status is None:
        return Reply(delay=SECONDS_OF_THE_SLOW)
    if at_first and request.headers.get("x-stainless-retry-count", "0") != "0":
        return Reply(delay=_seconds(request, 0.25))
    return Reply(status=int(status), headers={"retry-after-ms": "400"}, delay=0.1)


def _seconds(request: Recorded, least: float) -> float:
    """Return the seconds that an answer takes, which differ from one request to the next and between models."""
    of_model = crc32(str(request.json().get("model")).encode()) % 4
    return least * (1 + of_model + crc32(request.body) % 100 / 50)
