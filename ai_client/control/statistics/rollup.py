"""The roll-up of counts: what each view of the calls gains in the present minute, hour and day."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from ...errors import StoreError
from ...stores import Tally
from ...stores.totals import totals_in
from ..observability.counting.counts import OTHER, Key
from .amounts import add, brief, kept
from .bounds import SeriesBounds
from .periods import (
    ALL,
    ENDPOINT,
    KNOWN,
    MODEL,
    TENANT,
    TOTAL,
    CallView,
    digest_of,
    lengths,
    pair,
    period_of,
    row,
)

_LEARN_EVERY = 600.0
"""Seconds after which the store is asked again what others tell apart."""
_ENDPOINT, _MODEL, _TENANT = range(3)
"""Places in a key of calls."""


class _PlaceInView(NamedTuple):
    """A row of a view that calls count in, and whether only in brief."""

    digest: str
    row: str
    is_brief: bool


class RollUp:
    """The roll-up of one process for one store.

    Args:
        backend: The backend of the store.
        name: The name that applications sharing the store differ in.
        client: The alias of the clients.
        max_series: Values of each label, and combinations of labels, that a day tells apart.
        retention: Days that are kept.
    """

    def __init__(self, backend: Any, name: str, client: str, *, max_series: int, retention: int) -> None:
        self._backend = backend
        self._name, self._client = name, client
        self._most = max_series
        self._lengths = lengths(retention)
        self._day = self._lengths[-1]
        self._number = -1
        self._learn_at = 0.0
        self._bounds = SeriesBounds(max_series)
        self._places: dict[Key, list[_PlaceInView]] = {}

    def tallies(self, series: Mapping[Key, Mapping[str, int]], now: float) -> list[Tally]:
        """Return what amounts by endpoint, model and tenant add to the periods of *now*; may ask the store once."""
        if not series:
            return []
        self._begin(now)
        fresh: list[str] = []
        sums: dict[tuple[str, str], dict[str, int]] = {}
        for key, amounts in series.items():
            whole = kept(amounts)
            part = brief(whole)
            for digest, at, is_brief in self._places_of(key, fresh):
                add(sums.setdefault((digest, at), {}), part if is_brief else whole)
        found: list[Tally] = []
        for length in self._lengths:
            number = length.number(now)
            until = length.end(number)
            found += [
                Tally(period_of(length, number, digest), at, amounts, until)
                for (digest, at), amounts in sums.items()
            ]
        listed = period_of(self._day, self._number, self._digest(CallView(KNOWN)))
        until = self._day.end(self._number)
        return [*found, *(Tally(listed, key, {"is": 1}, until) for key in fresh)]

    def _digest(self, view: CallView) -> str:
        return digest_of(self._name, self._client, view)

    def _begin(self, now: float) -> None:
        """Forget what another day tells apart, and learn what the store has of this one."""
        number = self._day.number(now)
        if number != self._number:
            self._number, self._learn_at = number, 0.0
            self._bounds = SeriesBounds(self._most)
            self._places.clear()
        if not self._learn_at - _LEARN_EVERY < now < self._learn_at:
            periods = [period_of(self._day, number, self._digest(CallView(kind))) for kind in (ALL, KNOWN)]
            with suppress(StoreError):
                found = totals_in(self._backend, periods, ()).sums
                self._bounds.learn(found, (tuple(from_json(key)) for key in found if key.startswith("[")))
                self._learn_at = now + _LEARN_EVERY

    def _places_of(self, key: Key, fresh: list[str]) -> list[_PlaceInView]:
        """Return where calls with a key count; append it to *fresh* where it is told apart from now on."""
        folded = self._bounds.folded(key)
        found = self._places.get(folded)
        if found is not None:
            return found
        is_apart, is_new = self._bounds.is_apart(folded)
        if is_new:
            fresh.append(to_json(folded).decode())
        found = list(self._places_in(folded, is_apart=is_apart))
        if is_apart:
            self._places[folded] = found
        return found

    def _places_in(self, key: Key, *, is_apart: bool) -> Iterator[_PlaceInView]:
        """Yield where calls count whose labels are *key*, which the view of all calls tells apart."""
        endpoint, model, tenant = key
        beside = self._bounds.beside
        everything = self._digest(CallView(ALL))
        yield _PlaceInView(everything, TOTAL, False)
        yield _PlaceInView(everything, row(ENDPOINT, endpoint), True)
        yield _PlaceInView(everything, row(MODEL, model), False)
        yield _PlaceInView(everything, row(TENANT, tenant), True)
        of_endpoint = self._digest(CallView(ENDPOINT, endpoint))
        yield _PlaceInView(of_endpoint, TOTAL, False)
        yield _PlaceInView(of_endpoint, row(MODEL, beside(key, _ENDPOINT, _MODEL)), False)
        yield _PlaceInView(of_endpoint, pair(model, tenant) if is_apart else pair(OTHER, OTHER), True)
        of_model = self._digest(CallView(MODEL, model))
        yield _PlaceInView(of_model, TOTAL, False)
        yield _PlaceInView(of_model, row(ENDPOINT, beside(key, _MODEL, _ENDPOINT)), True)
        yield _PlaceInView(of_model, row(TENANT, beside(key, _MODEL, _TENANT)), True)
        of_tenant = self._digest(CallView(TENANT, tenant))
        yield _PlaceInView(of_tenant, TOTAL, False)
        yield _PlaceInView(of_tenant, pair(endpoint, model) if is_apart else pair(OTHER, OTHER), False)
