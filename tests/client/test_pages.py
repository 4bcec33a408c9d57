"""Lists that come page by page."""

from typing import Any

import pytest

from ai_client import BaseModel
from ai_client._client.listings import (
    ConversationCursorListing,
    CursorListing,
    Listing,
    NextCursorListing,
    PlainListing,
    pages,
)
from ai_client._client.operation import Resource
from ai_client._client.pages import PageInfo
from ai_client._params.omit import MethodOptions
from tests.support.invoke import Invoke


class Item(BaseModel):
    """One item of a list."""

    id: str


class Things(Resource[Any]):
    """A made-up resource with a list."""

    kind: type[Listing[Any, Any, Any]] = CursorListing

    @pages
    def list(self, **options: Any) -> Any:
        """List the things."""
        return self.kind(self, "/things", MethodOptions, options, Item)


def things(invoke: Invoke, kind: Any, *, client: Any = None) -> Any:
    """Make the resource with a kind of list."""
    resource = Things(client or invoke.client())
    resource.kind = kind
    return resource


def page(*ids: str, **more: Any) -> dict[str, Any]:
    """Give a page as the server sends it."""
    return {"object": "list", "data": [{"id": each} for each in ids], **more}


@pytest.mark.parametrize(
    ("kind", "first", "second", "after"),
    [
        (CursorListing, page("a", "b", has_more=True), page("c", has_more=False), "b"),
        (CursorListing, page("a", "b"), page(), "b"),
        (
            ConversationCursorListing,
            page("a", has_more=True, last_id="L"),
            page("c", has_more=False, last_id="M"),
            "L",
        ),
        (NextCursorListing, page("a", has_more=True, next="N"), page("c", has_more=False, next=None), "N"),
    ],
)
def test_iterating_goes_through_all_pages(
    invoke: Invoke, kind: Any, first: Any, second: Any, after: str
) -> None:
    """The next page is asked for by its cursor, with the query of the first, until there is none."""
    for each in (first, second):
        invoke.upstream.reply(json=each)
    found = invoke.collect(things(invoke, kind).list(extra_query={"limit": 2}))
    assert [item.id for item in found] == [each["id"] for each in first["data"] + second["data"]]
    assert [recorded.params for recorded in invoke.upstream.requests] == [
        {"limit": "2"},
        {"limit": "2", "after": after},
    ]


def test_pages_by_hand(invoke: Invoke) -> None:
    """A page tells whether there is another and how to ask for it."""
    invoke.upstream.reply(json=page("a", has_more=True))
    invoke.upstream.reply(json=page("b", has_more=False))
    first = invoke(things(invoke, CursorListing).list)
    assert first.has_next_page()
    assert first.next_page_info() == PageInfo({"after": "a"})
    second = invoke(first.get_next_page)
    assert [item.id for item in second.data] == ["b"]
    assert not second.has_next_page()
    assert type(second) is type(first)
    assert second._request_id


def test_a_whole_list_has_one_page(invoke: Invoke) -> None:
    """A list that the API gives whole has no next page, and asking for it is an error."""
    invoke.upstream.reply(json=page("a", "b"))
    only = invoke(things(invoke, PlainListing).list)
    assert (only.has_next_page(), only.next_page_info()) == (False, None)
    with pytest.raises(RuntimeError, match="There is no next page"):
        invoke(only.get_next_page)


@pytest.mark.parametrize(
    "body", [{"data": [], "has_more": True}, {"data": [{}], "has_more": True}, {"has_more": True}]
)
def test_pages_without_a_cursor_are_the_last(invoke: Invoke, body: dict[str, Any]) -> None:
    """A page that does not say where to go on is the last, whatever it claims."""
    invoke.upstream.reply(json={"object": "list", **body})
    assert not invoke(things(invoke, CursorListing).list).has_next_page()


def test_each_page_has_its_own_deadline(invoke: Invoke) -> None:
    """The deadline of a call is not used up by the pages before."""
    for number in range(3):
        invoke.upstream.reply(json=page(str(number), has_more=number < 2), delay=0.4)
    listing = things(invoke, CursorListing, client=invoke.client(deadline=1.0))
    assert len(invoke.collect(listing.list())) == 3


def test_a_paginator_may_be_awaited_more_than_once(invoke: Invoke) -> None:
    """Each use of a list that is not yet asked for asks anew."""
    if invoke.sync:
        pytest.skip("the sync client asks at once")
    invoke.upstream.always(json=page("a"))
    paginator = things(invoke, PlainListing).list()
    for _ in range(2):
        assert invoke(lambda: paginator).data == [Item(id="a")]
    assert len(invoke.upstream.requests) == 2
