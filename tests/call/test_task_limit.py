"""The time limit of a task, held against the one of asyncio."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

import pytest

from ai_client._io.task_limit import within
from tests.support.virtual_loop import run

Within: TypeAlias = Callable[[float, Awaitable[Any]], Awaitable[Any]]


async def within_of_asyncio(seconds: float, awaitable: Awaitable[Any]) -> Any:
    """Await something for a limited time as the standard library does."""
    async with asyncio.timeout(seconds):
        return await awaitable


async def ends_in_time(limited: Within) -> object:
    """Take less time."""
    return await limited(10, asyncio.sleep(5, "result"))


async def fails_in_time(limited: Within) -> object:
    """Fail before the time is over."""

    async def fail() -> None:
        await asyncio.sleep(5)
        raise ValueError("It failed.")

    return await limited(10, fail())


async def takes_longer(limited: Within) -> object:
    """Take more time."""
    return await limited(10, asyncio.sleep(50))


async def has_no_time(limited: Within) -> object:
    """Begin when the time is over: what does not wait is done, the first wait is not."""
    steps: list[str] = []

    async def step() -> None:
        steps.append("begun")
        await asyncio.sleep(5)
        steps.append("slept")

    try:
        await limited(0, step())
    except TimeoutError:
        return steps
    return "in time"


async def never_waits(limited: Within) -> object:
    """End without a wait when the time is over."""

    async def step() -> str:
        return "result"

    result = await limited(0, step())
    await asyncio.sleep(1)  # and is not interrupted later
    return result


async def is_cancelled(limited: Within) -> object:
    """Be cancelled by another task in time."""
    task = asyncio.ensure_future(limited(10, asyncio.sleep(50)))
    asyncio.get_running_loop().call_later(5, task.cancel)
    return await task


async def is_cancelled_at_its_time(limited: Within) -> object:
    """Be cancelled by another task at the moment when the time is over."""
    task = asyncio.ensure_future(limited(10, asyncio.sleep(50)))
    asyncio.get_running_loop().call_later(10, task.cancel)
    await asyncio.wait([task])
    return task.cancelled()


async def is_cancelled_before(limited: Within) -> object:
    """Go on after a cancellation that was asked for and put aside."""

    async def main() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        try:
            await limited(10, asyncio.sleep(50))
        except TimeoutError:
            return f"late, {task.cancelling()} cancellations"
        return "in time"

    return await asyncio.ensure_future(main())


async def puts_it_aside(limited: Within) -> object:
    """Not mind the interruption."""

    async def stubborn() -> str:
        try:
            await asyncio.sleep(50)
        except asyncio.CancelledError:
            await asyncio.sleep(1)
        return "result"

    result = await limited(10, stubborn())
    task = asyncio.current_task()
    return result, task is not None and task.cancelling()


async def fails_as_it_is_interrupted(limited: Within) -> object:
    """Turn the interruption into another error."""

    async def fails() -> None:
        try:
            await asyncio.sleep(50)
        except asyncio.CancelledError:
            raise ValueError("It failed.") from None

    try:
        await limited(10, fails())
    except ValueError as error:
        task = asyncio.current_task()
        return str(error), task is not None and task.cancelling()
    return "in time"


async def inner_is_first(limited: Within) -> object:
    """Have a shorter limit inside."""

    async def outer() -> str:
        try:
            await limited(5, asyncio.sleep(50))
        except TimeoutError:
            return await asyncio.sleep(2, "the inner one")
        return "neither"

    return await limited(10, outer())


async def outer_is_first(limited: Within) -> object:
    """Have a longer limit inside."""

    async def outer() -> str:
        try:
            await limited(50, asyncio.sleep(80))
        except TimeoutError:
            return "the inner one"
        return "neither"

    return await limited(10, outer())


async def both_at_once(limited: Within) -> object:
    """Have the same limit inside."""

    async def outer() -> str:
        try:
            await limited(10, asyncio.sleep(80))
        except TimeoutError:
            return "the inner one"
        return "neither"

    return await limited(10, outer())


async def finishes_at_its_time(limited: Within) -> object:
    """End at the moment when the time is over."""
    try:
        return await limited(10, asyncio.sleep(10, "result"))
    except TimeoutError:
        return "late"


SCENARIOS: list[Callable[[Within], Coroutine[Any, Any, object]]] = [
    ends_in_time,
    fails_in_time,
    takes_longer,
    has_no_time,
    never_waits,
    is_cancelled,
    is_cancelled_at_its_time,
    is_cancelled_before,
    puts_it_aside,
    fails_as_it_is_interrupted,
    inner_is_first,
    outer_is_first,
    both_at_once,
    finishes_at_its_time,
]


def outcome(scenario: Callable[[Within], Coroutine[Any, Any, object]], limited: Within) -> object:
    """Return the result or the error of a scenario, and when it came."""

    async def main() -> object:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            found: object = await scenario(limited)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it is
            found = repr(error), repr(error.__cause__)
        return found, round(loop.time() - began, 6)

    return run(main())


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_limit_of_a_task(scenario: Callable[[Within], Coroutine[Any, Any, object]]) -> None:
    """A limit ends a task when asyncio's own does, with the same result or error, and leaves no cancellation behind."""
    expected: object = outcome(scenario, within_of_asyncio)
    assert outcome(scenario, within) == expected
