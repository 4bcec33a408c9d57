"""Dashboards over figures that were made up."""

import pytest

from tests.support.made_up_figures import RETIRING


@pytest.fixture(autouse=True)
def retiring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the API list some models that retire, without one."""
    monkeypatch.setattr("ai_client.dashboard.gathering.retiring_models", lambda *_: RETIRING)
