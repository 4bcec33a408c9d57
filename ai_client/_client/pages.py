"""Lists that come page by page."""

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

from .._call.call import Call
from .._call.protocols import Client
from .._io import finish
from .._models.base import BaseModel
from .._models.decode import admits
from .._params.query import merge

T = TypeVar("T")
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
        return cast("Self", await self._client.outcome(call, "parsed"))


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

    def __init__(self, fetch: Callable[[], Coroutine[Any, Any, PageT]]) -> None:
        self._fetch = fetch

    def __await__(self) -> Generator[Any, None, PageT]:
        return self._fetch().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        page = cast("AsyncPages[T]", await self)
        async for item in page:
            yield item
