"""The official client over this package's transport, next to itself over its own."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from .contenders import OFFICIAL, OURS, Contender, sdk
from .loopback import FEW, opener
from .measure import Case
from .threads import sync_opener

IN_FLIGHT = (1, FEW)
OVER_OURS = "official over ours"
SYNC = "official client over our transport, loopback, sync, 1 in flight"


def cases() -> list[Case]:
    """Return the cases."""
    return [*(_case(count) for count in IN_FLIGHT), _sync()]


def name(count: int) -> str:
    """Return the name of the case with so many calls in flight."""
    return f"official client over our transport, loopback, {count} in flight"


def _case(count: int) -> Case:
    contenders = {one.name: opener(one, count) for one in (OURS, OFFICIAL)}
    contenders[OVER_OURS] = opener(OURS, count, _over_ours)
    return Case(name(count), 200, contenders, 15, settle=count)


def _sync() -> Case:
    contenders = {one.name: sync_opener(one, 1) for one in (OURS, OFFICIAL)}
    contenders[OVER_OURS] = sync_opener(OURS, 1, _sync_over_ours)
    return Case(SYNC, 200, contenders, 15, settle=1)


def _over_ours(contender: Contender, base_url: str, _: int) -> Any:
    return official_over(sdk(contender, base_url, is_async=True))


@asynccontextmanager
async def official_over(client: Any) -> AsyncIterator[Any]:
    """Open the official async client over one of ours."""
    from ai_client.interop import official  # noqa: PLC0415 - other contenders do without this package

    async with client:
        yield official(client)


@contextmanager
def _sync_over_ours(contender: Contender, base_url: str, _: int) -> Iterator[Any]:
    from ai_client.interop import official  # noqa: PLC0415 - as above

    with sdk(contender, base_url, is_async=False) as client:
        yield official(client)
