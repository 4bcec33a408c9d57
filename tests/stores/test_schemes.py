"""Kinds of stores that others register."""

import pytest

from ai_client import ConfigError
from ai_client.stores import open_store, opening, register_scheme
from ai_client.stores.memory import MemoryBackend


class Ours(MemoryBackend):
    """A backend of an application."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url


@pytest.fixture(autouse=True)
def _none_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_registered", dict(opening._registered))


def test_a_registered_scheme_is_opened_by_its_address() -> None:
    """What was registered makes the backend of an address, and an error of an unknown scheme lists it."""
    register_scheme("ours", Ours)
    store = open_store("ours://user:s3cret@host/1?x=2", on_failure="closed")
    assert isinstance(store.backend, Ours)
    assert (store.backend.url, store.on_failure) == ("ours://user:s3cret@host/1?x=2", "closed")
    with pytest.raises(ConfigError, match=r"unknown scheme 'your'; valid addresses are .*, ours://"):
        open_store("your://host")


@pytest.mark.parametrize("scheme", ["", "memory", "redis+cluster", "Ours", "o urs", "ours://"])
def test_a_scheme_that_cannot_be_registered(scheme: str) -> None:
    """What is no scheme, or one of the package's own, is refused."""
    with pytest.raises(ConfigError, match="register_scheme"):
        register_scheme(scheme, Ours)


def test_a_database_of_django_without_its_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the app is not loaded, the error names what to add to the settings."""
    monkeypatch.setattr(opening, "_registered", {})
    with pytest.raises(ConfigError, match=r"ai_client_django\.store.* INSTALLED_APPS"):
        open_store("django-db://default")
