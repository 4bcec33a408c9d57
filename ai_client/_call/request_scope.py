"""The scope of a request: its labels, and that it is served, from its arrival until its response is closed."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from .._fork import here
from .labels import Labels, Scope, scopes, served

T = TypeVar("T")


class RequestScope:
    """One request's labels; for adapters. None is inherited, and none outlives `end`.

    A request is served until `end`: at the end of an application its calls are still admitted. The context in which
    it runs has to be entered for each part of the work, which may be done in several threads: the view, and each
    step of a streamed body.

    Args:
        endpoint: The route's template; a function if it is not known yet, called until it returns one.
    """

    def __init__(self, endpoint: str | Callable[[], str | None] | None = None) -> None:
        here()
        find = endpoint if callable(endpoint) else None
        known = endpoint if isinstance(endpoint, str) else None
        self.scope = Scope(Labels(known), shared=True, find_endpoint=find, of_request=True)
        served.add(self.scope)

    @contextmanager
    def entered(self) -> Generator[None]:
        """Use the labels inside the block; afterwards the context is as it was before."""
        before = scopes.get()
        scopes.set(self.scope)
        try:
            yield
        finally:
            scopes.set(before)

    def end(self) -> None:
        """End the request; ending it twice is harmless."""
        served.discard(self.scope)

    def steps(self, parts: Iterable[T]) -> Iterator[T]:
        """Iterate over the parts of a body, each made within the labels; the body is its server's to close."""
        step = _Step(self.scope)
        with step:
            iterator = iter(parts)
        while True:
            with step:
                try:
                    part = next(iterator)
                except StopIteration:
                    return
            yield part

    async def async_steps(self, parts: AsyncIterable[T]) -> AsyncIterator[T]:
        """Iterate over the parts of a body, each made within the labels."""
        step = _Step(self.scope)
        with step:
            iterator = aiter(parts)
        try:
            while True:
                with step:
                    try:
                        part = await anext(iterator)
                    except StopAsyncIteration:
                        return
                yield part
        finally:
            close: Callable[[], Any] | None = getattr(iterator, "aclose", None)
            if close is not None:
                with step:
                    await close()


class _Step:
    """A step of a body: goes on in the scope in which the last one ended, and leaves its context as it was."""

    def __init__(self, scope: Scope) -> None:
        self._inside: Scope | None = scope
        self._outside: Scope | None = None

    def __enter__(self) -> None:
        self._outside = scopes.get()
        scopes.set(self._inside)

    def __exit__(self, *raised: object) -> None:
        self._inside = scopes.get()
        scopes.set(self._outside)


@contextmanager
def request_labels(endpoint: str | Callable[[], str | None] | None = None) -> Generator[None]:
    """Keep the labels of a request that is served inside the block, from its first step to its last.

    Args:
        endpoint: The route's template; a function if it is not known yet, called until it returns one.
    """
    request = RequestScope(endpoint)
    try:
        with request.entered():
            yield
    finally:
        request.end()
