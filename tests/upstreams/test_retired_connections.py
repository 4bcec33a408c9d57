"""Thousands of calls through an nginx that keeps closing their connections: none fails, none is sent twice."""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ai_client.testing import Reply, Upstream
from ai_client.testing.recording import Recorded
from tests.support.invoke import no_waiting
from tests.support.nginx import behind_nginx
from tests.upstreams.conftest import Caller

pytestmark = pytest.mark.slow

KEPT = "proxy_http_version 1.1; proxy_set_header Connection '';"
CALLS = 600
AT_ONCE = 24
SHORT = "keepalive_requests 50; keepalive_timeout 2ms;"
RETIRING: dict[str, tuple[str, dict[str, Any], float]] = {
    "after some requests": ("keepalive_requests 3;", {"max_retries": 0}, 0),
    "at once": ("keepalive_timeout 0;", {"max_retries": 0}, 0),
    "after some time": ("keepalive_timeout 3ms;", {}, 0.006),
    "after both": (f"{SHORT} proxy_buffering off; gzip on; gzip_min_length 0;", {}, 0.003),
}
"""Directives, options of the client, and the longest pause before a call, in seconds."""


def asked(recorded: Recorded) -> str:
    """Return the message of a call."""
    content: str = recorded.json()["messages"][-1]["content"]
    return content


def ask(number: int) -> dict[str, Any]:
    """Return the keywords of a call that is known by its number; every fourth is streamed."""
    messages = [{"role": "user", "content": f"call {number}"}]
    return {"model": "gpt-5.5", "messages": messages, "stream": number % 4 == 0}


def crowd(caller: Caller, client: Any, longest_pause: float) -> list[str]:
    """Make all calls, some at once, each after a pause of up to so many seconds; return what they answered."""
    chance = random.Random(7)
    pauses = [chance.uniform(0, longest_pause) for _ in range(CALLS)]
    answers = [""] * CALLS
    numbers: Iterator[int] = iter(range(CALLS))
    lock = threading.Lock()

    def taken() -> int | None:
        with lock:
            return next(numbers, None)

    def work() -> None:
        while (number := taken()) is not None:
            time.sleep(pauses[number])
            answer = client.chat.completions.create(**ask(number))
            answers[number] = (
                "".join(chunk.choices[0].delta.content or "" for chunk in answer)
                if number % 4 == 0
                else answer.choices[0].message.content
            )

    async def work_async() -> None:
        for number in numbers:
            await asyncio.sleep(pauses[number])
            answer = await client.chat.completions.create(**ask(number))
            answers[number] = (
                "".join([chunk.choices[0].delta.content or "" async for chunk in answer])
                if number % 4 == 0
                else answer.choices[0].message.content
            )

    async def work_all() -> None:
        await asyncio.gather(*(work_async() for _ in range(AT_ONCE)))

    if caller.invoke.sync:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for done in [threads.submit(work) for _ in range(AT_ONCE)]:
                done.result()
    else:
        caller.invoke(work_all)
    return answers


@pytest.mark.parametrize("kind", RETIRING)
def test_retired(caller: Caller, upstream: Upstream, tmp_path: Path, kind: str) -> None:
    """No call fails and none is sent twice where nginx closes connections after some requests, or after some time."""
    directives, options, pause = RETIRING[kind]
    upstream.always(lambda recorded: Reply(content=asked(recorded)))
    with behind_nginx(upstream.url, tmp_path, KEPT + directives) as nginx, no_waiting():
        answers = crowd(caller, caller.client(nginx.base_url, **options), pause)
    assert answers == [f"call {number}" for number in range(CALLS)]
    assert set(Counter(map(asked, upstream.requests)).items()) == {(answer, 1) for answer in answers}


def test_reloads(caller: Caller, upstream: Upstream, tmp_path: Path) -> None:
    """No call fails and none is sent twice while nginx loads its configuration again and again."""
    upstream.always(lambda recorded: Reply(content=asked(recorded)))
    ended = threading.Event()

    def reload() -> int:
        times = 0
        while not ended.is_set():
            nginx.reload()
            times += 1
        return times

    with behind_nginx(upstream.url, tmp_path, KEPT) as nginx, no_waiting(), ThreadPoolExecutor(1) as thread:
        times = thread.submit(reload)
        try:
            answers = crowd(caller, caller.client(nginx.base_url), 0.01)
        finally:
            ended.set()
        assert times.result() > 0
    assert answers == [f"call {number}" for number in range(CALLS)]
    assert set(Counter(map(asked, upstream.requests)).items()) == {(answer, 1) for answer in answers}
