"""Dashboards over figures that were made up, in a process where nobody else has clients detected."""

import pytest

from tests.detector.conftest import alone
from tests.support.made_up_figures import RETIRING

__all__ = ["alone"]


@pytest.fixture(autouse=True)
def retiring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the API list some models that retire, without one."""
    monkeypatch.setattr("ai_client.dashboard.gathering.retiring_models", lambda *_: RETIRING)
