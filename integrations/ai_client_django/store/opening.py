"""Opens `django-db://alias` over connections of its own to one of the project's databases."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from difflib import get_close_matches
from functools import partial
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, connections
from django.db.utils import load_backend

from ai_client.errors import ConfigError
from ai_client.stores import Backend
from ai_client.stores.database import DatabaseBackend
from ai_client.stores.opening import split_address
from ai_client.stores.sql_dialects import DIALECTS, PostgresDialect

SCHEME = "django-db"
APP = "ai_client_django.store"
PREFIX = "ai_client_store_"


def alias_of(url: str) -> str:
    """Return the alias of the database in an address."""
    return url.partition("://")[2].partition("?")[0] or "default"


def open_database(url: str) -> Backend:
    """Return a backend over one of the project's databases; nothing is connected.

    Raises:
        ConfigError: `DATABASES` has no such alias, the database is of another kind, the app with the tables is not
            installed, or an option is unknown.
    """
    alias = alias_of(url)
    databases: dict[str, Any] = settings.DATABASES
    if alias not in databases:
        near = get_close_matches(alias, databases, n=1) or list(databases)
        raise ConfigError(
            f"store: DATABASES has no {alias!r}. Did you mean {near[0] if near else 'default'!r}?"
        )
    if apps.ready and not apps.is_installed(APP):
        raise ConfigError(f'store: {SCHEME}:// needs "{APP}" in INSTALLED_APPS, and its migrations.')
    vendor = connections[alias].vendor
    if vendor not in DIALECTS:
        raise ConfigError(
            f"store: {SCHEME}:// needs SQLite or PostgreSQL, and DATABASES[{alias!r}] is {vendor}."
        )
    return DatabaseBackend(
        partial(_connected, alias),
        DIALECTS[vendor](),
        name=f"{SCHEME}://{alias}",
        prefix=PREFIX,
        keeps=_keeps_connections,
        max_bytes=split_address(url)[1],
        remedy=remedy(alias),
    )


def remedy(alias: str) -> str:
    """Return what creates the tables."""
    return f"Run: manage.py migrate ai_client_store --database={alias}"


def _keeps_connections() -> bool:
    """Return whether no tests are run: these drop their databases, which open connections prevent."""
    return not hasattr(mail, "outbox")


def _connected(alias: str) -> Any:
    """Open a connection of the driver to a database, or to that which stands for it in tests."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _connect(alias)
    with ThreadPoolExecutor(1) as thread:  # a sync call in an async view: Django opens no connection there
        return thread.submit(_connect, alias).result()


def _connect(alias: str) -> Any:
    options: dict[str, Any] = deepcopy(connections[alias].settings_dict)
    options |= {"AUTOCOMMIT": True, "ATOMIC_REQUESTS": False}
    of_driver: dict[str, Any] = options["OPTIONS"]
    of_driver.pop("pool", None)  # its connections are for requests
    of_driver.pop("server_side_binding", None)  # several statements are sent at once
    wrapper: Any = load_backend(options["ENGINE"]).DatabaseWrapper(options, alias)
    if wrapper.vendor == "postgresql":
        of_driver.setdefault("connect_timeout", int(PostgresDialect.seconds))
    wrapper.inc_thread_sharing()
    _ensure_connection(wrapper)
    connection = wrapper.connection
    wrapper.connection = None  # it is no longer Django's to close
    if wrapper.vendor == "sqlite":
        connection.execute("PRAGMA busy_timeout = 0")  # waiting inside SQLite would hold up forks
    return connection


def _ensure_connection(wrapper: Any) -> None:
    """Connect; an error has no frames of Django and the driver, whose variables hold the password."""
    failure: Exception | None = None
    try:
        wrapper.ensure_connection()
    except (DatabaseError, InterfaceError, ImproperlyConfigured, RuntimeError, OSError) as error:
        failure = error.with_traceback(None)
        failure.__cause__ = failure.__context__ = None
    if failure is not None:
        raise failure
