"""What a library does with a client of ours: all that it can do, and what controls and failures make of it."""

from collections.abc import Iterator

import openai
import pytest

from ai_client.testing import Upstream
from ai_client.testing.schema import sample
from handing import Hand, Handed
from libraries.side import EMBEDDING_MODEL, MODEL, City, Side
from prepared import TEXT, calling_a_tool

PROMPT = "What is the weather like?"
CITY = City.model_validate(sample(City.model_json_schema()))
CONNECTIONS = 2
A_DOLLAR = {
    "budgets": [{"usd": 1, "per": "total"}],
    "budget_options": {"output_tokens": 1000},
    "prices": {MODEL: {"input": 0, "output": 1000}, EMBEDDING_MODEL: {"input": 100000}},
}
"""A budget that the maximum of one call uses up: what is left after its answer is too little for the next one."""

BROKEN = {"RemoteProtocolError", "ReadError"}
"""Names of the HTTP library's errors for a connection that breaks, which the SDK passes on."""


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.needs("plain")
def test_plain(side: type[Side], handed: Hand, upstream: Upstream) -> None:
    """The text of an answer arrives."""
    upstream.always(content=TEXT)
    assert handed(side).do("plain", PROMPT) == TEXT
    (request,) = upstream.requests
    assert request.path.endswith("/responses" if side.api == "responses" else "/chat/completions")
    assert PROMPT in request.body.decode()


@pytest.mark.needs("stream")
def test_stream(side: type[Side], handed: Hand, upstream: Upstream) -> None:
    """A stream arrives in pieces, each once and in order."""
    upstream.always(content=TEXT)
    pieces = handed(side).do("stream", PROMPT)
    assert "".join(pieces) == TEXT
    assert len(pieces) > 2
    assert upstream.requests[0].json()["stream"] is True


@pytest.mark.needs("tools")
def test_tools(side: type[Side], handed: Hand, upstream: Upstream) -> None:
    """A function that the model calls is run, and its result sent with the next call."""
    upstream.reply(calling_a_tool)
    upstream.always(content=TEXT)
    assert handed(side).do("tools", PROMPT) in {TEXT, "It is sunny in city."}
    if len(upstream.requests) > 1:
        assert "It is sunny in " in upstream.requests[1].body.decode()


@pytest.mark.needs("structured")
def test_structured(side: type[Side], handed: Hand, upstream: Upstream) -> None:
    """An answer for a schema arrives as an object of its class."""
    upstream.always(content=CITY.model_dump_json())
    city = handed(side).do("structured", PROMPT)
    assert isinstance(city, City)
    assert city.model_dump() == CITY.model_dump()


@pytest.mark.needs("embeddings")
def test_embeddings(side: type[Side], handed: Hand) -> None:
    """There is one vector for each text."""
    vectors = handed(side).do("embeddings", ["a text", "another one"])
    assert [len(vector) for vector in vectors] == [1536, 1536]
    assert vectors[0] != vectors[1]


def test_error(side: type[Side], call: str, handed: Hand, upstream: Upstream) -> None:
    """What the API rejects is the library's error for it, with the SDK's among its causes."""
    upstream.always(status=400)
    with pytest.raises(side.error) as caught:
        handed(side).do(call, *arguments(call))
    assert any(isinstance(cause, openai.BadRequestError) for cause in causes(caught.value))
    assert len(upstream.requests) == 1


@pytest.mark.ours
def test_budget(side: type[Side], call: str, handed: Hand, upstream: Upstream) -> None:
    """A budget that is spent refuses the next call, which the library hears of as of a rate limit."""
    if call == "tools":
        upstream.reply(calling_a_tool)
    upstream.always(content=CITY.model_dump_json())
    client = handed(side, controls=A_DOLLAR)
    with pytest.raises(side.refusal) as caught:
        spend(client, call)
    assert len(upstream.requests) == 1
    refusals = [cause for cause in causes(caught.value) if isinstance(cause, openai.RateLimitError)]
    assert refusals
    assert "budget" in str(refusals[0]).lower()


@pytest.mark.needs("recorded")
def test_recorded(side: type[Side], call: str, handed: Hand, upstream: Upstream) -> None:
    """A library that watches the client records each call, with its model."""
    if call == "tools":
        upstream.reply(calling_a_tool)
    side.recorded()
    handed(side).do(call, *arguments(call))
    recorded = side.recorded()
    assert set(recorded) == (
        set() if call in side.unrecorded else {request.json()["model"] for request in upstream.requests}
    )
    assert call in side.unrecorded or len(recorded) >= len(upstream.requests)


@pytest.mark.needs("stream")
def test_broken_stream(side: type[Side], handed: Hand, upstream: Upstream) -> None:
    """A stream whose connection breaks is an error, never a short answer."""
    upstream.always(content=TEXT, close_after=1500)
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- of the library's own class, or the HTTP library's
        handed(side).do("stream", PROMPT)
    assert any(
        isinstance(cause, openai.APIError) or type(cause).__name__ in BROKEN for cause in causes(caught.value)
    )


@pytest.mark.ours
@pytest.mark.needs("plain")
def test_one_pool(side: type[Side], handed: Hand, upstream: Upstream) -> None:
    """Calls of many of the library's objects share the connections of the one client."""
    upstream.always(content=TEXT, delay=0.02)
    answers = handed(side, max_connections=CONNECTIONS).at_once(10, "plain", PROMPT)
    assert answers == [TEXT] * 10
    assert upstream.connections_opened <= CONNECTIONS


def spend(client: Handed, call: str) -> None:
    """Make a call that a budget has room for, and one more."""
    client.do(call, *arguments(call))
    client.do(call, *arguments(call))


def arguments(call: str) -> tuple[object, ...]:
    """Return what a call is about."""
    return (["a text", "another one"],) if call == "embeddings" else (PROMPT,)
