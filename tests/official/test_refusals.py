"""Controls under the official client: what they refuse is the SDK's own error, with our message, and is not retried."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from ai_client import ClientClosedError, ClientProvider
from ai_client.control import Cache, Cost
from ai_client.errors import CircuitOpen, QueueFull, StoreError, UnknownPriceError
from ai_client.interop import official
from ai_client.interop.official_client import PLACEHOLDER
from ai_client.stores import open_store
from ai_client.testing import Gate, Upstream
from tests.support.invoke import CHAT, KEY, Invoke, no_waiting
from tests.support.ports import free_port

Make = Callable[..., Any]


@pytest.fixture
def client_with(invoke: Invoke) -> Iterator[Make]:
    """Yield a function that returns the official client of a provider with controls."""
    made: list[ClientProvider] = []

    def make(controls: dict[str, Any], **options: Any) -> Any:
        given = {"base_url": invoke.upstream.base_url, "api_key": KEY, "controls": controls, **options}
        made.append(provider := ClientProvider(given))
        return provider.official if invoke.sync else provider.async_official

    yield make
    for provider in made:
        provider.close()


def ask(invoke: Invoke, made: Any, **options: Any) -> Any:
    """Ask for a chat completion, however often the SDK may retry."""
    return invoke(made.with_options(max_retries=5).chat.completions.create, **{**CHAT, **options})


@pytest.mark.parametrize("stream", [False, True])
def test_budgets(invoke: Invoke, client_with: Make, upstream: Upstream, stream: bool) -> None:
    """A budget that is spent is a `RateLimitError` of the code that libraries know as final."""
    made = client_with({"budgets": [{"requests": 1, "per": "day"}]})
    answer = ask(invoke, made, stream=stream)
    if stream:
        invoke.collect(answer)
    with pytest.raises(openai.RateLimitError, match="budget") as caught:
        ask(invoke, made, stream=stream)
    error = caught.value
    assert (error.status_code, error.code, error.type) == (429, "insufficient_quota", "budget")
    assert error.response.headers["x-ai-client-error"] == "BudgetExceeded"
    assert int(error.response.headers["retry-after"]) > 0
    assert len(upstream.requests) == 1


def test_usd_budgets_count_what_was_spent(invoke: Invoke, client_with: Make, upstream: Upstream) -> None:
    """The cost of an answer, streamed or not, counts for the next call; usage that nobody asked for stays hidden."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "total_tokens": 2000}
    controls = {
        "budgets": [{"usd": 0.05, "per": "total"}],
        "prices": {"m": {"input": 10, "output": 30}},
    }
    for stream in (False, True):
        made = client_with(controls)
        asked = {"model": "m", "max_tokens": 1000, "stream": stream}
        upstream.reset()
        if stream:
            import json

            choice = {"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}
            first = {
                "id": "c",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "m",
                "choices": [choice],
            }
            last = {**first, "choices": [], "usage": usage}
            chunks = [b"data: %b\n\n" % json.dumps(data).encode() for data in (first, last)]
            upstream.always(
                chunks=[*chunks, b"data: [DONE]\n\n"], headers={"content-type": "text/event-stream"}
            )
            assert [item.usage for item in invoke.collect(ask(invoke, made, **asked))] == [None]
            assert upstream.requests[-1].json()["stream_options"] == {"include_usage": True}
        else:
            message = {"role": "assistant", "content": "Hi"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            upstream.always(
                json={
                    "id": "c",
                    "object": "chat.completion",
                    "model": "m",
                    "choices": [choice],
                    "usage": usage,
                }
            )
            ask(invoke, made, **asked)
        with pytest.raises(openai.RateLimitError):
            ask(invoke, made, **asked)
        assert len(upstream.requests) == 1


def test_limits(invoke: Invoke, client_with: Make, upstream: Upstream) -> None:
    """A rate limit without time to wait is a `RateLimitError` as well."""
    made = client_with(
        {"rate_limits": [{"requests": 1, "per": "minute"}], "rate_limit_options": {"max_wait": 0}}
    )
    ask(invoke, made)
    with pytest.raises(openai.RateLimitError) as caught:
        ask(invoke, made)
    assert (caught.value.code, caught.value.type) == ("rate_limit_exceeded", "rate_limit")
    assert len(upstream.requests) == 1


def test_guardrails(invoke: Invoke, client_with: Make, upstream: Upstream) -> None:
    """What guardrails forbid is a `BadRequestError` that names the parameter, and what they add is sent."""
    made = client_with({"guardrails": {"allowed_models": ["gpt-5*"], "defaults": {"temperature": 0.5}}})
    with pytest.raises(openai.BadRequestError, match="not allowed here") as caught:
        ask(invoke, made, model="other")
    assert (caught.value.param, caught.value.type) == ("model", "invalid_request")
    ask(invoke, made)
    assert [request.json()["temperature"] for request in upstream.requests] == [0.5]


def test_other_refusals(invoke: Invoke, upstream: Upstream) -> None:
    """Open circuits and full queues are 503, unreachable state too, and an unknown price under a budget is 402."""
    refusals: dict[Exception, tuple[type[openai.APIStatusError], int]] = {
        CircuitOpen("The circuit is open.", retry_after=3): (openai.InternalServerError, 503),
        QueueFull("The queue is full."): (openai.InternalServerError, 503),
        StoreError("The store is away."): (openai.InternalServerError, 503),
        UnknownPriceError("No price is known."): (openai.APIStatusError, 402),
    }
    for error, (kind, status) in refusals.items():

        async def refuse(*_: Any, error: Exception = error) -> Any:
            raise error

        made = official(invoke.client(layers=[refuse]))
        with pytest.raises(kind, match=str(error)) as caught:
            ask(invoke, made)
        assert caught.value.status_code == status
        assert caught.value.response.headers["x-should-retry"] == "false"
    assert not upstream.requests


def test_deadlines_and_timeouts(invoke: Invoke, upstream: Upstream) -> None:
    """A deadline or timeout that passes is an `APITimeoutError` with our message, in the middle of a stream too."""
    upstream.always(never=True)
    made = official(invoke.client(deadline=0.05))
    with pytest.raises(openai.APITimeoutError, match="deadline has passed"):
        ask(invoke, made)
    with pytest.raises(openai.APITimeoutError, match="timed out"):
        invoke(official(invoke.client(max_retries=0)).chat.completions.create, **CHAT, timeout=0.05)
    first = b'data: {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'
    upstream.always(chunks=[first, Gate()], headers={"content-type": "text/event-stream"})
    for options, message in (({"deadline": 0.2}, "deadline"), ({"timeout": 0.1}, "fell silent|timed out")):
        with pytest.raises(openai.APITimeoutError, match=message):
            invoke.collect(ask(invoke, official(invoke.client(max_retries=0, **options)), stream=True))


def test_connections_that_fail(invoke: Invoke) -> None:
    """A server that is not there is an `APIConnectionError`, tried as often as the client below says."""
    attempts: list[Any] = []

    async def count(call: Any, proceed: Any) -> Any:
        attempts.append(call.max_retries)
        return await proceed(call)

    made = official(invoke.client(base_url=f"http://127.0.0.1:{free_port()}/v1", layers=[count]))
    with no_waiting(), pytest.raises(openai.APIConnectionError, match="Connection error: POST"):
        ask(invoke, made)
    assert attempts == [5]


def test_closed_clients(invoke: Invoke) -> None:
    """A client that is closed, or whose application is, is an `APIConnectionError` that is also ours."""
    client = invoke.client()
    made = official(client)
    invoke(client.close)
    assert made.is_closed()
    for one in (made, made.with_options(max_retries=3)):
        with pytest.raises(openai.APIConnectionError, match="This client is closed") as caught:
            ask(invoke, one)
        assert isinstance(caught.value, ClientClosedError)


def test_closing_it_closes_nothing(invoke: Invoke) -> None:
    """Closing the official client, a copy or its HTTP client leaves the client below open."""
    client = invoke.client()
    made = official(client)
    invoke(made.close)
    invoke(made.with_options(timeout=3).close)
    invoke(made._client.close if invoke.sync else made._client.aclose)
    with invoke.within(made):
        pass
    assert not made.is_closed()
    assert ask(invoke, made).choices
    assert ask(invoke, client.with_options(), stream=False).choices


def test_errors_of_options(invoke: Invoke) -> None:
    """What is wrong with a call or its credentials is an error of the SDK's that names it."""

    def broken() -> str:
        raise RuntimeError("no key today")

    made = official(invoke.client(api_key=lambda: "bad\nkey"))
    with pytest.raises(openai.OpenAIError, match="api_key"):
        ask(invoke, made)
    with pytest.raises(openai.OpenAIError, match="RuntimeError: no key today"):
        ask(invoke, official(invoke.client(api_key=broken)))
    made = official(invoke.client())
    with pytest.raises(openai.OpenAIError, match="x-bad"):
        ask(invoke, made, extra_headers={"X-Bad": "a\nb"})


def test_cache(invoke: Invoke, upstream: Upstream) -> None:
    """An answer of the cache is the SDK's result again, streamed or not."""
    made = official(invoke.client(layers=[Cache("all", open_store()), Cost()]))
    for stream in (False, True):
        upstream.reset()
        found = []
        for _ in range(2):
            answer = ask(invoke, made, temperature=0, stream=stream)
            if stream:
                found.append(
                    [item.choices[0].delta.content for item in invoke.collect(answer) if item.choices]
                )
            else:
                found.append(answer.choices[0].message.content)
        assert found[0] == found[1]
        assert len(upstream.requests) == 1


def test_fallback(invoke: Invoke, client_with: Make, upstream: Upstream) -> None:
    """A chain leads on to the next target, whose name is in the headers of the raw answer."""
    with Upstream() as other:
        controls = {
            "models": {"smart": ["gpt-5.5", "spare/gpt-4o"]},
            "fallback": {"clients": {"spare": {"base_url": other.base_url, "api_key": "sk-spare"}}},
        }
        made = client_with(controls, max_retries=0)
        upstream.always(status=500)
        raw = invoke(made.chat.completions.with_raw_response.create, **{**CHAT, "model": "smart"})
        assert raw.headers["x-ai-client-target"] == "spare/gpt-4o"
        assert other.requests[-1].json()["model"] == "gpt-4o"
        assert other.requests[-1].headers["authorization"] == "Bearer sk-spare"
        assert PLACEHOLDER not in str(list(other.requests[-1].headers.items()))


def test_drain(upstream: Upstream) -> None:
    """A provider that ends waits for a stream of the official client, and refuses its further calls."""
    provider = ClientProvider({"base_url": upstream.base_url, "api_key": KEY, "shutdown_timeout": 30})

    async def main() -> None:
        provider.adopt_loop()
        made = provider.async_official
        gate = Gate()
        chunk = b'data: {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
        upstream.reply(
            chunks=[chunk, gate, b"data: [DONE]\n\n"], headers={"content-type": "text/event-stream"}
        )
        stream = await made.chat.completions.create(**CHAT, stream=True)
        await anext(stream)
        closing = asyncio.create_task(provider.aclose())
        while provider.state != "draining":
            await asyncio.sleep(0)
        with pytest.raises(openai.APIConnectionError, match="shutting down"):
            await made.chat.completions.create(**CHAT)
        assert not closing.done()
        gate.set()
        assert [item async for item in stream] == []
        await closing
        assert made.is_closed()

    asyncio.run(main())
