"""The scope of a request: its labels, and that it is served, from its arrival until its response is closed."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar

from .._call.labels import Labels, RequestId, Scope, scopes, served
from .._call.timings import inherit_timings
from .._fork import here

T = TypeVar("T")
_NONE = Labels()


class RequestScope(Scope):
    """A request that is being served: its labels, and its claim to be finished when the application ends.

    From its creation until `end`, calls made within it have its labels and are admitted while the provider drains;
    the provider waits for it. No label is inherited from the context in which it is created.

    A server that awaits the application until the body is sent, as ASGI servers do, needs one `with` statement:

        with RequestScope(template):
            await application(scope, receive, send)

    Where the body is sent after the application has returned, each part of the work enters the scope for itself, in
    whatever thread it runs, and `end` is called when the server closes the response:

        request = RequestScope(template)
        with request.entered():
            response = view()
        body = request.steps(response.body)

    Args:
        endpoint: The template of the route, such as `/items/{id}`. If it is not known yet, a function, which is called
            until it returns one, or nothing, and `set_endpoint` is called later.
    """

    __slots__ = ("_before", "_route")

    def __init__(self, endpoint: str | Callable[[], str | None] | None = None) -> None:
        here()
        self._route = _Matched() if endpoint is None else None
        known = Labels(endpoint) if isinstance(endpoint, str) else _NONE
        find = endpoint if callable(endpoint) else self._route
        request = RequestId()
        inherit_timings(request)
        super().__init__(known, shared=True, find_endpoint=find, request=request)
        self._before: Scope | None = None
        served.add(self)

    def __enter__(self) -> Self:
        """Use the labels inside the block, after which the request has ended."""
        self._before = scopes.get()
        scopes.set(self)
        return self

    def __exit__(self, *raised: object) -> None:
        scopes.set(self._before)
        self.end()

    @contextmanager
    def entered(self) -> Generator[None]:
        """Use the labels inside the block, after which the context is as it was before and the request goes on."""
        before = scopes.get()
        scopes.set(self)
        try:
            yield
        finally:
            scopes.set(before)

    def set_endpoint(self, template: str) -> None:
        """Set the template of the route once it is known, unless the scope was created with one.

        An endpoint that the application has labelled stays.
        """
        if self._route is not None:
            self._route.template = template

    def end(self) -> None:
        """End the request, from any thread. Idempotent."""
        served.discard(self)

    def steps(self, parts: Iterable[T]) -> Iterator[T]:
        """Iterate over the parts of a body, each made within the labels.

        Neither the body nor the request is closed at the end: that is for whoever closes the response.
        """
        step = _Step(self)
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
        """Iterate over the parts of a body, each made within the labels; close the iterator at the end."""
        step = _Step(self)
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


class _Matched:
    """The template of a request's route, shared with the blocks of labels that are entered before it is known."""

    __slots__ = ("template",)

    def __init__(self) -> None:
        self.template: str | None = None

    def __call__(self) -> str | None:
        return self.template


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
