"""Methods written once for both clients: an `async def` that the sync client exposes as a plain method.

The type parameter of a resource is its mode: what its methods return at type-check time. At run time the client
says whether it blocks, and the resource's view whether answers come parsed, raw or unread.
"""

from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from types import MethodType
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Self,
    TypeVar,
    cast,
    overload,
)

from .._call.call import Call
from .._call.protocols import Client, View
from .._io import finish
from .._models.accessor import accessor
from .._params.keywords import check_given, check_keywords, takes_body
from .._params.omit import ADMIN_PATHS, OPTIONS, check_extra
from .._params.query import merge
from .inspected import show
from .modes import Async, AsyncRaw, AsyncStreaming, M, Raw, Streaming, Sync

if TYPE_CHECKING:
    from .._answers.raw_response import (
        APIResponse,
        AsyncAPIResponse,
        AsyncResponseContextManager,
        LegacyAPIResponse,
        ResponseContextManager,
    )


P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
A = TypeVar("A")


class Resource(Generic[M]):
    """A group of operations bound to one client."""

    def __init__(self, client: Client, view: View = "parsed") -> None:
        self._client = client
        self._view: View = view

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run an operation's coroutine in this resource's mode: sync, async or unread."""
        if self._view == "unread":
            from .._answers.raw_response import AsyncResponseContextManager, ResponseContextManager  # noqa: PLC0415 - on use

            sync = self._client.io.sync
            return (ResponseContextManager if sync else AsyncResponseContextManager)(coroutine)
        return finish(coroutine) if self._client.io.sync else coroutine

    def _as(self, view: View) -> Any:
        """Return another view of this resource."""
        return self if self._view == view else type(self)(self._client, view)

    def _call(
        self,
        method: str,
        path: str,
        accepts: Any,
        params: Mapping[str, Any],
        cast_to: type[T],
        *,
        stream: Any = None,
        headers: Mapping[str, str] | None = None,
        query: tuple[str, ...] = (),
        files: tuple[str, ...] = (),
        shape: Callable[[Any], Any] | None = None,
    ) -> Coroutine[Any, Any, T]:
        """Validate *params* against the TypedDict *accepts*, send them, and return the answer as a *cast_to*.

        With *shape*, return what it makes of that answer.
        The parameters of a GET and those named in *query* go into the query string, all others into a JSON body,
        or, where one of those named in *files* is given, into a multipart form. Where the caller asked for
        `stream=True`, the answer is a stream of *stream* items.
        """
        check_keywords(params, accepts, path, streams=stream is not None)
        if files:
            check_given(params, accepts, path, files)
        call = self._describe(method, path, params, cast_to, headers=headers, query=query, files=files)
        if call.body is None and call.files is None and method != "GET" and takes_body(accepts, query):
            call.body = {}
        if stream is not None and params.get("stream"):
            call.stream = stream
        call.shape = shape
        return self._client.outcome(call, self._view)

    def _describe(
        self,
        method: str,
        path: str,
        params: Any,
        cast_to: Any,
        *,
        headers: Mapping[str, str] | None = None,
        query: tuple[str, ...] = (),
        files: tuple[str, ...] = (),
    ) -> Call:
        """Split keywords into request options and parameters, and describe the call; consumes *params*."""
        given: dict[str, Any] = params
        call = Call(self._client.io, method, path, cast_to)
        call.admin = path.startswith(ADMIN_PATHS)
        if self._view == "unread":
            call.unread = True
        call.headers = headers
        extra_body = None if OPTIONS.isdisjoint(given) else _take_options(call, given)
        if files:
            from .._params.files import take_files  # noqa: PLC0415 - only uploads need it

            call.files = take_files(given, files) or None
        if query:
            call.query = merge({name: given.pop(name) for name in query if name in given}, call.query)
        if method == "GET":
            call.query = merge(given, call.query)
        elif given or extra_body is not None:
            call.body = merge(given, extra_body) if extra_body else given
        return call


def _take_options(call: Call, given: dict[str, Any]) -> Any:
    """Move the options of every method from the keywords to the call; return what extends its body."""
    if extra_headers := given.pop("extra_headers", None):
        check_extra("extra_headers", extra_headers)
        call.headers = merge(call.headers, extra_headers)
    if extra_query := given.pop("extra_query", None):
        check_extra("extra_query", extra_query)
    call.query = extra_query
    if extra_body := given.pop("extra_body", None):
        check_extra("extra_body", extra_body)
    if "timeout" in given:
        call.timeout = given.pop("timeout")
    return extra_body


class operation(Generic[P, T]):  # noqa: N801 - reads as a keyword
    """Expose a coroutine method as is on `AsyncOpenAI`, as a plain function that runs it to its end on `OpenAI`."""

    def __init__(
        self,
        method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
        written: Callable[..., Any] | None = None,
    ) -> None:
        self._method = method
        self._written = written or method
        self.__doc__ = self._written.__doc__
        show(method, self._written)

    @accessor
    def _sync(self) -> Callable[..., Any]:
        return self._plain(is_sync=True)

    @accessor
    def _unread(self) -> Callable[..., Any]:
        return self._plain(is_sync=False)

    def _plain(self, *, is_sync: bool) -> Callable[..., Any]:
        method = self._method

        @wraps(self._written)
        def run(resource: Resource[Any], /, *args: Any, **kwargs: Any) -> Any:
            return resource._run(method(resource, *args, **kwargs))

        return show(run, self._written, behind=run if is_sync else None)

    def __call__(self, resource: Resource[Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call the operation of *resource*, as where it is taken from the class."""
        return cast("Any", self).__get__(resource, type(resource))(*args, **kwargs)

    def within(self, resource: Resource[Any], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        """Return the coroutine itself, for another operation to await."""
        return self._method(resource, *args, **kwargs)

    @overload
    def __get__(self, obj: None, owner: type, /) -> Self: ...
    @overload
    def __get__(self, obj: Resource[Sync], owner: type, /) -> Callable[P, T]: ...
    @overload
    def __get__(self, obj: Resource[Async], owner: type, /) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, obj: Resource[Raw], owner: type, /) -> "Callable[P, LegacyAPIResponse[T]]": ...
    @overload
    def __get__(
        self, obj: Resource[AsyncRaw], owner: type, /
    ) -> "Callable[P, Coroutine[Any, Any, LegacyAPIResponse[T]]]": ...
    @overload
    def __get__(
        self, obj: Resource[Streaming], owner: type, /
    ) -> "Callable[P, ResponseContextManager[APIResponse[T]]]": ...
    @overload
    def __get__(
        self, obj: Resource[AsyncStreaming], owner: type, /
    ) -> "Callable[P, AsyncResponseContextManager[AsyncAPIResponse[T]]]": ...
    def __get__(self, obj: Resource[Any] | None, owner: type, /) -> object:
        if obj is None:
            return self
        if obj._client.io.sync:
            return MethodType(self._sync, obj)
        return MethodType(self._unread if obj._view == "unread" else self._method, obj)


def overloaded(method: Callable[..., Coroutine[Any, Any, Any]]) -> Any:
    """Expose a method as an `operation` whose overloads say what it takes and returns."""
    return operation(method)


class RawView(Generic[R, A]):
    """`with_raw_response`: the same resource, its methods giving the HTTP response beside the result."""

    view: View = "raw"

    @overload
    def __get__(self, obj: None, owner: type, /) -> Self: ...
    @overload
    def __get__(self, obj: Resource[Sync], owner: type, /) -> R: ...
    @overload
    def __get__(self, obj: Resource[Async], owner: type, /) -> A: ...
    def __get__(self, obj: Resource[Any] | None, owner: type, /) -> object:
        return self if obj is None else type(obj)(obj._client, self.view)


class StreamingView(RawView[R, A]):
    """`with_streaming_response`: the same resource, its methods giving the response before its body is read."""

    view: View = "unread"
