"""What tests of the sub-commands share."""

import pytest

from tests.support.invoke import KEY


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a key, and nothing that names an application or forbids colours."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("DJANGO_SETTINGS_MODULE", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
