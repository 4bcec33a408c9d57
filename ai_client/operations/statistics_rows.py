"""The rows of a view of calls: which of them a report reads, and how they add up by endpoint, model and tenant."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from ..control.observability.metrics import clean
from ..control.statistics.amounts import add, brief
from ..control.statistics.periods import (
    ALL,
    ENDPOINT,
    MODEL,
    TENANT,
    TOTAL,
    CallView,
    by_pair,
    by_value,
    pair,
    row,
)
from ..errors import ConfigError

Amounts: TypeAlias = Mapping[str, int]
Sums: TypeAlias = dict[str, Amounts]


class CallRows(NamedTuple):
    """The amounts of the calls of a report.

    Attributes:
        total: All of them.
        endpoints, models, tenants: By the values of a label; those by endpoint and tenant in brief.
    """

    total: Amounts
    endpoints: Sums
    models: Sums
    tenants: Sums


class ChosenLabels(NamedTuple):
    """The labels that the calls of a report have; `None` where any will do."""

    endpoint: str | None
    model: str | None
    tenant: str | None

    @classmethod
    def given(cls, endpoint: object, model: object, tenant: object) -> "ChosenLabels":
        """Return labels as calls are counted under them.

        Raises:
            ConfigError: One is no text.
        """
        given = {"endpoint": endpoint, "model": model, "tenant": tenant}
        return cls(**{name: _counted(name, value) for name, value in given.items()})

    @property
    def view(self) -> CallView:
        """The view that tells the calls apart in the fewest rows."""
        if self.tenant is not None:
            return CallView(TENANT, self.tenant)
        if self.endpoint is not None:
            return CallView(ENDPOINT, self.endpoint)
        return CallView(ALL) if self.model is None else CallView(MODEL, self.model)

    def totals(self, known: Iterable[str]) -> list[str]:
        """Return the rows of the view that hold each of the calls once; *known* are those that there are."""
        if self.tenant is None:
            by_model = self.endpoint is not None and self.model is not None
            return [row(MODEL, self.model or "")] if by_model else [TOTAL]
        if self.endpoint is None and self.model is None:
            return [TOTAL]
        return [pair(*found) for found in by_pair({key: {} for key in known}) if self._has(*found)]

    @property
    def needs_rows(self) -> bool:
        """Whether `totals` needs to know which rows there are."""
        return self.tenant is not None and not (self.endpoint is None and self.model is None)

    def rows(self, sums: Mapping[str, Amounts]) -> CallRows:
        """Return the amounts of the calls of the rows of the view, and how they add up."""
        total = added_rows(sums.get(key, {}) for key in self.totals(sums))
        if not total:
            return CallRows({}, {}, {}, {})
        endpoints, models, tenants = (by_value(sums, letter) for letter in (ENDPOINT, MODEL, TENANT))
        pairs = by_pair(sums)
        if self.tenant is not None:
            of = {found: amounts for found, amounts in pairs.items() if self._has(*found)}
            endpoints = _grouped((endpoint, amounts) for (endpoint, _), amounts in of.items())
            models = _grouped((model, amounts) for (_, model), amounts in of.items())
            tenants = {self.tenant: total}
        elif self.endpoint is not None:
            endpoints = {self.endpoint: total}
            tenants = _grouped(
                (tenant, amounts) for (model, tenant), amounts in pairs.items() if self.model in {None, model}
            )
        if self.model is not None:
            models = {self.model: total}
        return CallRows(total, _in_brief(endpoints), models, _in_brief(tenants))

    def _has(self, endpoint: str, model: str) -> bool:
        return self.endpoint in {None, endpoint} and self.model in {None, model}


def _counted(name: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{name} must be a text, not {type(value).__name__}.")
    return None if value is None else clean(value)


def added_rows(rows: Iterable[Amounts]) -> Amounts:
    """Return the sums of rows."""
    sums: dict[str, int] = {}
    for amounts in rows:
        add(sums, amounts)
    return sums


def _grouped(rows: Iterable[tuple[str, Amounts]]) -> Sums:
    found: dict[str, dict[str, int]] = {}
    for value, amounts in rows:
        add(found.setdefault(value, {}), amounts)
    return dict(found)


def _in_brief(sums: Sums) -> Sums:
    return {value: brief(amounts) for value, amounts in sums.items()}
