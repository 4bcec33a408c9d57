"""The roll-up of statistics keeps what is bounded, whatever calls are made for."""

import time

from ai_client.control.statistics.rollup import RollUp
from ai_client.stores import open_store
from ai_client.stores.shared import SharedStore


def test_labels_without_number_leave_nothing_behind() -> None:
    """Tenants that count under `other` take no memory, even where one bears that name."""
    store = open_store("memory://")
    assert isinstance(store, SharedStore)
    rolled = RollUp(store.backend, "", "default", max_series=10, retention=62)
    now = time.time()
    rolled.tallies({("/ask", "m", "other"): {"call.ok": 1}}, now)
    for number in range(200):
        rolled.tallies({("/ask", "m", f"tenant {number}"): {"call.ok": 1}}, now)
    assert len(rolled._places) <= 10
