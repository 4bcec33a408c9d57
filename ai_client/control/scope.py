"""Scopes and calendar windows: for whom, and for which time, a limit, budget or cache entry counts."""

import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .._call.record import Record
from ..errors import ConfigError

Scope: TypeAlias = Literal["all", "process", "endpoint", "tenant", "user", "model"]
"""`all` is everyone who shares the store; the others separate processes, labels or models."""
Per: TypeAlias = Literal["second", "minute", "hour", "day", "week", "month", "total"]

_VALUES: dict[str, Callable[[Record], str | None]] = {
    "all": lambda record: "",  # noqa: ARG005 - all have one signature
    "process": lambda record: f"{os.uname().nodename}:{os.getpid()}",  # noqa: ARG005
    "endpoint": lambda record: record.labels.endpoint,
    "tenant": lambda record: record.labels.tenant,
    "user": lambda record: record.labels.user,
    "model": lambda record: record.model,
}
SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0}
_OF_TENANTS = frozenset({"tenant", "user"})


def scopes_of(scope: Scope | Sequence[Scope], name: str) -> tuple[Scope, ...]:
    """Validate a scope or a combination of scopes, and return them as a tuple.

    Raises:
        ConfigError: One of them is unknown, or none is given.
    """
    scopes: tuple[Scope, ...] = (scope,) if isinstance(scope, str) else tuple(scope)
    if not scopes or any(part not in _VALUES for part in scopes):
        raise ConfigError(f"{name} must be one of {', '.join(_VALUES)}, or several of them.")
    return scopes


def values_in(scopes: Sequence[Scope], record: Record) -> list[str | None]:
    """Return the value of a call in each scope; `None` where the call has no such label."""
    return [_VALUES[scope](record) for scope in scopes]


def key_in(scopes: Sequence[Scope], record: Record) -> str:
    """Return the key under which a call counts in *scopes*; calls without a label share the empty value.

    With a tenant's own credentials it counts for that account, but where the scope tells tenants or users apart itself:
    a new key begins no new count there.
    """
    key = shown_in(scopes, record)
    apart = record.account is not None and _OF_TENANTS.isdisjoint(scopes)
    return f"{key}|account={record.account}" if apart else key


def shown_in(scopes: Sequence[Scope], record: Record) -> str:
    """Return the caller of a call as messages show it."""
    if scopes == ("all",):
        return "all"
    return "|".join(
        f"{scope}={'' if value is None else value.replace('|', '||')}"
        for scope, value in zip(scopes, values_in(scopes, record), strict=True)
    )


class Window(NamedTuple):
    """A calendar window: its name, its end and its start in seconds since 1970."""

    name: str
    end: float
    start: float = 0.0


NEVER = 10_000_000_000.0


def window(per: Per, timezone: str, now: float) -> Window:
    """Return the calendar window in *timezone* that contains *now*, in seconds since 1970.

    A week starts on Monday; `total` never ends.
    """
    if per == "total":
        return Window("total", NEVER)
    return _window(per, timezone, int(now) if per == "second" else int(now // 60) * 60)


@lru_cache(maxsize=256)
def _window(per: str, timezone: str, now: int) -> Window:
    local = datetime.fromtimestamp(now, zone(timezone))
    if per == "second":
        start, end = local, local.astimezone(UTC) + timedelta(seconds=1)
    elif per == "minute":
        start, end = local, local.astimezone(UTC) + timedelta(minutes=1)
    elif per == "hour":
        start = local.replace(minute=0, second=0)
        end = start.astimezone(UTC) + timedelta(hours=1)
    else:
        start = local.replace(hour=0, minute=0, second=0)
        if per == "week":
            start -= timedelta(days=start.weekday())
        elif per == "month":
            start = start.replace(day=1)
        days = {"day": 1, "week": 7}.get(per, 32)
        end = start + timedelta(days=days)  # on the wall clock: a day may have 23 or 25 hours
        if per == "month":
            end = end.replace(day=1)
    return Window(f"{per}:{start.isoformat()}", end.timestamp(), start.timestamp())


_NAME_OF_ZONE = re.compile(r"\w+(/[\w+-]+)*")


def _shown(name: str) -> str:
    """Return a name in quotes; what cannot be that of a time zone may be a secret, and is `***`."""
    return repr(name) if _NAME_OF_ZONE.fullmatch(name) else "***"


@lru_cache
def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises:
        ConfigError: The name is unknown on this machine.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(
            f"timezone: the time zone {_shown(name)} is unknown; use an IANA name such as Europe/Berlin, and install"
            " tzdata where the system has no time zones."
        ) from error
