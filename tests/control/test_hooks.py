"""Functions of the application that hear of calls."""

import asyncio
import logging
from typing import Any

import pytest

from ai_client import BadRequestError, labels
from ai_client.control.accounting.cost import Cost
from ai_client.control.observability.hooks import (
    AttemptDetails,
    CallDetails,
    ErrorDetails,
    Hooks,
    ResultDetails,
)
from ai_client.control.observability.redaction.policy import Redaction
from ai_client.control.pricing.prices import Prices
from ai_client.testing import Upstream
from tests.support.invoke import Invoke, no_waiting


class Ear:
    """Hears everything."""

    def __init__(self, **options: Any) -> None:
        self.heard: list[Any] = []
        hear = self.heard.append
        self.hooks = Hooks(on_call=hear, on_attempt=hear, on_result=hear, on_error=hear, **options)


def test_hooks_hear_of_a_call(invoke: Invoke, upstream: Upstream) -> None:
    """A call, each of its attempts and its result are told of in order, with what is known by then."""
    ear = Ear()
    prices = Prices({"gpt-4o-mini": {"input": 1, "output": 1}}, library=False)
    client = invoke.client(layers=[ear.hooks, Cost(prices)], max_retries=1)
    upstream.reply(status=500)
    with labels(endpoint="/ask", tenant="acme", user="ann"), no_waiting():
        invoke.chat(client)
    call, first, second, result = ear.heard
    assert isinstance(call, CallDetails)
    assert (call.model, call.endpoint, call.tenant, call.user) == ("gpt-4o-mini", "/ask", "acme", "ann")
    assert call.body is None
    assert isinstance(first, AttemptDetails)
    assert (first.number, first.error, first.pause is None) == (1, "InternalServerError", False)
    assert (second.number, second.error, second.pause) == (2, None, None)
    assert isinstance(result, ResultDetails)
    assert (result.attempts, result.complete, result.usd is None) == (2, True, False)
    assert result.usage is not None
    assert result.request_id
    assert result.call is call


def test_hooks_hear_of_an_error(invoke: Invoke, upstream: Upstream) -> None:
    """A call that fails is told of with its error, and not with what the server said."""
    ear = Ear()
    upstream.reply(status=400, json={"error": {"message": "your prompt 'secret' is bad", "code": "bad"}})
    with pytest.raises(BadRequestError):
        invoke.chat(invoke.client(layers=[ear.hooks]))
    error = ear.heard[-1]
    assert isinstance(error, ErrorDetails)
    assert (error.error, error.status, error.message) == ("BadRequestError", 400, "Error code: 400 (bad)")


def test_hooks_hear_of_a_stream_when_it_ends(invoke: Invoke) -> None:
    """The result of a stream is told once it is over, with the time to its first item."""
    ear = Ear()
    client = invoke.client(layers=[ear.hooks])
    stream = invoke.chat(client, stream=True)
    assert [type(heard) for heard in ear.heard] == [CallDetails, AttemptDetails]
    invoke.collect(stream)
    result = ear.heard[-1]
    assert isinstance(result, ResultDetails)
    assert 0 < (result.first_item or 0) <= result.seconds
    left = invoke.chat(client, stream=True)
    invoke.collect(left, 2)
    invoke(left.close)
    assert ear.heard[-1].complete is False


def test_hooks_see_content_only_where_they_may(invoke: Invoke) -> None:
    """With `content` a hook sees the request, redacted."""
    ear = Ear(redaction=Redaction(content=True, patterns=["email"]))
    invoke.chat(invoke.client(layers=[ear.hooks]), "I am ann@example.org, key sk-abcdefgh123")
    assert ear.heard[0].body["messages"][0]["content"] == "I am [redacted], key [redacted]"


def test_a_failing_hook_harms_nobody(invoke: Invoke, caplog: pytest.LogCaptureFixture) -> None:
    """An exception in a hook is logged, and the call and the other hooks go on."""
    heard: list[Any] = []

    def broken(details: object) -> None:
        raise RuntimeError(str(details))

    client = invoke.client(layers=[Hooks(on_call=[broken, heard.append], on_result=broken)])
    with caplog.at_level(logging.ERROR, "ai_client"):
        invoke.chat(client)
    assert len(heard) == 1
    assert sum("broken failed" in record.message for record in caplog.records) == 2


def test_hooks_may_be_coroutine_functions(invoke: Invoke) -> None:
    """A coroutine function is run to its end, on either client, with the labels of the call."""
    from ai_client import current_labels

    heard: list[Any] = []

    async def hear(details: object) -> None:
        await asyncio.sleep(0)
        heard.append((type(details), current_labels().tenant))

    with labels(tenant="acme"):
        invoke.chat(invoke.client(layers=[Hooks(on_call=hear, on_result=hear)]))
    assert heard == [(CallDetails, "acme"), (ResultDetails, "acme")]
