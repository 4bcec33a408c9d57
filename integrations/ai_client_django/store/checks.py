"""System checks of `django-db://`.

ai_client_store.E001  The tables are missing. (database checks, as `check --database default`)
ai_client_store.W001  SQLite with ATOMIC_REQUESTS: a request that has written cannot make calls.
"""

import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any, cast

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, Warning as CheckWarning, register
from django.core.management.commands.migrate import Command as Migrate
from django.db import connections

from ai_client.errors import ConfigError
from ai_client_django._current import handle

from .opening import PREFIX, SCHEME, alias_of, remedy

ID = "ai_client_store"


def register_all() -> None:
    """Register the checks. Idempotent."""
    register(check_tables, Tags.database)
    register(check_transactions, "ai_client")


def check_tables(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Check that the tables are there."""
    del app_configs
    found: list[CheckMessage] = []
    for alias in sorted(_aliases() & set(databases or ())):
        with connections[alias].cursor() as cursor:
            tables = connections[alias].introspection.table_names(cursor)
        if (
            not {f"{PREFIX}{name}" for name in ("tickets", "log_contents")} <= {*tables}
            and not _is_migrating()
        ):
            message = f"The tables of the store {SCHEME}://{alias} are missing."
            found.append(Error(message, hint=remedy(alias), id=f"{ID}.E001"))
    return found


def check_transactions(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Check that requests do not lock the store."""
    del app_configs
    hint = "Add a database of its own to DATABASES for the store, or use sqlite:///file.db."
    return [
        CheckWarning(
            f"A request that has written to the SQLite database {alias!r} locks the store {SCHEME}://{alias} until it"
            " ends, as ATOMIC_REQUESTS is set.",
            hint=hint,
            id=f"{ID}.W001",
        )
        for alias in sorted(_aliases())
        if alias in connections
        and connections[alias].vendor == "sqlite"
        and connections[alias].settings_dict["ATOMIC_REQUESTS"]
    ]


def _is_migrating() -> bool:
    """Return whether `migrate` checks, which is about to make the tables, and would not after an error."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if issubclass(type(frame.f_locals.get("self")), Migrate):
            return True
        frame = frame.f_back
    return False


def _aliases() -> set[str]:
    """Return the aliases of the databases that are stores."""
    try:
        options = handle()
    except ConfigError:
        return set()
    several: list[Any] = [options, *options.values()]
    controls: list[Any] = [_in(one, "controls") for one in several]
    stores = [str(_in(one, "store")) for one in controls]
    return {alias_of(url) for url in stores if url.startswith(f"{SCHEME}://")}


def _in(options: Any, name: str) -> Any:
    return cast("dict[str, Any]", options).get(name) if isinstance(options, dict) else None
