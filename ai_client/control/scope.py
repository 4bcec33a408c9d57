"""Scopes: for whom a limit, budget or cache entry counts."""

import os
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from .._call.record import Record
from ..errors import ConfigError

Scope: TypeAlias = Literal["all", "process", "endpoint", "tenant", "user", "model"]
"""`all` is everyone who shares the store; the others separate processes, labels or the models that serve."""

_VALUES: dict[str, Callable[[Record], str | None]] = {
    "all": lambda record: "",  # noqa: ARG005 - all have one signature
    "process": lambda record: f"{os.uname().nodename}:{os.getpid()}",  # noqa: ARG005
    "endpoint": lambda record: record.labels.endpoint,
    "tenant": lambda record: record.labels.tenant,
    "user": lambda record: record.labels.user,
    "model": lambda record: record.target_model or record.model,
}
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


def parts_of(scopes: Sequence[Scope], key: str) -> list[str] | None:
    """Split a key as `key_in` makes it into a part for each scope, and one for the account where it has one.

    Returns:
        `None` where it is a key of other scopes.
    """
    parts = [part.replace("\0", "||") for part in key.replace("||", "\0").split("|")]
    starts = ["all"] if tuple(scopes) == ("all",) else [f"{scope}=" for scope in scopes]
    if len(parts) == len(starts) + 1 and _OF_TENANTS.isdisjoint(scopes):
        starts.append("account=")
    fits = len(parts) == len(starts) and all(map(str.startswith, parts, starts))
    return parts if fits else None


def shown_in(scopes: Sequence[Scope], record: Record) -> str:
    """Return the caller of a call as messages show it."""
    if scopes == ("all",):
        return "all"
    return "|".join(
        f"{scope}={'' if value is None else value.replace('|', '||')}"
        for scope, value in zip(scopes, values_in(scopes, record), strict=True)
    )
