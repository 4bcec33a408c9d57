"""Where a store keeps its state, to know one that several configurations name as the same."""

from collections.abc import Hashable
from typing import Any


def place_of(store: Any) -> Hashable:
    """Return what is equal for stores that share their state: a place that the backend names, or the object itself."""
    backend = getattr(store, "backend", store)
    return getattr(backend, "place", None) or id(backend)
