"""Labels of calls: the endpoint being served, and the tenant and user it is served for.

Labels live in the context of a request and follow it wherever contexts do: into tasks, background tasks, streams,
`asyncio.to_thread` and the thread pools of the frameworks. `carry_labels` takes them into other threads.
With them goes that they are a request's, so that at the end of an application requests can be finished.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from os import urandom
from threading import Lock
from typing import Any, NamedTuple, ParamSpec, Self, TypeAlias, TypeVar
from uuid import UUID

from .._fork import PerProcess, here, in_child

P = ParamSpec("P")
T = TypeVar("T")


LabelValue: TypeAlias = str | int | UUID
"""A label as it is given: text, or the number or UUID of a row, which is kept as text."""


class Labels(NamedTuple):
    """Endpoint, tenant and user of a call; `None` means unknown.

    Attributes:
        endpoint: The template of the route being served, `/items/{id}` say.
        tenant: The customer that the request belongs to.
        user: The person who made it.
    """

    endpoint: str | None = None
    tenant: str | None = None
    user: str | None = None


def label_text(name: str, value: object) -> str | None:
    """Return a label as every store keeps it.

    Raises:
        TypeError: It is neither text, a number nor a UUID.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return storable(value[:])  # of a subclass, or a proxy of a framework, the text alone
    if isinstance(value, int | UUID) and not isinstance(value, bool):
        return str(value)
    raise TypeError(f"labels: {name} must be text, a number or a UUID, not {type(value).__name__}.")


def storable(text: str) -> str:
    """Return a text with escapes for what some store cannot keep: NUL, and halves of surrogate pairs.

    So texts that differ in these stay apart.
    """
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", r"\x00").encode(errors="backslashreplace").decode()


class RequestId:
    """The id of one web request, made when it is first asked for.

    Attributes:
        timings: The times of its calls, where somebody wants them.
    """

    __slots__ = ("_text", "timings")

    def __init__(self) -> None:
        self._text: str | None = None
        self.timings: Any = None

    def __str__(self) -> str:
        text = self._text
        if text is None:
            with _making_id():
                text = self._text = self._text or urandom(8).hex()
        return text


_making_id = PerProcess(Lock)


class Scope:
    """Where labels are kept; that of a request is shared by every copy of the request's context."""

    __slots__ = ("find_endpoint", "labels", "request", "shared")

    def __init__(
        self,
        labels: Labels,
        shared: bool,
        find_endpoint: Callable[[], str | None] | None,
        request: RequestId | None = None,
    ) -> None:
        self.labels = labels
        self.shared = shared
        self.find_endpoint = find_endpoint
        self.request = request


_NONE = Labels()
_finders: tuple[Callable[[], Scope | None], ...] = ()
scopes: ContextVar[Scope | None] = ContextVar("ai_client_labels", default=None)
served: set[Scope] = set()
"""The scopes of the requests that this process serves."""
in_child(served.clear)


def current_scope() -> Scope | None:
    """Return the scope of the current context, or that which a framework keeps for the request being served."""
    scope = scopes.get()
    if scope is None:
        for find in _finders:
            scope = scope or find()
    return scope


def find_scopes_by(find: Callable[[], Scope | None]) -> None:
    """Have *find* asked where a context has no scope: a framework may keep it with its request.

    A request that is copied into another thread has its labels there too, though it has another context.
    """
    global _finders  # noqa: PLW0603 - replaced as a whole
    if find not in _finders:
        _finders = (*_finders, find)


def current_labels() -> Labels:
    """Return the labels of the current context."""
    scope = current_scope()
    if scope is None:
        return _NONE
    found = scope.labels
    if found.endpoint is None and scope.find_endpoint is not None:
        endpoint = scope.find_endpoint()
        if endpoint is not None:
            found = scope.labels = found._replace(endpoint=endpoint)
    return found


class labels:  # noqa: N801 - reads as a verb: `labels(...)`, or `with labels(...):`
    """Label the calls made from here on; in a `with` statement, those made inside it.

    Alone, it holds for the rest of the request, also when a dependency or a helper in another thread says it.
    Outside of a request it holds for the rest of the task or thread. A label that is not given stays as it is.

    Args:
        endpoint: The endpoint; the adapters set it to the route's template.
        tenant: The customer that the calls belong to.
        user: The person whom the calls serve.

    Raises:
        TypeError: One of them is neither text, a number nor a UUID.
    """

    __slots__ = ("_before", "_labels", "_outer", "_there")

    def __init__(
        self,
        *,
        endpoint: LabelValue | None = None,
        tenant: LabelValue | None = None,
        user: LabelValue | None = None,
    ) -> None:
        before = self._before = current_labels()
        self._there = scopes.get()
        outer = self._outer = current_scope()
        self._labels = Labels(
            before.endpoint if endpoint is None else label_text("endpoint", endpoint),
            before.tenant if tenant is None else label_text("tenant", tenant),
            before.user if user is None else label_text("user", user),
        )
        if outer is not None and outer.shared:
            outer.labels = self._labels
        else:
            self._open()

    def _open(self) -> None:
        outer = self._outer
        if outer is None:
            scopes.set(Scope(self._labels, shared=False, find_endpoint=None))
        else:
            scopes.set(Scope(self._labels, outer.shared, outer.find_endpoint, outer.request))

    def __enter__(self) -> Self:
        outer = self._outer
        if outer is not None and outer.shared:
            if outer.labels is self._labels:
                outer.labels = self._before
            self._open()
        return self

    def __exit__(self, *exc: object) -> None:
        scopes.set(self._there)


def in_request() -> bool:
    """Return whether the current context serves a request."""
    scope = current_scope()
    return scope is not None and scope.request is not None


def current_request() -> str | None:
    """Return the id of the web request that the current context serves; `None` where it serves none."""
    scope = current_scope()
    return None if scope is None or scope.request is None else str(scope.request)


def requests_are_served() -> bool:
    """Return whether any request is being served in this process."""
    here()
    return bool(served)


def carry_labels(function: Callable[P, T]) -> Callable[P, T]:
    """Return *function* bound to the current labels, to be called in any thread.

    For `ThreadPoolExecutor.submit` and the like, which do not take the context along.
    """
    scope = current_scope()

    @wraps(function)
    def carried(*args: P.args, **kwargs: P.kwargs) -> T:
        before = scopes.get()
        scopes.set(scope)
        try:
            return function(*args, **kwargs)
        finally:
            scopes.set(before)

    return carried
