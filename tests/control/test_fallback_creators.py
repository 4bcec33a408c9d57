"""What a further client created: later calls that name it go to that client."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ai_client import InternalServerError
from ai_client.control.assembly import make_layers
from ai_client.control.record import call_record
from ai_client.testing import Recorded, Reply, Upstream, sse
from tests.support.invoke import Invoke

RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "b",
    "status": "queued",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
ASK: dict[str, Any] = {"model": "m", "input": "Hi", "background": True}


@pytest.fixture
def second() -> Iterator[Upstream]:
    """Yield another upstream, which answers every call with its response."""
    with Upstream() as upstream:
        upstream.always(json=RESPONSE)
        yield upstream


def client_of(invoke: Invoke, second: Upstream, store: str = "memory://", **more: Any) -> Any:
    """Make a client whose chain ends at the other upstream."""
    other = invoke.client(base_url=second.base_url)
    chain = {"models": {"m": ["a", "other/b"]}, "fallback": {"clients": {"other": other}}}
    return invoke.client(layers=make_layers({**chain, "store": store, "breaker": False, **more}))


def paths(upstream: Upstream) -> list[str]:
    """Give what was asked for."""
    return [f"{recorded.method} {recorded.path}" for recorded in upstream.requests]


def test_a_response_is_asked_for_where_it_was_created(
    invoke: Invoke, upstream: Upstream, second: Upstream
) -> None:
    """A background response of a further client is retrieved, listed and cancelled there."""
    upstream.reply(status=503)
    client = client_of(invoke, second)
    made = invoke(client.responses.create, **ASK)
    assert made.id == "resp_1"
    record = call_record(invoke(client.responses.retrieve, "resp_1"))
    assert record is not None
    assert record.target == "other"
    invoke(client.responses.cancel, "resp_1")
    invoke(client.responses.delete, "resp_1")
    assert paths(upstream) == ["POST /v1/responses"]
    assert paths(second) == [
        "POST /v1/responses",
        "GET /v1/responses/resp_1",
        "POST /v1/responses/resp_1/cancel",
        "DELETE /v1/responses/resp_1",
    ]


def test_what_was_created_here_is_asked_for_here(
    invoke: Invoke, upstream: Upstream, second: Upstream
) -> None:
    """A response of the client itself, or of one that nobody knows, is asked for at the client itself."""
    upstream.always(json={**RESPONSE, "id": "resp_2"})
    client = client_of(invoke, second)
    invoke(client.responses.create, **ASK)
    for name in ("resp_2", "resp_unknown"):
        invoke(client.responses.retrieve, name)
    assert len(upstream.requests) == 3
    assert paths(second) == []


@pytest.mark.parametrize("stream", [False, True])
def test_another_process_knows_it(
    invoke: Invoke, upstream: Upstream, second: Upstream, tmp_path: Path, stream: bool
) -> None:
    """With a store that processes share, another client finds the response, from the first event of a stream on."""
    upstream.reply(status=503)
    store = f"sqlite:///{tmp_path / 'state.db'}"
    client = client_of(invoke, second, store)
    if stream:
        second.reply(
            chunks=[sse({"type": "response.created", "response": RESPONSE, "sequence_number": 0})],
            headers={"content-type": "text/event-stream"},
        )
        events = invoke(client.responses.create, **ASK, stream=True)
        invoke(client_of(invoke, second, store).responses.retrieve, "resp_1")
        invoke(events.close)
    else:
        invoke(client.responses.create, **ASK)
        invoke(client_of(invoke, second, store).responses.retrieve, "resp_1")
    assert paths(second)[1:] == ["GET /v1/responses/resp_1"]


def test_a_conversation_stays_where_it_is(invoke: Invoke, upstream: Upstream, second: Upstream) -> None:
    """A call that goes on from a response goes to no client that does not have it, also where that fails."""
    upstream.reply(status=503)
    client = client_of(invoke, second)
    invoke(client.responses.create, **ASK)
    invoke(client.responses.create, **ASK, previous_response_id="resp_1")
    assert [recorded.json()["model"] for recorded in second.requests] == ["b", "b"]
    assert len(upstream.requests) == 1
    upstream.always(status=503)
    for state in ({"previous_response_id": "resp_of_a"}, {"conversation": "conv_1"}):
        with pytest.raises(InternalServerError):
            invoke(client.responses.create, **ASK, **state)
    assert len(second.requests) == 2


def test_what_is_not_kept_is_not_noted(invoke: Invoke, upstream: Upstream, second: Upstream) -> None:
    """An answer that the server does not keep, or that names nothing, leaves nothing in the store."""
    upstream.reply(status=503, times=3)
    client = client_of(invoke, second)
    invoke(client.responses.create, model="m", input="Hi", store=False)
    second.reply(json={**RESPONSE, "id": {"odd": "shape"}})
    invoke(client.responses.create, **ASK)
    invoke.chat(client, model="m")
    upstream.always(json=RESPONSE)
    invoke(client.responses.retrieve, "resp_1")
    assert paths(upstream)[-1] == "GET /v1/responses/resp_1"


def test_counting_tokens_falls_back_as_ever(invoke: Invoke, upstream: Upstream, second: Upstream) -> None:
    """A path below that of responses that names no response goes through the whole chain."""

    def answer(recorded: Recorded) -> Reply:
        del recorded
        return Reply(json={"object": "response.input_tokens", "input_tokens": 1})

    upstream.reply(status=503)
    second.always(answer)
    invoke(client_of(invoke, second).responses.input_tokens.count, model="m", input="Hi")
    assert paths(second) == ["POST /v1/responses/input_tokens"]
