"""Everything that the first page shows, read once: each part, or why there is none. One that fails hides no other."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, Literal, TypeVar

from ..detector import counts, is_detecting
from ..errors import ConfigError, StoreError, members_of
from ..operations.breakers import BreakerState
from ..operations.budget_state import BudgetState
from ..operations.health import HealthReport
from ..operations.statistics import StatisticsReport
from ..operations.workers import ExtraClientLine, WorkerState
from .filters import Filters
from .retirement import RetiringModel, retiring_models

logger = logging.getLogger("ai_client.dashboard")

T = TypeVar("T")
Trouble = Literal["off", "down", "failed"]


class UnavailableError(Exception):
    """A part that cannot be shown.

    Args:
        trouble: `off` where no control records it, `down` where its store does not answer, else `failed`.
        message: Why, in plain words.
    """

    def __init__(self, trouble: Trouble, message: str) -> None:
        super().__init__(message)
        self.trouble: Trouble = trouble
        self.message = message


class Read(Generic[T]):
    """A part that was read, or could not be.

    Args:
        read: Reads it.
        name: Its name in the log.
    """

    def __init__(self, read: Callable[[], T], name: str) -> None:
        self._value: T | None = None
        self._failure: UnavailableError | None = None
        try:
            self._value = read()
        except UnavailableError as error:
            self._failure = error
        except ConfigError as error:
            self._failure = UnavailableError("off", str(error))
        except StoreError as error:
            self._failure = UnavailableError("down", str(error))
        except Exception as error:
            logger.exception("The dashboard cannot show %s.", name)
            self._failure = UnavailableError(
                "failed", f"Reading it failed ({type(error).__name__}); see the log."
            )

    @property
    def value(self) -> T:
        """The part.

        Raises:
            UnavailableError: It could not be read.
        """
        if self._failure is not None:
            raise UnavailableError(self._failure.trouble, self._failure.message)
        return self._value  # type: ignore[return-value]  # read where there is no failure


@dataclass(frozen=True, slots=True)
class OverviewFigures:
    """The figures of the first page.

    Attributes:
        at: When it was read, in UTC.
        health: Whether this process can serve.
        statistics: The calls of the range that the filters choose.
        choices: The names that filters can choose, by label.
        budgets: All balances.
        breakers: The circuits of targets.
        workers: The processes; only this one where no control shows others.
        extra_clients: Lines of code that build clients again and again.
        retiring: Models that are switched off soon; `None` until that is known.
        has_cache: Whether the clients of any alias have a cache.
    """

    at: datetime
    health: Read[HealthReport]
    statistics: Read[StatisticsReport]
    choices: Mapping[str, list[str]]
    budgets: Read[list[BudgetState]]
    breakers: Read[list[BreakerState]]
    workers: Read[list[WorkerState]]
    extra_clients: Read[list[ExtraClientLine]]
    retiring: Read[list[RetiringModel] | None]
    has_cache: bool


def gather(provider: Any, filters: Filters) -> OverviewFigures:
    """Read everything once.

    Where a store does not answer its probe, nothing more is asked of it, as each answer would be waited for.
    """
    health = Read(provider.health.ready, "the health")
    is_down = _store_is_down(health)

    def of_store(read: Callable[[], T], name: str) -> Read[T]:
        return Read(_store_down if is_down else read, name)

    statistics = of_store(lambda: _report(provider, filters, labels=True), "the statistics")
    everything = (
        of_store(lambda: _report(provider, filters), "the statistics") if filters.labels else statistics
    )
    workers = of_store(partial(_of, provider, "workers", "states"), "the processes")
    extra = of_store(partial(_of, provider, "workers", "extra_clients"), "the warnings of the detector")
    used = _names(everything, "models")
    return OverviewFigures(
        at=datetime.now(UTC),
        health=health,
        statistics=statistics,
        choices={name: _names(everything, f"{name}s") for name in ("endpoint", "model", "tenant")},
        budgets=of_store(partial(_of, provider, "budgets", "states"), "the budgets"),
        breakers=(of_store if _shares_circuits(provider) else Read)(
            partial(_of, provider, "breakers", "states"), "the circuits"
        ),
        workers=_or(workers, lambda: [_this_process(provider)], "this process"),
        extra_clients=_detected(_or(extra, _own_extra_clients, "the warnings of the detector")),
        retiring=Read(lambda: retiring_models(provider, used), "the models"),
        has_cache=any(each.get("cache") for each in _controls(provider)),
    )


def _of(provider: Any, book: str, method: str) -> Any:
    """Return what a method of a provider's book returns; a provider without the control has no book."""
    return getattr(getattr(provider, book), method)()


def _report(provider: Any, filters: Filters, *, labels: bool = False) -> StatisticsReport:
    report: StatisticsReport = provider.statistics.report(
        since=filters.span, **(filters.labels if labels else {})
    )
    return report


def _shares_circuits(provider: Any) -> bool:
    """Return whether the circuits of any clients are in a store."""
    return any(members_of(each.get("breaker")).get("shared") for each in _controls(provider))


def _controls(provider: Any) -> list[Mapping[str, Any]]:
    """Return the controls of each alias."""
    return [provider[alias].config.controls or {} for alias in provider]


def _store_is_down(health: Read[HealthReport]) -> bool:
    try:
        return any(reason.check == "store" for reason in health.value.reasons)
    except UnavailableError:
        return False


def _store_down() -> Any:
    raise UnavailableError("down", "The store does not answer.")


def _names(report: Read[StatisticsReport], of: str) -> list[str]:
    try:
        sums: Mapping[str, object] = getattr(report.value, of) or {}
    except UnavailableError:
        return []
    return sorted(sums, key=lambda name: (name.casefold(), name))


def _or(part: Read[T], own: Callable[[], T], name: str) -> Read[T]:
    """Return what all processes show; where they show nothing, what this one knows of itself."""
    try:
        part.value  # noqa: B018 - raises
    except UnavailableError:
        return Read(own, name)
    return part


def _this_process(provider: Any) -> WorkerState:
    state = provider.process
    sums = {
        name: sum(getattr(client, name) or 0 for client in state.clients)
        for name in ("alive", "built", "open", "idle", "in_use", "waiting", "opened")
    }
    return WorkerState(host="", pid=state.pid, seen=datetime.now(UTC), in_flight=sums["in_use"], **sums)


def _detected(part: Read[list[ExtraClientLine]]) -> Read[list[ExtraClientLine]]:
    """Return the lines; that there are none means nothing where nobody looks for them."""

    def lines() -> list[ExtraClientLine]:
        if not part.value and not is_detecting():
            raise UnavailableError("off", "The detector is not turned on.")
        return part.value

    return Read(lines, "the warnings of the detector")


def _own_extra_clients() -> list[ExtraClientLine]:
    return [ExtraClientLine(f"{one.file}:{one.line}", one.client, one.count) for one in counts()]
