"""Calls that are under way when their process forks: they are their parent's, and it alone settles them."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ai_client import OpenAI, OpenAIError
from ai_client.control import Call, Next, Reply
from ai_client.control.cache.lease import Lease
from ai_client.stores import Store, open_store
from ai_client.testing import Upstream
from tests.support.accounts import balances, chat_reply, counting
from tests.support.forks import in_child
from tests.support.policies import finish, sync_io

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 500}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Yield a store that processes share."""
    with closing(open_store(f"sqlite:///{tmp_path}/store.db", on_failure="closed")) as store:
        yield store


@pytest.mark.parametrize("answered", [False, True], ids=["before it is sent", "after its answer"])
def test_a_child_that_leaves_a_call_settles_nothing(upstream: Upstream, store: Store, answered: bool) -> None:
    """A child that is forked within a call and leaves it by an error gives nothing back, and counts nothing."""
    parent = os.getpid()
    statuses: list[int] = []

    def fork() -> None:
        child = os.fork()
        if child == 0:
            raise OpenAIError("This is the child.")
        statuses.append(os.waitpid(child, 0)[1])

    async def forking(call: Call, proceed: Next) -> Reply:
        if answered:
            reply = await proceed(call)
            fork()
            return reply
        fork()
        return await proceed(call)

    upstream.always(chat_reply)
    with OpenAI(
        base_url=upstream.base_url, api_key="any", layers=[*counting(store), forking], max_retries=0
    ) as client:
        try:
            client.chat.completions.create(**CHAT)
        finally:
            if os.getpid() != parent:
                os._exit(0)
    assert statuses == [0]
    assert balances(store) == [(1, 0), (50, 0)]


def test_a_child_that_closes_a_stream_settles_nothing(upstream: Upstream, store: Store) -> None:
    """A stream that a child inherits and closes is still counted as its parent reads it."""
    with OpenAI(base_url=upstream.base_url, api_key="any", layers=counting(store), max_retries=0) as client:
        with client.chat.completions.create(**CHAT, stream=True) as stream:
            next(stream)

            def close() -> bool:
                stream.close()
                return True

            assert in_child(close)
            (requests, tokens) = balances(store)
            assert requests == (0, 1)
            assert tokens[1] > 500
            assert list(stream)
        (requests, tokens) = balances(store)
        assert requests == (1, 0)
        assert 0 < tokens[0] < 500


def test_a_child_gives_back_no_lease(store: Store) -> None:
    """A lease that a child inherits stays with its parent."""
    lease, other = Lease(store, "k"), Lease(store, "k")
    assert finish(lease.take(sync_io()))

    def give_back() -> bool:
        finish(lease.give_back(sync_io()))
        return True

    assert in_child(give_back)
    assert not finish(other.take(sync_io()))
    finish(lease.give_back(sync_io()))
    assert finish(other.take(sync_io()))
    finish(other.give_back(sync_io()))
