"""The attempts of a call that goes through a chain: one budget of them for all targets, on the wire."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ai_client import APIStatusError, InternalServerError, OpenAIError
from ai_client.control.breaker import Breaker
from ai_client.control.fallback import Fallback
from ai_client.control.record import call_record
from ai_client.control.retry_budget import RetryBudget
from ai_client.testing import Recorded, Reply, Upstream
from tests.support.invoke import Invoke, no_waiting

NAMES = ["a", "b", "c", "d"]
FAILURES: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "429": {"status": 429},
    "429 later": {"status": 429, "headers": {"retry-after": "1"}},
    "409": {"status": 409},
    "408": {"status": 408},
    "disconnect": {"disconnect": True},
    "again": {"status": 400, "headers": {"x-should-retry": "true"}},
    "400": {"status": 400},
}


def models(upstream: Upstream, after: int = 0) -> list[str]:
    """Give the models that were asked for, after so many requests."""
    return [recorded.json()["model"] for recorded in upstream.requests[after:]]


def failing(failures: dict[str, list[str]]) -> Callable[[Recorded], Reply]:
    """Give an answer that fails in the given ways for each model, one after the other, and then succeeds."""
    left = {model: [*ways] for model, ways in failures.items()}

    def answer(recorded: Recorded) -> Reply:
        ways = left[recorded.json()["model"]]
        return Reply(**FAILURES[ways.pop(0)]) if ways else Reply()

    return answer


@pytest.mark.parametrize(
    ("targets", "max_retries", "retries", "sent"),
    [
        (1, 2, 0, "aaa"),
        (2, 0, 0, "ab"),
        (2, 2, 0, "abb"),
        (2, 2, 1, "aab"),
        (2, 2, None, "aab"),
        (2, 4, 1, "aabbb"),
        (3, 2, 0, "abc"),
        (3, 2, 2, "abc"),
        (3, 4, 1, "aabbc"),
        (3, 0, None, "abc"),
        (4, 2, 0, "abcd"),
    ],
)
def test_targets_share_the_attempts(  # noqa: PLR0917 - the parameters of the table
    invoke: Invoke, upstream: Upstream, targets: int, max_retries: int, retries: int | None, sent: str
) -> None:
    """A call makes `max_retries` + 1 attempts, or one for each target, in the order of the chain."""
    upstream.always(status=500)
    chain = Fallback({"m": NAMES[:targets]}, retries=retries, breaker=None)
    client = invoke.client(layers=[chain], max_retries=max_retries)
    with no_waiting(), pytest.raises(InternalServerError):
        invoke.chat(client, model="m")
    assert "".join(models(upstream)) == sent


ways = st.lists(st.sampled_from(sorted(FAILURES)), max_size=6)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    failures=st.lists(ways, min_size=1, max_size=4),
    max_retries=st.integers(0, 4),
    of_the_call=st.booleans(),
    retries=st.none() | st.integers(0, 3),
    stream=st.booleans(),
)
def test_no_call_makes_more_attempts_than_it_has(  # noqa: PLR0917 - drawn by name
    invoke: Invoke,
    upstream: Upstream,
    failures: list[list[str]],
    max_retries: int,
    of_the_call: bool,
    retries: int | None,
    stream: bool,
) -> None:
    """Whatever fails how often, a call keeps to its attempts, goes on in order, and reaches a target that works."""
    upstream.reset()
    names = NAMES[: len(failures)]
    upstream.always(failing(dict(zip(names, failures, strict=True))))
    chain = Fallback({"m": names}, retries=retries, breaker=None)
    client = invoke.client(layers=[chain], max_retries=0 if of_the_call else max_retries)
    if of_the_call:
        client = client.with_options(max_retries=max_retries)
    answered = True
    with no_waiting():
        try:
            result = invoke.chat(client, model="m", stream=stream)
            if stream:
                assert invoke.collect(result)
        except OpenAIError:
            answered = False
    sent = models(upstream)
    assert len(sent) <= max(max_retries + 1, len(names))
    assert sent == sorted(sent)
    first = [sent.index(name) for name in dict.fromkeys(sent)]
    assert [*dict.fromkeys(sent)] == names[: len(first)]
    ends = {"400", "again"}  # which do not lead on
    if any(not way for way in failures) and not any(ends & {*way} for way in failures):
        assert answered
    if answered:
        record = call_record(result)
        assert record is not None
        assert (record.target, record.attempts) == (sent[-1], len(sent))


def test_a_wait_that_the_server_asks_for_is_spent_elsewhere(invoke: Invoke, upstream: Upstream) -> None:
    """A target that says when to come back is not waited for while there is another one."""
    upstream.reply(status=429, headers={"retry-after": "100"})
    chain = Fallback({"m": ["a", "b"]}, retries=2)
    invoke.chat(invoke.client(layers=[chain], max_retries=5), model="m")
    assert models(upstream) == ["a", "b"]


def test_a_wait_beyond_the_deadline_is_spent_elsewhere(invoke: Invoke, upstream: Upstream) -> None:
    """A target that asks for more time than the call has leads to the next at once, and the last one fails."""
    upstream.always(status=503, headers={"retry-after": "100"})
    client = invoke.client(layers=[Fallback({"m": ["a", "b"]}, retries=2)], max_retries=5, deadline=50)
    with pytest.raises(InternalServerError):
        invoke.chat(client, model="m")
    assert models(upstream) == ["a", "b"]


def test_what_does_not_lead_on_is_tried_again(invoke: Invoke, upstream: Upstream) -> None:
    """A transient failure that is not in `on` is tried again at the same target."""
    upstream.reply(status=409)
    upstream.reply(status=409)
    chain = Fallback({"m": ["a", "b"]}, on=["server_error"])
    with no_waiting():
        invoke.chat(invoke.client(layers=[chain], max_retries=3), model="m")
    assert models(upstream) == ["a", "a", "a"]


def test_another_client_may_allow_fewer_retries(invoke: Invoke, upstream: Upstream) -> None:
    """A client of a target makes no more retries than its own number, unless the call has one."""
    upstream.always(status=500)
    other = invoke.client(max_retries=1)
    client = invoke.client(
        layers=[Fallback({"m": ["a", "other/b"]}, clients={"other": other})], max_retries=5
    )
    alone = invoke.client(layers=[Fallback({"m": "other/b"}, clients={"other": other})], max_retries=5)
    for one, sent in ((client, "abb"), (alone, "bb"), (client.with_options(max_retries=1), "ab")):
        before = len(upstream.requests)
        with no_waiting(), pytest.raises(InternalServerError):
            invoke.chat(one, model="m")
        assert "".join(models(upstream, before)) == sent


def test_the_retry_budget_counts_what_goes_to_further_targets(invoke: Invoke, upstream: Upstream) -> None:
    """While every call fails, retries and fallbacks together are no more than the share and the minimum allow."""
    upstream.always(status=500)
    budget = RetryBudget(share=0.1, minimum=3)
    chain = Fallback({"m": ["a", "b", "c"]}, breaker=None)
    client = invoke.client(layers=[chain, budget], max_retries=3)
    with no_waiting():
        for _ in range(50):
            with pytest.raises(InternalServerError):
                invoke.chat(client, model="m")
    assert len(upstream.requests) == 50 + 3 + 5


def test_a_target_that_is_skipped_takes_nothing_of_the_retry_budget(
    invoke: Invoke, upstream: Upstream
) -> None:
    """What is sent once is no retry, whichever target that is."""
    upstream.always(lambda recorded: Reply(status=503 if recorded.json()["model"] == "a" else 200))
    budget = RetryBudget(share=0, minimum=1)
    chain = Fallback({"m": ["a", "b"]}, breaker=Breaker(failures=1))
    client = invoke.client(layers=[chain, budget])
    for _ in range(10):
        invoke.chat(client, model="m")
    assert models(upstream) == ["a", *"b" * 10]


def test_a_permission_that_was_not_used_is_kept(invoke: Invoke, upstream: Upstream) -> None:
    """The permission to ask a further target lasts until something is sent."""
    breaker = Breaker(failures=1)
    budget = RetryBudget(share=0, minimum=1)
    upstream.always(lambda recorded: Reply(status=503 if recorded.json()["model"] != "c" else 200))
    broken = invoke.client(layers=[Fallback(breaker=breaker)])
    with pytest.raises(InternalServerError):
        invoke.chat(broken, model="b")
    client = invoke.client(layers=[Fallback({"m": ["a", "b", "c"]}, breaker=breaker), budget])
    invoke.chat(client, model="m")
    assert models(upstream) == ["b", "a", "c"]


def test_uploads_that_can_be_read_again_are_sent_again(invoke: Invoke, upstream: Upstream) -> None:
    """An upload goes to the next target where its bytes can be read twice, and to none where they cannot."""
    upstream.always(status=503)
    client = invoke.client(layers=[Fallback({"m": ["a", "b"]}, breaker=None)])
    sent: list[int] = []
    for content in (b"planted bytes", BytesIO(b"planted bytes"), iter([b"planted ", b"bytes"])):
        before = len(upstream.requests)
        with pytest.raises(APIStatusError):
            invoke(client.audio.transcriptions.create, model="m", file=("a.wav", content))
        bodies = [recorded.body for recorded in upstream.requests[before:]]
        assert all(b"planted bytes" in body for body in bodies)
        assert [b'name="model"\r\n\r\na\r\n' in body for body in bodies] == [True, False][: len(bodies)]
        sent.append(len(bodies))
    assert sent == [2, 2, 1]


def test_an_upload_that_was_not_read_goes_on(invoke: Invoke, upstream: Upstream) -> None:
    """An upload that can be read once goes to the next target where the first was never asked."""
    client = invoke.client(layers=[Fallback({"m": ["a", "b"]}, breaker=Breaker(failures=1))])
    upstream.reply(status=503)
    invoke.chat(client, model="m")  # opens the circuit of a
    upstream.reply(json={"text": "said"})
    invoke(client.audio.transcriptions.create, model="m", file=("a.wav", iter([b"planted ", b"bytes"])))
    assert len(upstream.requests) == 3
    assert b"planted bytes" in upstream.requests[-1].body


def test_each_target_has_an_idempotency_key_of_its_own(invoke: Invoke, upstream: Upstream) -> None:
    """A key goes to the first target as it is, and to each other one as a key that is always the same there."""
    client = invoke.client(layers=[Fallback({"m": ["a", "b"]}, breaker=None)], max_retries=2)
    for _ in range(2):
        upstream.reply(status=500, times=2)
        upstream.reply(json={})
        with no_waiting():
            invoke(
                client.post,
                "/chat/completions",
                cast_to=object,
                body={"model": "m", "messages": []},
                options={"idempotency_key": "planted"},
            )
    keys = [recorded.headers["idempotency-key"] for recorded in upstream.requests]
    assert models(upstream) == [*"abb"] * 2
    assert keys[0] == keys[3] == "planted"
    assert len({*keys[1:3], *keys[4:]}) == 1
    assert keys[1] != "planted"
