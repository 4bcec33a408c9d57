"""Databases of the Django site in the tests, with the tables of the store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import pytest
from django.core.management import call_command
from django.db import connections

TABLES = (
    "ledgers",
    "reservations",
    "tickets",
    "slots",
    "places",
    "sums",
    "kept",
    "log_entries",
    "log_contents",
)
WAL = {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"}


def load_site() -> None:
    """Load the site of the tests, unless it is."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.support.sites.django_site.settings"
    try:
        django.setup()
    finally:
        del os.environ["DJANGO_SETTINGS_MODULE"]  # the servers that tests start have settings of their own


@contextmanager
def database(alias: str, options: dict[str, Any]) -> Iterator[None]:
    """Add a database to the site for a while."""
    every: dict[str, Any] = connections.settings
    every[alias] = connections.configure_settings({"default": {}, alias: options})[alias]
    try:
        yield
    finally:
        connections[alias].close()
        del connections[alias]
        del every[alias]


def migrate(alias: str) -> None:
    """Create the tables of the store."""
    call_command("migrate", "ai_client_store", database=alias, verbosity=0)
    connections[alias].close()


def sqlite_options(path: Path) -> dict[str, Any]:
    """Return the entry of `DATABASES` for a file, as the documentation recommends it."""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": WAL}


def keep_connections(patch: pytest.MonkeyPatch) -> None:
    """Have stores keep their connections, as they do where no tests are run."""
    from ai_client_django.store import opening

    patch.setattr(opening, "_keeps_connections", lambda: True)
