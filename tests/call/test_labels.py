"""Labels follow a request, and stay inside it."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

import pytest

from ai_client import Labels, carry_labels, current_labels, labels
from ai_client.adapter import RequestScope

T = TypeVar("T")


def fresh(function: Callable[[], T]) -> T:
    """Run a function in a context without labels."""
    return contextvars.Context().run(function)


def test_nothing_is_labelled_by_default() -> None:
    """Outside of a request every label is unknown."""
    assert fresh(current_labels) == Labels(None, None, None)


def test_labels_outside_of_a_request_stay_in_their_context() -> None:
    """Without a request, labels hold in the current context and its copies, not around it."""

    def inside() -> Labels:
        labels(tenant="acme")
        assert current_labels().tenant == "acme"
        contextvars.copy_context().run(lambda: labels(tenant="other"))
        return current_labels()

    assert fresh(inside) == Labels(None, "acme", None)


def test_labels_of_a_request_are_set_from_a_copy_of_its_context() -> None:
    """A dependency that runs in a thread pool labels the request it belongs to."""

    def request() -> tuple[Labels, ...]:
        with RequestScope("/items/{id}"):
            contextvars.copy_context().run(lambda: labels(tenant="acme", user="ann"))
            seen = current_labels()
        return seen, current_labels()

    assert fresh(request) == (Labels("/items/{id}", "acme", "ann"), Labels())


def test_block_ends_with_its_labels() -> None:
    """Labels given to a `with` statement hold inside it only, within a request and outside."""

    def inside() -> tuple[Labels, ...]:
        with labels(tenant="acme", user="ann"):
            with labels(user="bob"):
                inner = current_labels()
            outer = current_labels()
        return inner, outer, current_labels()

    def request() -> tuple[Labels, ...]:
        with RequestScope("/ask"):
            return inside()

    assert fresh(inside) == (Labels(None, "acme", "bob"), Labels(None, "acme", "ann"), Labels())
    assert fresh(request) == (
        Labels("/ask", "acme", "bob"),
        Labels("/ask", "acme", "ann"),
        Labels("/ask"),
    )


def test_block_is_not_seen_by_a_sibling_task() -> None:
    """A `with` block in one task of a request leaves the request's other tasks as they are."""

    async def sibling(ready: asyncio.Event, done: asyncio.Event) -> Labels:
        await ready.wait()
        seen = current_labels()
        done.set()
        return seen

    async def main() -> Labels:
        with RequestScope("/ask"):
            ready, done = asyncio.Event(), asyncio.Event()
            task = asyncio.create_task(sibling(ready, done))
            with labels(tenant="acme"):
                ready.set()
                await done.wait()
            return await task

    assert asyncio.run(main()) == Labels("/ask")


def test_endpoint_is_looked_up_when_first_known() -> None:
    """An endpoint that is known only after routing is asked for until it is there, then no more."""
    answers = iter([None, "/items/{id}"])

    def request() -> list[str | None]:
        with RequestScope(lambda: next(answers)):
            return [current_labels().endpoint for _ in range(3)]

    assert fresh(request) == [None, "/items/{id}", "/items/{id}"]


def test_one_request_does_not_see_another() -> None:
    """Requests served side by side on one loop keep their labels apart."""

    async def serve(number: int) -> Labels:
        with RequestScope(f"/{number}"):
            labels(tenant=f"tenant-{number}")
            await asyncio.sleep(0)
            return current_labels()

    async def main() -> list[Labels]:
        return await asyncio.gather(*(serve(number) for number in range(10)))

    assert asyncio.run(main()) == [Labels(f"/{number}", f"tenant-{number}") for number in range(10)]


def test_labels_are_carried_into_a_thread_pool() -> None:
    """A function wrapped by `carry_labels` runs labelled in a pool that does not take contexts along."""

    def request() -> tuple[Labels, ...]:
        with RequestScope("/ask"), ThreadPoolExecutor(1) as pool:
            labels(tenant="acme")
            carried = pool.submit(carry_labels(current_labels)).result()
            return carried, pool.submit(current_labels).result()

    assert fresh(request) == (Labels("/ask", "acme"), Labels())


class Plan(str, Enum):  # noqa: UP042 - as written before there was StrEnum
    """A tenant as an application may name it."""

    ACME = "acme"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("acme", "acme"),
        ("", ""),
        ("ü", "ü"),
        (Plan.ACME, "acme"),
        (5, "5"),
        (0, "0"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        ("a\ud800", r"a\ud800"),
        ("ü\0", r"ü\x00"),
    ],
    ids=repr,
)
def test_labels_are_kept_as_text(given: Any, kept: str) -> None:
    """What an application has for a tenant, such as the key of a row, is text that every store keeps."""

    def inside() -> Labels:
        labels(endpoint=given, tenant=given, user=given)
        return current_labels()

    found = fresh(inside)
    assert found == Labels(kept, kept, kept)
    assert {type(value) for value in found} == {str}


@pytest.mark.parametrize(
    "given", [b"acme", True, 1.5, ["acme"], object()], ids=["bytes", "bool", "float", "list", "object"]
)
@pytest.mark.parametrize("name", ["endpoint", "tenant", "user"])
def test_what_is_no_label_is_refused(name: str, given: Any) -> None:
    """What has no one text is refused where it is given, before anything is sent."""
    with pytest.raises(TypeError, match=f"labels: {name} must be text, a number or a UUID, not"):
        fresh(lambda: labels(**{name: given}))
