"""Calls of async clients over loopback to a server in another process: CPU time per call, by calls in flight."""

import logging
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from importlib import import_module
from typing import Any

from . import payloads
from .contenders import (
    CHAT,
    EVERYONE,
    HTTPX2,
    OFFICIAL,
    OURS,
    Contender,
    awaiting,
    bare,
    sdk,
)
from .measure import Case, Opener, Run
from .references import looping, raw, raw_aiohttp

FEW, MANY = 50, 1000
# by calls in flight; at 200 httpx takes 43 ms a call, and so may what stands on it
TAKING_PART = {1: EVERYONE, FEW: EVERYONE, 200: (HTTPX2, OURS, OFFICIAL), MANY: (OURS, OFFICIAL)}
ROUNDS = {1: 15, FEW: 15, 200: 9, MANY: 5}
"""By calls in flight: more where a round is short."""
Clients = Callable[[Contender, str, int], Any]
"""Makes a contender's async client for a base URL and so many calls in flight."""


def cases() -> list[Case]:
    """Return the cases over loopback."""
    return [
        *(_in_flight(count) for count in TAKING_PART),
        _growth(),
        _on_aiohttp(),
        *(_controls(count) for count in (1, FEW)),
    ]


def _in_flight(count: int) -> Case:
    contenders = {one.name: opener(one, count) for one in TAKING_PART[count]}
    contenders |= raw(count)
    return _case(f"small call, loopback, {count} in flight", count, contenders, ROUNDS[count])


def _growth() -> Case:
    contenders = {f"{count} in flight": opener(OURS, count) for count in TAKING_PART}
    return _case("ours by calls in flight", MANY, contenders)


def _on_aiohttp() -> Case:
    def on_aiohttp(contender: Contender, base_url: str, _: int) -> Any:
        client = import_module(contender.package).DefaultAioHttpClient()
        return sdk(contender, base_url, is_async=True, http_client=client)

    contenders: dict[str, Opener] = {
        f"{one.name} on aiohttp": opener(one, FEW, on_aiohttp) for one in (OURS, OFFICIAL)
    }
    contenders |= {"ours": opener(OURS, FEW), "aiohttp": raw_aiohttp(FEW)}
    return _case(f"small call on aiohttp, loopback, {FEW} in flight", FEW, contenders)


def _controls(count: int) -> Case:
    contenders = {
        "all on": opener(OURS, count, controlled),
        "all off": opener(OURS, count),
        "logs only": opener(OURS, count, _logged),
        "recording on": opener(OURS, count, _recorded),
        "deadline on": opener(OURS, count, _hurried),
        "aiohttp": raw_aiohttp(count),
        OFFICIAL.name: opener(OFFICIAL, count),
    }
    return Case(f"controls, loopback, {count} in flight", 100, contenders, 60, settle=count)


def controlled(contender: Contender, base_url: str, _: int) -> Any:
    """Build this package's async client with all policies."""
    from ai_client._call.labels import labels  # noqa: PLC0415
    from ai_client._io import SyncIO, finish  # noqa: PLC0415 - other contenders do without this package
    from ai_client.control.assembly import make_layers  # noqa: PLC0415
    from ai_client.control.pricing.prices import Prices  # noqa: PLC0415

    from .controls import ALL, Sender  # noqa: PLC0415

    finish(Prices().ready(SyncIO(Sender())))  # a thread reads them, once in a process
    _write_logs()
    labels(endpoint="/ask", tenant="acme", user="ann")
    controls = {name: value for name, value in ALL.items() if name != "prices"}
    controls["price_options"] = {"provider": "openai"}  # the library's calculation, which takes longer
    return sdk(contender, base_url, is_async=True, layers=make_layers(controls))


def _logged(contender: Contender, base_url: str, _: int) -> Any:
    from ai_client.control.assembly import make_layers  # noqa: PLC0415 - as above

    _write_logs()
    return sdk(contender, base_url, is_async=True, layers=make_layers({"logs": True}))


def _recorded(contender: Contender, base_url: str, _: int) -> Any:
    """Build this package's async client with what counts for reports and metrics, in a store that processes share."""
    from ai_client._call.labels import labels  # noqa: PLC0415 - as above
    from ai_client.control.assembly import make_layers  # noqa: PLC0415

    from .controls import PRICES  # noqa: PLC0415

    labels(endpoint="/ask", tenant="acme", user="ann")
    store = f"sqlite:///{tempfile.mkdtemp()}/store.db"
    controls = {"metrics": True, "cost": True, "prices": PRICES, "store": store}
    return sdk(contender, base_url, is_async=True, layers=make_layers(controls))


def _hurried(contender: Contender, base_url: str, _: int) -> Any:
    return sdk(contender, base_url, is_async=True, deadline=60)


def _write_logs() -> None:
    logger = logging.getLogger("ai_client.calls")
    logger.setLevel(logging.INFO)
    logger.handlers = [logging.FileHandler(os.devnull)]
    logger.propagate = False


def _case(name: str, in_flight: int, contenders: Mapping[str, Opener], rounds: int = 5) -> Case:
    return Case(name, max(200, in_flight * 2), contenders, rounds, settle=in_flight)


def _client(contender: Contender, base_url: str, in_flight: int) -> Any:
    if contender.package:
        return sdk(
            contender, base_url, is_async=True, timeout=60
        )  # of which 5 s to connect are too few for 1,000
    return bare(contender, in_flight, is_async=True)


def opener(contender: Contender, in_flight: int, make: Clients = _client) -> Opener:
    """Return what opens a contender's async client and makes small calls, so many in flight."""
    return partial(_async, contender, in_flight, make)


@contextmanager
def _async(contender: Contender, in_flight: int, make: Clients, base_url: str) -> Iterator[Run]:
    async def setup(stack: AsyncExitStack) -> Callable[[], Awaitable[Any]]:
        client = await stack.enter_async_context(make(contender, base_url, in_flight))
        return awaiting(contender, client, CHAT, payloads.SMALL, base_url)

    with looping(setup, in_flight, payloads.completion()) as run:
        yield run
