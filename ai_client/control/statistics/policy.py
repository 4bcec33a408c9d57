"""The options of statistics, and where their figures are kept."""

from dataclasses import dataclass, field

from ...errors import ConfigError
from ...stores import Store
from ...stores.shared import SharedStore
from ..options.amounts import check_amounts
from ..pricing.prices import Prices

_MOST_DAYS = 3660


@dataclass(frozen=True)
class Statistics:
    """Adds up what `Metrics` counts by the minute, the hour and the day, by endpoint, model and tenant.

    Minutes are kept for three hours and hours for three days. A call counts when it ends.

    Args:
        store: Where processes add up what they count.
        max_series: Series that a day tells apart: so many endpoints, models and tenants each, and so many of their
            combinations; others count under `other`.
        retention: Days for which days are kept.
        name: Tells applications apart that share a store.
        client: The alias of the clients whose calls are counted.
        prices: Prices of the models, by which what the cache saved is known.
    """

    store: Store = field(repr=False)
    max_series: int = 1000
    retention: int = 62
    name: str = ""
    client: str = "default"
    prices: Prices | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_amounts("statistics", above_zero=True, max_series=self.max_series, retention=self.retention)
        if self.retention > _MOST_DAYS:
            raise ConfigError(f"statistics: retention must be at most {_MOST_DAYS} days.")
        if not isinstance(self.store, SharedStore):
            raise ConfigError("statistics: they need a store that `open_store` or `SharedStore` makes.")

    @property
    def shared(self) -> SharedStore:
        """The store, which writes once a second what processes have counted."""
        store = self.store
        assert isinstance(store, SharedStore)  # noqa: S101 - checked when it was made
        return store
