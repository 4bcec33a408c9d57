"""How a client asks for credentials: once for calls at once, in the time of the call, with no secret in an error."""

import asyncio
import functools
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from traceback import walk_tb
from typing import Any

import pytest

from ai_client import (
    AsyncOpenAI,
    ClientConfig,
    ConfigError,
    Credentials,
    CredentialsError,
    DeadlineExceededError,
    Labels,
    OpenAI,
    OpenAIError,
    labels,
)
from ai_client.credentials import function, kept
from ai_client.testing import Upstream
from tests.support.forks import in_child
from tests.support.invoke import CHAT, KEY, Invoke
from tests.support.tenants import Directory, key_of, sent

SECRET = "sk-planted-in-an-error-0123"


def ask(invoke: Invoke, client: Any, tenant: str | None = "a", **more: Any) -> Any:
    """Make a call of a tenant."""
    with labels(tenant=tenant, **more):
        return invoke(client.chat.completions.create, **CHAT)


def test_it_is_asked_with_the_labels_and_kept(invoke: Invoke) -> None:
    """The function gets the labels of the call, and is asked once for those of each call while its result is kept."""
    directory = Directory(a=True)
    client = invoke.client(credentials=directory)
    for _ in range(3):
        ask(invoke, client, user="u", endpoint="/e")
    ask(invoke, client, user="other", endpoint="/e")
    assert directory.asked == [Labels("/e", "a", "u"), Labels("/e", "a", "other")]
    assert sent(invoke.upstream) == [key_of("a")] * 4


def test_it_sees_the_labels_alone_that_it_is_kept_by(invoke: Invoke) -> None:
    """With `credentials_by` the other labels are hidden from the function, so that nothing else can depend on them."""
    directory = Directory(a=True)
    client = invoke.client(credentials=directory, credentials_by=["tenant"])
    for user in ("u", "v"):
        ask(invoke, client, user=user, endpoint="/e")
    assert directory.asked == [Labels(None, "a", None)]


def test_it_is_asked_again_when_its_result_is_old(invoke: Invoke) -> None:
    """With `credentials_ttl=0` each call asks, and gets what is true by then."""
    directory = Directory(a=True)
    client = invoke.client(credentials=directory, credentials_ttl=0)
    ask(invoke, client)
    directory.known["a"] = {"api_key": "sk-new-0123456789"}
    ask(invoke, client)
    del directory.known["a"]
    ask(invoke, client)
    assert sent(invoke.upstream) == [key_of("a"), "sk-new-0123456789", KEY]


def test_results_are_kept_for_a_bounded_number_of_labels(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest results make room for new ones."""
    monkeypatch.setattr(kept, "_KEPT", 3)
    client = invoke.client(credentials=Directory(a=True))
    for number in range(10):
        ask(invoke, client, user=str(number))
    assert [found.user for found in client._credentials._kept().found] == ["7", "8", "9"]


def _as_it_is(function: Callable[..., Any], labels: Labels) -> Any:
    """Return what a coroutine function returns, unlike one itself."""
    return function(labels)


@pytest.mark.parametrize("kind", ["callable object", "partial", "method", "awaitable"])
def test_any_callable_will_do(invoke: Invoke, kind: str) -> None:
    """An object, a partial function and a method are functions too; AsyncOpenAI awaits what they return."""
    directory = Directory(a=True)

    async def later(labels: Labels) -> Any:
        return directory(labels)

    if kind == "awaitable" and invoke.sync:
        pytest.skip("the sync client can await nothing")
    given = {
        "callable object": directory,
        "partial": functools.partial(lambda _, labels: directory(labels), 1),
        "method": directory.__call__,
        "awaitable": functools.partial(_as_it_is, later),
    }[kind]
    client = invoke.client(credentials=given)
    ask(invoke, client)
    assert sent(invoke.upstream) == [key_of("a")]


def test_a_coroutine_function_is_for_the_async_client(upstream: Upstream) -> None:
    """AsyncOpenAI awaits a coroutine function on its loop; OpenAI says when it is made that it cannot."""

    async def of(labels: Labels) -> Credentials:
        await asyncio.sleep(0)
        return Credentials(key_of(labels.tenant or ""))

    class Of:
        async def __call__(self, labels: Labels) -> Credentials:
            return await of(labels)

    for given in (of, functools.partial(of), Of()):
        with pytest.raises(ConfigError, match="coroutine function, which only AsyncOpenAI can await"):
            OpenAI(api_key=KEY, credentials=given)

    async def main() -> None:
        for given in (of, functools.partial(of), Of()):
            async with AsyncOpenAI(api_key=KEY, base_url=upstream.base_url, credentials=given) as client:
                with labels(tenant="a"):
                    await client.chat.completions.create(**CHAT)

    asyncio.run(main())
    assert sent(upstream) == [key_of("a")] * 3


def test_a_function_that_returns_a_coroutine_fails_on_the_sync_client(upstream: Upstream) -> None:
    """Where it shows only in the call that the function is asynchronous, the call says so, and nothing is sent."""

    async def later() -> Any:
        return None

    with (
        OpenAI(api_key=KEY, base_url=upstream.base_url, credentials=lambda _: later()) as client,
        pytest.raises(ConfigError, match="returned something to await, which only AsyncOpenAI can"),
    ):
        client.chat.completions.create(**CHAT)
    assert sent(upstream) == []


def test_a_dotted_path_is_imported(invoke: Invoke) -> None:
    """A dotted path stands for the function that it names."""
    client = invoke.client(credentials="tests.credentials.test_asking.known")
    ask(invoke, client)
    assert sent(invoke.upstream) == [key_of("a")]


def known(labels: Labels) -> Any:
    """Return a key for each tenant."""
    return {"api_key": key_of(labels.tenant or "")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"credentials": "no.such.module"}, "'no.such.module' cannot be imported"),
        ({"credentials": "tests.credentials.test_asking.SECRET"}, "is no function"),
        ({"credentials": "ai_client.Credentials"}, "is no function"),
        ({"credentials": Credentials}, "must be a function of a call's labels"),
        ({"credentials": Credentials("sk-planted")}, "must be a function of a call's labels"),
        ({"credentials": 3}, "must be a function of a call's labels"),
        ({"credentials": known, "credentials_ttl": -1}, "credentials_ttl must be"),
        ({"credentials": known, "credentials_ttl": float("nan")}, "credentials_ttl must be"),
        ({"credentials": known, "credentials_by": ["tenants"]}, "credentials_by must hold"),
        ({"credentials": known, "credentials_by": []}, "credentials_by must hold"),
    ],
)
def test_wrong_options_fail_at_once(invoke: Invoke, options: dict[str, Any], message: str) -> None:
    """What is no function, and options that cannot be, are refused when the client is made."""
    with pytest.raises(ConfigError, match=message):
        invoke.client(**options)


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-planted0123456789",
        "planted0123456789",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJwbGFudGVkIjoicGxhbnRlZCIsImV4cCI6MTc2NDAwMDAwMDAwMDAwfQ.c2lnbmF0dXJl",
        "",
        "a..b",
        "planted.py:credentials_of",
    ],
)
def test_a_key_in_the_place_of_the_function_is_not_shown(invoke: Invoke, key: str) -> None:
    """What looks like no dotted path may be a key that was put into the wrong option."""
    for make in (invoke.client, ClientConfig):
        with pytest.raises(ConfigError, match="must be a dotted path") as raised:
            make(credentials=key)
        assert not key or key not in str(raised.value)


def test_a_function_that_fails_becomes_an_error_without_its_secrets(invoke: Invoke) -> None:
    """An error of the function is a `CredentialsError` with its type and place; nothing behind it holds a secret."""

    def of(_: Labels) -> Any:
        key = SECRET
        raise KeyError(key)

    client = invoke.client(credentials=of)
    with pytest.raises(
        CredentialsError, match=r"test_asking.*of failed: KeyError at .*test_asking.py:\d+"
    ) as raised:
        ask(invoke, client)
    error = raised.value
    assert (error.__cause__, error.__context__) == (None, None)
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    assert SECRET not in str(error) + str(
        [frame.f_locals for frame in frames if "ai_client" in frame.f_code.co_filename]
    )
    assert all(frame.f_code.co_name != "of" for frame in frames[-1:])
    assert sent(invoke.upstream) == []


def test_wrong_results_show_no_key_in_any_variable(invoke: Invoke) -> None:
    """Where the result is no credentials, or cannot be sent, no variable of a frame in the traceback holds the key."""
    for wrong in (SECRET, {"api_key": SECRET, "zzz": "x"}, {"api_key": f"{SECRET}\n"}, [SECRET]):
        client = invoke.client(credentials=lambda _, wrong=wrong: wrong)
        with pytest.raises(ConfigError) as raised:
            ask(invoke, client)
        package = [
            frame
            for frame, _ in walk_tb(raised.value.__traceback__)
            if "/ai_client/" in frame.f_code.co_filename
        ]
        assert package
        assert SECRET not in str([frame.f_locals for frame in package])
        assert SECRET not in str(raised.value)


class SuspendedError(OpenAIError):
    """A tenant that may make no calls."""

    status = 402

    def __init__(self, *, tenant: str | None) -> None:
        super().__init__(f"The tenant {tenant} is suspended.")


def test_an_error_of_ours_passes(invoke: Invoke) -> None:
    """A function may raise an `OpenAIError` of its own, which the caller gets as it is, without what is behind it."""

    def of(labels: Labels) -> Any:
        try:
            return {}[SECRET]
        except KeyError as error:
            raise SuspendedError(tenant=labels.tenant) from error

    with pytest.raises(SuspendedError, match="tenant a is suspended") as raised:
        ask(invoke, invoke.client(credentials=of))
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


def test_failures_are_not_kept(invoke: Invoke) -> None:
    """The function is asked again after it failed."""
    directory = Directory(a=3)
    client = invoke.client(credentials=directory)
    with pytest.raises(ConfigError):
        ask(invoke, client)
    directory.known["a"] = True
    ask(invoke, client)
    assert sent(invoke.upstream) == [key_of("a")]


@pytest.mark.parametrize("raised", [StopIteration(SECRET), StopAsyncIteration(SECRET), TimeoutError(SECRET)])
def test_odd_errors_are_errors_like_any(invoke: Invoke, raised: Exception) -> None:
    """Errors that coroutines, futures and timeouts treat apart neither hang a call nor get out of it."""

    def of(_: Labels) -> Any:
        raise raised

    for options in ({}, {"deadline": 60}):
        client = invoke.client(credentials=of, **options)
        with pytest.raises(CredentialsError) as caught:
            ask(invoke, client)
        assert SECRET not in str(caught.value)


def test_a_function_must_not_use_its_client(invoke: Invoke) -> None:
    """A function that calls the client which asks it gets an error in place of waiting for itself."""
    clients: list[Any] = []

    def of(_: Labels) -> Any:
        call = clients[0].chat.completions.create(**CHAT)
        return None if invoke.sync else call

    clients.append(invoke.client(credentials=of))
    with pytest.raises(ConfigError, match="uses the client that asks it"):
        ask(invoke, clients[0])


def test_a_function_may_use_its_client_without_tenants(invoke: Invoke) -> None:
    """A copy with `credentials=None` asks nobody, so that the function may use it, and others of another client."""
    clients: list[Any] = []

    def of(_: Labels) -> Any:
        free = clients[0].with_options(credentials=None)
        called = free.models.retrieve("gpt-5.5")

        async def later() -> Any:
            await called
            return {"api_key": key_of("a")}

        return {"api_key": key_of("a")} if invoke.sync else later()

    clients.append(invoke.client(credentials=of))
    ask(invoke, clients[0])
    assert sent(invoke.upstream) == [KEY, key_of("a")]


class Slow:
    """A function that waits in its first call until it is let go, and counts its calls."""

    def __init__(self, result: Callable[[], Any]) -> None:
        self.calls = 0
        self.entered = threading.Event()
        self.gate = threading.Event()
        self._result = result
        self._lock = threading.Lock()

    def __call__(self, _: Labels) -> Any:
        """Wait, and return the result."""
        with self._lock:
            self.calls += 1
            first = self.calls == 1
        if first:
            self.entered.set()
            assert self.gate.wait(30)
        return self._result()


def _failing() -> Any:
    raise KeyError(SECRET)


def waiters(client: Any) -> int:
    """Return how many calls wait for an answer that another asked for."""
    return sum(len(one.waiters) for one in client._credentials._kept().flights.values())


def at_once(upstream: Upstream, slow: Slow, *, sync: bool, count: int = 20) -> list[Any]:
    """Make calls of one tenant at once, all while the function is at work; return their results or errors."""
    if sync:
        with OpenAI(api_key=KEY, base_url=upstream.base_url, credentials=slow) as client:

            def one(_: int) -> Any:
                with labels(tenant="a"):
                    try:
                        return client.chat.completions.create(**CHAT)
                    except OpenAIError as error:
                        return error

            with ThreadPoolExecutor(count) as threads:
                runs = [threads.submit(one, number) for number in range(count)]
                assert slow.entered.wait(30)
                end = time.monotonic() + 30
                while waiters(client) < count - 1 and time.monotonic() < end:
                    time.sleep(0.005)
                slow.gate.set()
                return [run.result() for run in runs]

    async def main() -> list[Any]:
        async with AsyncOpenAI(api_key=KEY, base_url=upstream.base_url, credentials=slow) as client:
            with labels(tenant="a"):
                tasks = [asyncio.ensure_future(client.chat.completions.create(**CHAT)) for _ in range(count)]
            end = time.monotonic() + 30
            while waiters(client) < count - 1 and time.monotonic() < end:
                await asyncio.sleep(0.005)  # the loop runs while the function blocks its thread
            slow.gate.set()
            return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(main())


def test_calls_at_once_ask_once(upstream: Upstream, sync: bool) -> None:
    """Calls of one tenant at once ask the function once, and none of them blocks the loop while it is at work."""
    slow = Slow(lambda: {"api_key": key_of("a")})
    results = at_once(upstream, slow, sync=sync)
    assert [type(one).__name__ for one in results] == ["ChatCompletion"] * 20
    assert slow.calls == 1
    assert sent(upstream) == [key_of("a")] * 20


def test_calls_at_once_fail_together(upstream: Upstream, sync: bool) -> None:
    """A failure is that of all calls that waited for it, so that a broken directory is not asked by each in turn."""
    slow = Slow(_failing)
    results = at_once(upstream, slow, sync=sync)
    assert [type(one) for one in results] == [CredentialsError] * 20
    assert len({id(one) for one in results}) == 20
    assert slow.calls == 1


def test_an_error_without_a_copy_is_shared(upstream: Upstream, sync: bool) -> None:
    """An error of the application that cannot be copied is raised in each of the calls as it is."""

    def suspended() -> Any:
        raise SuspendedError(tenant="a")

    results = at_once(upstream, Slow(suspended), sync=sync, count=3)
    assert [type(one) for one in results] == [SuspendedError] * 3


def test_a_cancelled_call_leaves_the_question_to_another(upstream: Upstream) -> None:
    """Where the call that asked is cancelled, another that waits asks in its place."""
    begun: list[asyncio.Event] = []

    async def of(_: Labels) -> Any:
        event = asyncio.Event()
        begun.append(event)
        await event.wait()
        return {"api_key": key_of("a")}

    async def main() -> None:
        async with (
            asyncio.timeout(60),
            AsyncOpenAI(api_key=KEY, base_url=upstream.base_url, credentials=of) as client,
        ):
            with labels(tenant="a"):
                tasks = [asyncio.ensure_future(client.chat.completions.create(**CHAT)) for _ in range(5)]
            for number in range(4):
                while len(begun) <= number or waiters(client) < 4 - number:
                    await asyncio.sleep(0)
                tasks[number].cancel()
                with pytest.raises(asyncio.CancelledError):
                    await tasks[number]
            while len(begun) < 5:
                await asyncio.sleep(0)
            begun[4].set()
            await tasks[4]
            assert not client._credentials._kept().flights

    asyncio.run(main())
    assert sent(upstream) == [key_of("a")]


def test_a_function_that_hangs_takes_the_time_of_its_call(upstream: Upstream) -> None:
    """The deadline of a call bounds the function and the wait for another's answer; nothing is sent afterwards."""

    async def of(_: Labels) -> Any:
        key = SECRET
        await asyncio.Event().wait()
        return key

    async def main() -> None:
        async with AsyncOpenAI(
            api_key=KEY, base_url=upstream.base_url, credentials=of, deadline=0.2
        ) as client:
            with labels(tenant="a"):
                results = await asyncio.gather(
                    *(client.chat.completions.create(**CHAT) for _ in range(3)), return_exceptions=True
                )
        for error in results:
            assert isinstance(error, DeadlineExceededError)
            assert SECRET not in str(_variables(error))

    asyncio.run(main())
    assert sent(upstream) == []


def _variables(error: BaseException | None) -> list[Any]:
    """Return the variables of all frames behind an error and its causes."""
    found: list[Any] = []
    while error is not None:
        found += [frame.f_locals for frame, _ in walk_tb(error.__traceback__)]
        error = error.__cause__ or error.__context__
    return found


def test_a_thread_waits_for_another_no_longer_than_its_call_may(upstream: Upstream) -> None:
    """A call in a thread that waits for another's answer ends with its own deadline."""
    slow = Slow(lambda: {"api_key": key_of("a")})
    with (
        OpenAI(api_key=KEY, base_url=upstream.base_url, credentials=slow) as client,
        labels(tenant="a"),
        ThreadPoolExecutor(1) as threads,
    ):
        first = threads.submit(copy_context().run, lambda: client.chat.completions.create(**CHAT))
        assert slow.entered.wait(30)
        with pytest.raises(DeadlineExceededError):
            client.with_options(deadline=0.1).chat.completions.create(**CHAT)
        slow.gate.set()
        first.result()
    assert slow.calls == 1
    assert sent(upstream) == [key_of("a")]


def test_a_function_that_comes_back_late_sends_nothing(upstream: Upstream) -> None:
    """A thread cannot be taken out of the function, but what comes back after the deadline is not sent."""

    def of(_: Labels) -> Any:
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            time.sleep(0.01)
        return {"api_key": key_of("a")}

    with (
        OpenAI(api_key=KEY, base_url=upstream.base_url, credentials=of, deadline=0.05) as client,
        pytest.raises(DeadlineExceededError),
        labels(tenant="a"),
    ):
        client.chat.completions.create(**CHAT)
    assert sent(upstream) == []


def test_a_function_has_an_end_without_a_deadline(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that never comes back is an error after a while, for those too that wait for its answer."""
    monkeypatch.setattr(function, "ASK_SECONDS", 0.1)
    monkeypatch.setattr(kept, "ASK_SECONDS", 0.1)

    async def of(_: Labels) -> Any:
        await asyncio.Event().wait()

    async def main() -> None:
        async with AsyncOpenAI(api_key=KEY, base_url=upstream.base_url, credentials=of) as client:
            with labels(tenant="a"):
                results = await asyncio.gather(
                    *(client.chat.completions.create(**CHAT) for _ in range(3)), return_exceptions=True
                )
        assert [type(one) for one in results] == [CredentialsError] * 3
        assert "was not over within 0.1 s" in str(results)

    asyncio.run(main())
    assert sent(upstream) == []


def test_loops_share_an_answer(upstream: Upstream) -> None:
    """A call on one loop waits for what a call on another asked, and is woken by it."""
    slow = Slow(lambda: {"api_key": key_of("a")})
    client = AsyncOpenAI(api_key=KEY, base_url=upstream.base_url, credentials=slow)

    async def one() -> None:
        with labels(tenant="a"):
            await client.chat.completions.create(**CHAT)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(asyncio.run, one())
        assert slow.entered.wait(30)
        second = threads.submit(asyncio.run, one())
        end = time.monotonic() + 30
        while not waiters(client) and time.monotonic() < end:
            time.sleep(0.005)
        slow.gate.set()
        first.result(30)
        second.result(30)
    asyncio.run(client.close())
    assert slow.calls == 1
    assert sent(upstream) == [key_of("a")] * 2


def test_a_child_asks_for_itself(upstream: Upstream) -> None:
    """A child that is forked while its parent asks begins with nothing under way, and asks itself."""
    slow = Slow(lambda: {"api_key": key_of("a")})
    client = OpenAI(api_key=KEY, base_url=upstream.base_url, credentials=slow)
    with labels(tenant="a"), ThreadPoolExecutor(1) as threads:
        first = threads.submit(copy_context().run, lambda: client.chat.completions.create(**CHAT))
        assert slow.entered.wait(30)
        assert in_child(lambda: bool(client.chat.completions.create(**CHAT)))
        slow.gate.set()
        first.result()
    client.close()
    assert os.getpid() == client._credentials._kept().process
    assert sent(upstream) == [key_of("a")] * 2


def test_the_repr_of_a_client_shows_no_key(invoke: Invoke) -> None:
    """Neither the repr of a client nor that of what it keeps shows a key."""
    client = invoke.client(credentials=known)
    ask(invoke, client)
    shown = (
        repr(client) + repr(client._credentials) + repr(client._accounts) + repr(client._accounts._clients)
    )
    assert key_of("a") not in shown
    assert "known" in repr(client._credentials)
