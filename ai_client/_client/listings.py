"""The methods that return lists: what they describe, and how each client asks for it."""

from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from types import MethodType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Concatenate,
    Generic,
    ParamSpec,
    Self,
    TypeVar,
    cast,
    overload,
)

from .._call.protocols import View
from .._models.accessor import accessor
from .._params.keywords import check_keywords
from .inspected import show
from .modes import Async, AsyncRaw, AsyncStreaming, Raw, Streaming, Sync
from .operation import Resource, operation
from .pages import (
    AsyncConversationCursorPage,
    AsyncCursorPage,
    AsyncNextCursorPage,
    AsyncPage,
    AsyncPaginator,
    SyncConversationCursorPage,
    SyncCursorPage,
    SyncNextCursorPage,
    SyncPage,
)

if TYPE_CHECKING:
    from .._answers.raw_response import (
        APIResponse,
        AsyncAPIResponse,
        AsyncResponseContextManager,
        LegacyAPIResponse,
        ResponseContextManager,
    )

T = TypeVar("T")
P = ParamSpec("P")
S = TypeVar("S")
PageT = TypeVar("PageT")


class Listing(Generic[S, PageT, T]):
    """A list operation, described: what a method below `@pages` returns."""

    sync: ClassVar[Any]
    asynchronous: ClassVar[Any]

    def __init__(
        self,
        resource: Resource[Any],
        path: str,
        accepts: Any,
        params: Mapping[str, Any],
        item: type[T],
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        check_keywords(params, accepts, path)
        self._client = resource._client
        self._view: View = resource._view
        page = self.sync if self._client.io.sync else self.asynchronous
        self._call = resource._describe(method, path, params, page[item], headers=headers)

    async def fetch(self) -> Any:
        """Ask for the first page."""
        return await self._client.outcome(self._call, self._view)


class PlainListing(Listing["SyncPage[T]", "AsyncPage[T]", T]):
    """A list that the API gives whole."""

    sync = SyncPage
    asynchronous = AsyncPage


class CursorListing(Listing["SyncCursorPage[T]", "AsyncCursorPage[T]", T]):
    """A list continued after each page's last id."""

    sync = SyncCursorPage
    asynchronous = AsyncCursorPage


class ConversationCursorListing(
    Listing["SyncConversationCursorPage[T]", "AsyncConversationCursorPage[T]", T]
):
    """A list continued after each page's `last_id`."""

    sync = SyncConversationCursorPage
    asynchronous = AsyncConversationCursorPage


class NextCursorListing(Listing["SyncNextCursorPage[T]", "AsyncNextCursorPage[T]", T]):
    """A list continued after each page's `next`."""

    sync = SyncNextCursorPage
    asynchronous = AsyncNextCursorPage


class pages(Generic[P, S, PageT, T]):  # noqa: N801 - reads as a keyword
    """Expose a list operation: a page on `OpenAI`, an `AsyncPaginator` on `AsyncOpenAI`."""

    def __init__(self, method: Callable[Concatenate[Any, P], Listing[S, PageT, T]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    @accessor
    def _lazy(self) -> Callable[..., Any]:
        method = self._method

        @wraps(method)
        def ask(resource: Resource[Any], /, *args: Any, **kwargs: Any) -> Any:
            return AsyncPaginator[Any, Any](method(resource, *args, **kwargs).fetch)

        return show(ask, method)

    @accessor
    def _fetching(self) -> Any:
        method = self._method

        @wraps(method)
        async def fetch(resource: Resource[Any], /, *args: Any, **kwargs: Any) -> Any:
            return await method(resource, *args, **kwargs).fetch()

        return operation(fetch, method)

    def __call__(self, resource: Resource[Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call the operation of *resource*, as where it is taken from the class."""
        return cast("Any", self).__get__(resource, type(resource))(*args, **kwargs)

    @overload
    def __get__(self, obj: None, owner: type, /) -> Self: ...
    @overload
    def __get__(self, obj: Resource[Sync], owner: type, /) -> Callable[P, S]: ...
    @overload
    def __get__(self, obj: Resource[Async], owner: type, /) -> Callable[P, AsyncPaginator[T, PageT]]: ...
    @overload
    def __get__(self, obj: Resource[Raw], owner: type, /) -> "Callable[P, LegacyAPIResponse[S]]": ...
    @overload
    def __get__(
        self, obj: Resource[AsyncRaw], owner: type, /
    ) -> "Callable[P, Coroutine[Any, Any, LegacyAPIResponse[PageT]]]": ...
    @overload
    def __get__(
        self, obj: Resource[Streaming], owner: type, /
    ) -> "Callable[P, ResponseContextManager[APIResponse[S]]]": ...
    @overload
    def __get__(
        self, obj: Resource[AsyncStreaming], owner: type, /
    ) -> "Callable[P, AsyncResponseContextManager[AsyncAPIResponse[PageT]]]": ...
    def __get__(self, obj: Resource[Any] | None, owner: type, /) -> object:
        if obj is None:
            return self
        if obj._view == "parsed" and not obj._client.io.sync:
            return MethodType(self._lazy, obj)
        return self._fetching.__get__(obj, owner)
