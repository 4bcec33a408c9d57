"""The contract of a policy of one's own: what goes wrong in one, and what becomes of answers that nobody gets."""
# ruff: noqa: ARG001 - a policy takes both arguments, whatever it needs of them

import asyncio
import logging
import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from ai_client import DeadlineExceededError, GuardrailError, OpenAIError, PolicyError
from ai_client.control import Call, Concurrency, Next, Policy, Reply, StreamEnd, answer, usage_meter
from ai_client.testing import sse
from ai_client.web import http_error
from tests.support.invoke import CHAT, Invoke

SECRET = "sk-planted-0123456789abcdef"
HERE = __name__
kept: list[Reply] = []


async def raises(call: Call, proceed: Next) -> Reply:
    """Raise an error of no library of ours."""
    raise LookupError(SECRET)


async def raises_after(call: Call, proceed: Next) -> Reply:
    """Raise such an error once there is an answer."""
    await proceed(call)
    raise LookupError(SECRET)


def raises_at_once(call: Call, proceed: Next) -> Awaitable[Reply]:
    """Raise such an error before there is anything to await."""
    raise LookupError(SECRET)


async def returns_nothing(call: Call, proceed: Next) -> Any:
    """Forget to return the answer."""
    await proceed(call)


async def returns_text(call: Call, proceed: Next) -> Any:
    """Return what is no answer."""
    return SECRET


def awaits_nothing(call: Call, proceed: Next) -> Any:
    """Return what cannot be awaited."""
    return 5


async def passes_on_no_call(call: Call, proceed: Next) -> Reply:
    """Pass on what is no call."""
    body: Any = call.body
    return await proceed(body)


async def answers_without_response(call: Call, proceed: Next) -> Reply:
    """Put the body where the response belongs."""
    body: Any = {"choices": []}
    return Reply(body)


async def answers_without_request(call: Call, proceed: Next) -> Reply:
    """Answer with a response to nothing."""
    return Reply(httpx.Response(200, json={}))


async def answers_with_an_error(call: Call, proceed: Next) -> Reply:
    """Answer with a status of failure, which would be taken for a result."""
    return Reply(httpx.Response(500, json={}, request=httpx.Request("POST", "http://policy.invalid")))


async def wraps_the_answer(call: Call, proceed: Next) -> Reply:
    """Put the answer into another Reply, which would lose what policies further in wait for."""
    return Reply((await proceed(call)).response)


async def answers_twice(call: Call, proceed: Next) -> Reply:
    """Return to each call the answer that the first one got."""
    if not kept:
        kept.append(await proceed(call))
    return kept[0]


async def answers_itself_twice(call: Call, proceed: Next) -> Reply:
    """Return to each call an answer that was made for the first one."""
    if not kept:
        kept.append(answer(call, [] if call.stream is not None else {}))
    return kept[0]


RAISES = {"raises": raises, "raises_after": raises_after, "raises_at_once": raises_at_once}


async def watches_late(call: Call, proceed: Next) -> Reply:
    """Watch events by what nobody awaits."""
    reply = await proceed(call)

    async def see(data: bytes) -> bool:
        return not data

    late: Any = see
    reply.on_event.append(late)
    return reply


BROKEN: dict[str, tuple[Policy, str]] = {
    name: (
        policy,
        rf"The policy {HERE}\.{name} failed \(LookupError\); its error is the cause of this one\.$",
    )
    for name, policy in RAISES.items()
} | {
    "returns_nothing": (returns_nothing, "returned NoneType instead of a Reply"),
    "returns_text": (returns_text, "returned str instead of a Reply"),
    "awaits_nothing": (awaits_nothing, r"returned int, which cannot be awaited: make it an `async def`"),
    "passes_on_no_call": (passes_on_no_call, "passed on dict, which is no call"),
    "answers_without_response": (
        answers_without_response,
        "without a response to a request: make one with `answer`",
    ),
    "answers_without_request": (
        answers_without_request,
        "without a response to a request: make one with `answer`",
    ),
    "answers_with_an_error": (answers_with_an_error, "answered with status 500: raise an error in its place"),
    "watches_late": (watches_late, "put a coroutine function into `on_event`"),
    "wraps_the_answer": (wraps_the_answer, "return the Reply that it got, changed in place"),
}


def let_go(invoke: Invoke) -> None:
    """Assert that nothing is under way at the upstream."""
    invoke.upstream.wait_for(lambda: invoke.upstream.in_flight == 0)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_policy_is_named(invoke: Invoke, name: str, *, stream: bool) -> None:
    """A fault of a policy is an error of ours that names it, holds no secret, and leaves no answer under way."""
    policy, message = BROKEN[name]
    concurrency = Concurrency(1, max_queue=0)
    client = invoke.client(layers=[policy, concurrency], max_connections=1)
    for _ in range(2):
        with pytest.raises(PolicyError, match=message) as caught:
            invoke(client.chat.completions.create, **CHAT, stream=stream)
        assert caught.value.policy == f"{HERE}.{name}"
        assert SECRET not in str(caught.value)
    assert isinstance(caught.value.__cause__, LookupError) == (name in RAISES)
    assert concurrency.in_flight == 0
    let_go(invoke)
    assert invoke(client.copy(layers=[]).models.list)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("policy", [answers_twice, answers_itself_twice])
def test_an_answer_is_given_once(invoke: Invoke, policy: Policy, *, stream: bool) -> None:
    """An answer that one call has had answers no other one."""
    kept.clear()
    client = invoke.client(layers=[policy])
    result = invoke(client.chat.completions.create, **CHAT, stream=stream)
    with pytest.raises(PolicyError, match="returned an answer that another call has had"):
        invoke(client.chat.completions.create, **CHAT, stream=stream)
    if stream:
        invoke(result.close)
    kept.clear()


def test_waiting_past_the_seam(invoke: Invoke) -> None:
    """A policy that waits for a loop of its own is told by the sync client how to wait, and works in the async one."""

    async def waits(call: Call, proceed: Next) -> Reply:
        await asyncio.sleep(0)
        return await proceed(call)

    client = invoke.client(layers=[waits])
    if not invoke.sync:
        assert invoke(client.models.list)
        return
    with pytest.raises(PolicyError, match=r"waits.*waits? through `call.io` only") as caught:
        client.models.list()
    assert caught.value.policy == f"{HERE}.test_waiting_past_the_seam.<locals>.waits"
    assert invoke.upstream.requests == []


def test_errors_of_ours_pass(invoke: Invoke) -> None:
    """What a policy raises of our errors arrives as it is."""
    error = GuardrailError("not like this")

    async def refuse(call: Call, proceed: Next) -> Reply:
        raise error

    with pytest.raises(GuardrailError) as caught:
        invoke(invoke.client(layers=[refuse]).models.list)
    assert caught.value is error


def test_errors_from_further_in_pass(invoke: Invoke) -> None:
    """What is raised further in arrives as it is, through any number of policies."""

    async def watch(call: Call, proceed: Next) -> Reply:
        return await proceed(call)

    client = invoke.client(layers=[watch, watch])
    with pytest.raises(TypeError, match="JSON"):
        invoke(client.post, "/chat/completions", cast_to=object, body={"model": object()})


def test_the_deadline_holds_in_a_policy(invoke: Invoke) -> None:
    """A policy that waits past the deadline ends with the call's own error."""

    async def slow(call: Call, proceed: Next) -> Reply:
        await call.io.sleep(60)
        return await proceed(call)

    with pytest.raises(DeadlineExceededError):
        invoke(invoke.client(layers=[slow], deadline=0.02).models.list)
    assert invoke.upstream.requests == []


def test_a_timeout_of_a_policy_is_none_of_the_call(invoke: Invoke) -> None:
    """Time that runs out in the policy's own work is a fault of the policy."""

    async def slow(call: Call, proceed: Next) -> Reply:
        raise TimeoutError

    with pytest.raises(PolicyError, match="TimeoutError"):
        invoke(invoke.client(layers=[slow], deadline=60).models.list)


def test_a_stream_that_is_not_returned_is_let_go(invoke: Invoke) -> None:
    """Where a policy asks again, the stream that it does not return is closed and settled, and the other one whole."""
    ends: list[StreamEnd] = []

    async def watch(call: Call, proceed: Next) -> Reply:
        reply = await proceed(call)

        async def end(how: StreamEnd) -> None:
            ends.append(how)

        reply.on_end.append(end)
        return reply

    async def twice(call: Call, proceed: Next) -> Reply:
        await proceed(call)
        return await proceed(call)

    stream = invoke(invoke.client(layers=[twice, watch]).chat.completions.create, **CHAT, stream=True)
    assert ends == [StreamEnd(None, complete=False)]
    assert invoke.collect(stream)
    assert ends[1:] == [StreamEnd(None, complete=True)]
    let_go(invoke)


def test_an_answer_that_comes_too_late_is_let_go(invoke: Invoke) -> None:
    """What a policy leaves under way when it returns is closed once it is answered, and fails for who waits for it."""
    if invoke.sync:
        pytest.skip("the sync client leaves nothing under way")
    left: list[asyncio.Task[Reply]] = []

    async def leaves(call: Call, proceed: Next) -> Reply:
        left.append(asyncio.ensure_future(proceed(call)))
        return answer(call, [])

    async def main() -> None:
        stream = await client.chat.completions.create(**CHAT, stream=True)
        await stream.close()
        with pytest.raises(PolicyError, match="it must wait for all that it passes on"):
            await left[0]

    client = invoke.client(layers=[leaves])
    invoke(main)
    let_go(invoke)


def test_a_policy_asks_one_after_the_other(invoke: Invoke) -> None:
    """Who asks while an answer is still awaited is refused: two asks at once could not be told apart when counted."""
    ways: list[Next] = []

    async def outer(call: Call, proceed: Next) -> Reply:
        ways.append(proceed)
        return await proceed(call)

    async def inner(call: Call, proceed: Next) -> Reply:
        return await ways[0](call)

    with pytest.raises(PolicyError, match="wait for one after the other") as caught:
        invoke(invoke.client(layers=[outer, inner]).models.list)
    assert caught.value.policy == f"{HERE}.test_a_policy_asks_one_after_the_other.<locals>.outer"
    assert invoke.upstream.requests == []


ITEMS = [sse({"n": number}) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("error", "kind"), [(GuardrailError("no more"), GuardrailError), (LookupError(SECRET), PolicyError)]
)
def test_a_failure_at_an_event_ends_the_stream(
    invoke: Invoke, error: Exception, kind: type[OpenAIError]
) -> None:
    """What a policy raises at an event ends the stream with an error of ours, and closes it."""
    ends: list[StreamEnd] = []

    async def watch(call: Call, proceed: Next) -> Reply:
        reply = await proceed(call)

        def see(data: bytes) -> None:
            if data == b'{"n":2}':
                raise error

        async def end(how: StreamEnd) -> None:
            ends.append(how)

        reply.on_event.append(see)
        reply.on_end.append(end)
        return reply

    invoke.upstream.reply(chunks=[*ITEMS, sse("[DONE]")])
    stream = invoke(invoke.client(layers=[watch]).post, "/any", cast_to=object, body={}, stream=True)
    assert invoke.next(stream) == {"n": 1}
    with pytest.raises(kind) as caught:
        invoke.next(stream)
    assert SECRET not in str(caught.value)
    assert [(end.error, end.complete) for end in ends] == [(caught.value, False)]
    let_go(invoke)


@pytest.mark.parametrize("how", ["raises", "waits", "returns"])
def test_a_failure_at_the_end_is_logged(invoke: Invoke, caplog: pytest.LogCaptureFixture, how: str) -> None:
    """Whatever goes wrong at the end of a stream is logged; what was read stays whole, and others hear of the end."""
    ends: list[StreamEnd] = []

    async def watch(call: Call, proceed: Next) -> Reply:
        reply = await proceed(call)

        async def fail(end: StreamEnd) -> None:
            if how == "raises":
                raise LookupError(end)
            await asyncio.sleep(0)

        async def hear(end: StreamEnd) -> None:
            ends.append(end)

        no_coroutine: Any = ends.append
        reply.on_end += [no_coroutine if how == "returns" else fail, hear]
        return reply

    invoke.upstream.reply(chunks=[*ITEMS, sse("[DONE]")])
    with caplog.at_level(logging.ERROR, "ai_client"):
        stream = invoke(invoke.client(layers=[watch]).post, "/any", cast_to=object, body={}, stream=True)
        assert invoke.collect(stream) == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert len(ends) == (2 if how == "returns" else 1)
    fails = how != "waits" or invoke.sync
    assert len([record for record in caplog.records if "Settling a stream failed" in record.message]) == fails


@pytest.mark.parametrize("how", ["whole", "stream", "unread"])
def test_an_answer_of_ones_own(invoke: Invoke, how: str) -> None:
    """A policy answers whole, streamed and unread calls itself, with what the caller would get of the API."""
    said = {"role": "assistant", "content": "No."}
    choice = {"index": 0, "finish_reason": "stop"}

    async def refuse(call: Call, proceed: Next) -> Reply:
        streamed = call.stream is not None
        body = {"choices": [{**choice, "delta" if streamed else "message": said}]}
        return answer(call, [body] if streamed else body)

    chat = invoke.client(layers=[refuse]).chat.completions
    if how == "unread":
        with invoke.within(chat.with_streaming_response.create(**CHAT)) as response:
            result = invoke(response.parse)
    else:
        result = invoke(chat.create, **CHAT, stream=how == "stream")
    found = invoke.collect(result)[0].choices[0].delta if how == "stream" else result.choices[0].message
    assert found.content == "No."
    assert invoke.upstream.requests == []


@pytest.mark.parametrize("content", [{"choices": []}, "text", b"bytes", None])
def test_a_stream_is_answered_with_events(invoke: Invoke, content: object) -> None:
    """A streamed call is answered with a list of events, and nothing else."""

    async def refuse(call: Call, proceed: Next) -> Reply:
        return answer(call, content)

    with pytest.raises(PolicyError) as caught:
        invoke(invoke.client(layers=[refuse]).chat.completions.create, **CHAT, stream=True)
    assert "a list of events" in str(caught.value.__cause__)


def test_a_binary_answer_of_ones_own(invoke: Invoke) -> None:
    """Bytes are a body as they are."""

    async def speak(call: Call, proceed: Next) -> Reply:
        return answer(call, b"sound")

    client = invoke.client(layers=[speak])
    result = invoke(client.audio.speech.create, model="m", input="Hello", voice="alloy")
    assert result.content == b"sound"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_usage_is_metered(invoke: Invoke, *, stream: bool) -> None:
    """A policy reads the tokens of a whole answer at once, and of a stream at its end."""
    found: list[int] = []

    async def count(call: Call, proceed: Next) -> Reply:
        reply = await proceed(call)
        meter = usage_meter(call, reply)
        if call.is_whole:
            found.append(meter.usage().total)
            return reply

        async def end(how: StreamEnd) -> None:
            assert how.complete
            found.append(meter.usage().total)

        reply.on_end.append(end)
        return reply

    usage = {"stream_options": {"include_usage": True}} if stream else {}
    result = invoke(invoke.client(layers=[count]).chat.completions.create, **CHAT, stream=stream, **usage)
    (reported,) = [
        item.usage.total_tokens for item in (invoke.collect(result) if stream else [result]) if item.usage
    ]
    assert found == [reported]


def test_a_policy_error_pickles_and_is_no_callers_business() -> None:
    """The error survives a pickle, and an application shows it as a fault of its own."""
    error = pickle.loads(pickle.dumps(PolicyError("what happened", "app.Trail")))  # noqa: S301 - our own
    assert (str(error), error.policy) == ("what happened", "app.Trail")
    shown = http_error(error)
    assert shown is not None
    assert (shown.status, shown.type) == (500, "internal_error")
    assert "what happened" not in shown.message


WAYS: dict[str, Callable[[Any], Awaitable[object]]] = {
    "sleep": lambda io: io.sleep(0),
    "call": lambda io: io.call(lambda: 1),
    "call_aside": lambda io: io.call_aside(lambda: 1),
    "complete": lambda io: io.complete(asyncio.sleep, 0),
}


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_wait(invoke: Invoke, way: str) -> None:
    """What a policy may wait for works in both clients."""

    async def wait(call: Call, proceed: Next) -> Reply:
        await WAYS[way](call.io)
        return await proceed(call)

    assert invoke(invoke.client(layers=[wait]).models.list)
