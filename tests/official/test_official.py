"""The official SDK's client over a client of this package."""

import asyncio
from typing import Any

import openai
import pytest

from ai_client import BlockingCallWarning, OpenAI
from ai_client.interop import official
from ai_client.testing import Upstream
from tests.support.invoke import CHAT, KEY, Invoke


def test_is_the_official_class(invoke: Invoke) -> None:
    """`official` returns the SDK's client of the same kind, one for each client, and another one for a copy."""
    client = invoke.client()
    made = official(client)
    assert isinstance(made, openai.OpenAI if invoke.sync else openai.AsyncOpenAI)
    assert official(client) is made is official(made)
    copy = client.with_options(max_retries=0)
    assert official(copy) is not made
    assert official(copy).max_retries == 0


def test_calls_go_with_the_clients_key(invoke: Invoke, upstream: Upstream) -> None:
    """A call is answered as the SDK's result, and its key is the client's."""
    made = official(invoke.client())
    answer = invoke(made.chat.completions.create, **CHAT)
    assert isinstance(answer, openai.types.chat.ChatCompletion)
    assert upstream.requests[-1].headers["authorization"] == f"Bearer {KEY}"


def test_streams(invoke: Invoke) -> None:
    """A stream is the SDK's, whole to its end."""
    made = official(invoke.client())
    items = invoke.collect(invoke(made.chat.completions.create, **CHAT, stream=True))
    assert isinstance(items[0], openai.types.chat.ChatCompletionChunk)
    assert items[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("given", [None, object()])
def test_takes_clients_only(given: Any) -> None:
    """Anything but a client is a `TypeError`."""
    with pytest.raises(TypeError, match="must be an OpenAI or AsyncOpenAI"):
        official(given)


def test_opens_no_websockets(invoke: Invoke) -> None:
    """Sessions over WebSockets, which would leave with the SDK's placeholder, are an error that says what to use."""
    for made in (official(invoke.client()), official(invoke.client()).with_options(timeout=3)):
        for connect in (made.realtime.connect, made.responses.connect):
            manager = connect(**({"model": "gpt-realtime"} if connect == made.realtime.connect else {}))
            with pytest.raises(openai.OpenAIError, match="opens no WebSockets"):
                invoke(manager.enter)
        assert repr(made.websocket_base_url) == "<no WebSockets>"


def test_the_warning_of_a_blocked_loop_names_the_callers_line(upstream: Upstream) -> None:
    """A sync call on the thread of an event loop warns where the official client is called."""

    async def main() -> None:
        with OpenAI(api_key=KEY, base_url=upstream.base_url) as client:
            with pytest.warns(BlockingCallWarning) as caught:
                official(client).models.list()
            assert caught[0].filename == __file__

    asyncio.run(main())
