"""One visit to a cell of the matrix: calls that are made, and all that must hold of them."""

from pathlib import Path
from typing import Any

import openai

from ai_client import OpenAIError
from tests.support.hostile.answers import KINDS
from tests.support.hostile.breaks import Break
from tests.support.hostile.cells import Cell, Idle
from tests.support.hostile.census import settle
from tests.support.hostile.controls import (
    check_costs,
    check_nothing_is_held,
    check_own_policies,
    check_own_policies_have_ended,
    is_kept,
    options_for,
)
from tests.support.hostile.sites import ReportedError, Site
from tests.support.hostile.ways import OFFICIAL, WAYS, made_of, pools_of
from tests.support.hostile.wire import Request, Script, Wire

CALLS = 2
KEY = "sk-planted-0123456789abcdef"


def visit(cell: Cell, wire: Wire, place: Path) -> None:
    """Make equal calls in a cell, and look at what was read, what was counted and what is held."""
    kind = KINDS[cell.kind]
    idle = Idle(cell.extra)
    numbers = iter(range(CALLS))
    number = -1

    def answer(request: Request) -> Script:
        nonlocal number
        if kind.place(request) == 0:
            number = next(numbers)
        return cell.script(kind, request, number, idle.steps)

    wire.play()
    wire.answer = answer
    kept = is_kept(cell.controls, kind)
    options = options_for(cell.controls, wire.base_url, place)
    options |= {"api_key": KEY, "base_url": wire.base_url, "max_retries": 0, "timeout": 30}
    try:
        with WAYS[cell.way](kind, options) as site:
            for call in range(CALLS):
                if call == 1 and idle.begin() and not kept:
                    wire.wait_for(lambda: wire.open == 0 or (idle.done.is_set() and cell.extra != "closing"))
                assert site.read() == kind.reading(0 if kept else call)
            asked = 1 if kept else CALLS
            assert len(wire.requests) == asked * kind.requests
            for pool in pools_of(site.client()):
                check_idle(pool)
            check_costs(site.layers, kind, asked)
            check_own_policies(site.layers, CALLS * kind.requests, asked * kind.requests)
            check_nothing_is_held(site.layers, place)
            assert settle(site.idle)
    finally:
        idle.begin()
        wire.wait_for(lambda: wire.open == 0)


def check_idle(pool: Any) -> None:
    """Assert that all permits of a pool are back, and that no connection is in use."""
    assert settle(lambda: pool.stats().in_use == 0)
    stats = pool.stats()
    assert (stats.waiting, stats.open) == (0, stats.idle)


def visit_break(cell: Break, wire: Wire, place: Path) -> None:
    """Make a call whose answer breaks, then another one, and look at what was read, counted and held."""
    kind = KINDS[cell.kind]
    number = -1
    armed = True  # a call may be over before it is sent, where the machine is slow

    def answer(request: Request) -> Script:
        nonlocal number
        first = kind.place(request) == 0
        number += first
        breaks = armed and number == 0 and kind.place(request) == kind.requests - 1
        return (cell.script if breaks else cell.whole)(kind, request, number)

    wire.play()
    wire.answer = answer
    options = options_for(cell.controls, wire.base_url, place) | cell.options
    for other in options.get("controls", {}).get("fallback", {}).get("clients", {}).values():
        other |= {"timeout": options["timeout"]}
    options |= {"api_key": KEY, "base_url": wire.base_url}
    try:
        with WAYS[cell.way](kind, options) as site:
            read, failed = attempt(site, raised_by(cell.way))
            readings = [kind.reading(each) for each in range(3)]
            whole = not failed and read in readings
            if not whole:
                missing = [reading[len(read) :] for reading in readings if reading[: len(read)] == read]
                assert missing, read
                assert failed or any(map(cell.hides, missing))
            armed = False
            assert whole or cell.fault != "trickle"
            for client in made_of(site.client()):
                client.timeout = 30
                client.deadline = None
            asked = len(wire.requests)
            kept = whole and is_kept(cell.controls, kind)
            assert site.read() == kind.reading(number)
            assert kept or len(wire.requests) == asked + kind.requests
            for pool in pools_of(site.client()):
                check_idle(pool)
            check_own_policies_have_ended(site.layers)
            check_nothing_is_held(site.layers, place)
            assert settle(site.idle)
    finally:
        wire.wait_for(lambda: wire.open == 0)


def raised_by(way: str) -> tuple[type[Exception], ...]:
    """Return what a call may raise: errors of the official SDK where its clients are called, or errors of ours."""
    return (openai.OpenAIError,) if way in OFFICIAL else (OpenAIError, ReportedError)


def attempt(site: Site, errors: tuple[type[Exception], ...]) -> tuple[list[Any], bool]:
    """Make a call that may fail; return what it gave, and whether it failed."""
    into: list[Any] = []
    try:
        site.read_into(into)
    except errors:
        return into, True
    return into, False
