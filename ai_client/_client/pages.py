"""Lists that come page by page: the pages, and the descriptors of the methods that return them."""

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
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

from .._call.call import Call
from .._call.protocols import Client, View
from .._io import finish
from .._models.base import BaseModel
from .._models.decode import admits
from .._params.keywords import check_keywords
from .._params.query import merge
from .modes import Async, AsyncRaw, AsyncStreaming, Raw, Streaming, Sync
from .operation import Resource, Runner

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


@dataclass(frozen=True, slots=True)
class PageInfo:
    """How to ask for the next page: what changes in the query."""

    params: dict[str, object]


class Page(BaseModel, Generic[T]):
    """One page of a list, and what both clients' pages share."""

    data: list[T]

    _is_page: ClassVar[bool] = True
    _client: ClassVar[Client]
    _call: ClassVar[Call]

    def _holds_items(self) -> bool:
        """Return whether `data` is absent or a list of the page's item type."""
        data = cast("object", self.data)
        return data is None or admits(type(self).model_fields["data"].annotation, data, deep=True)

    def _bind(self, client: Client, call: Call) -> None:
        object.__setattr__(self, "_client", client)
        object.__setattr__(self, "_call", call)

    def next_page_info(self) -> PageInfo | None:
        """Return the parameters of the next page, or `None` after the last."""
        return None

    def has_next_page(self) -> bool:
        """Return whether there is another page."""
        return bool(self.data) and self.next_page_info() is not None

    async def _next(self) -> Self:
        info = self.next_page_info()
        if info is None:
            raise RuntimeError("There is no next page: check has_next_page() before get_next_page().")
        record = self._call.record and self._call.record.fresh()  # of the same tenant, wherever it is read
        call = replace(self._call, query=merge(self._call.query, info.params), record=record)
        return cast("Self", self._client.result(call, await self._client.perform(call), "parsed"))


class SyncPages(Page[T]):
    """A page of the sync client; iterating it goes on through all further pages."""

    def __iter__(self) -> Iterator[T]:  # type: ignore[override]
        for page in self.iter_pages():
            yield from page.data or ()

    def iter_pages(self) -> Iterator[Self]:
        """Iterate over this page and all that follow."""
        page = self
        yield page
        while page.has_next_page():
            page = page.get_next_page()
            yield page

    def get_next_page(self) -> Self:
        """Fetch the next page."""
        return finish(self._next())


class AsyncPages(Page[T]):
    """A page of the async client; iterating it goes on through all further pages."""

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.iter_pages():
            for item in page.data or ():
                yield item

    async def iter_pages(self) -> AsyncIterator[Self]:
        """Iterate over this page and all that follow."""
        page = self
        yield page
        while page.has_next_page():
            page = await page.get_next_page()
            yield page

    async def get_next_page(self) -> Self:
        """Fetch the next page."""
        return await self._next()


class _WholeList(Page[T]):
    object: str


class _Cursor(Page[T]):
    has_more: bool | None = None

    def has_next_page(self) -> bool:
        """Return whether there is another page."""
        return self.has_more is not False and super().has_next_page()

    def next_page_info(self) -> PageInfo | None:
        """Return the parameters of the next page: `after` the last item's id."""
        last = getattr(self.data[-1], "id", None) if self.data else None
        return None if last is None else PageInfo({"after": last})


class _ConversationCursor(_Cursor[T]):
    last_id: str | None = None

    def next_page_info(self) -> PageInfo | None:
        """Return the parameters of the next page: `after` is `last_id`."""
        return PageInfo({"after": self.last_id}) if self.last_id else None


class _NextCursor(_Cursor[T]):
    next: str | None = None

    def next_page_info(self) -> PageInfo | None:
        """Return the parameters of the next page: `after` is `next`."""
        return PageInfo({"after": self.next}) if self.next else None


class SyncPage(SyncPages[T], _WholeList[T]):
    """A list that the API gives whole."""


class AsyncPage(AsyncPages[T], _WholeList[T]):
    """A list that the API gives whole."""


class SyncCursorPage(SyncPages[T], _Cursor[T]):
    """A page continued after its last item's id."""


class AsyncCursorPage(AsyncPages[T], _Cursor[T]):
    """A page continued after its last item's id."""


class SyncConversationCursorPage(SyncPages[T], _ConversationCursor[T]):
    """A page continued after its `last_id`."""


class AsyncConversationCursorPage(AsyncPages[T], _ConversationCursor[T]):
    """A page continued after its `last_id`."""


class SyncNextCursorPage(SyncPages[T], _NextCursor[T]):
    """A page continued after its `next`."""


class AsyncNextCursorPage(AsyncPages[T], _NextCursor[T]):
    """A page continued after its `next`."""


class AsyncPaginator(Generic[T, PageT]):
    """A list not yet asked for: await it for its first page, or iterate over all its items."""

    def __init__(self, listing: "Listing[Any, PageT, T]") -> None:
        self._listing = listing

    def __await__(self) -> Generator[Any, None, PageT]:
        return self._listing.fetch().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        page = cast("AsyncPages[T]", await self)
        async for item in page:
            yield item


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
        return self._client.result(self._call, await self._client.perform(self._call), self._view)


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
        lazy = not obj._client.io.sync and obj._view == "parsed"

        def run(listing: Listing[Any, Any, Any]) -> Any:
            return AsyncPaginator(listing) if lazy else obj._run(listing.fetch())

        return Runner(run, MethodType(self._method, obj))
