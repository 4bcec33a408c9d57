"""The effective options of a client, each with its origin."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from ..checks import examine
from ..config import ClientConfig
from ..provider import DEFAULT_ALIAS
from .check import Check
from .shown import shown
from .subject import Subject

_APART = frozenset({"W001", "W003"})
"""Findings about the key and the workers, which have examinations of their own."""
_PLACES = {
    "django": "Django setting",
    "flask": "Flask key",
    "keyword": "keyword",
    "settings": "setting",
}


class ValueOrigin(NamedTuple):
    """Where the value of an option is from.

    Attributes:
        kind: `keyword`, `django`, `flask`, `settings`, `environment` or `default`.
        name: As it is written there; empty for a default.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        if self.kind == "environment":
            return f"environment variable {self.name}"
        return f"{_PLACES[self.kind]} {self.name}" if self.name else "default"


def origin_of(subject: Subject, alias: str, option: str, config: ClientConfig) -> ValueOrigin:
    """Return where the value of a client's option is from."""
    if variable := config.origins.get(option):
        return ValueOrigin("environment", variable)
    given = subject.clients.get(alias, {})
    names = given.model_fields_set if isinstance(given, ClientConfig) else given.keys()
    if option not in names or config.__dict__[option] == ClientConfig.model_fields[option].default:
        return ValueOrigin("default", "")
    return kind_of_place(subject, alias, option)


def kind_of_place(subject: Subject, alias: str, option: str) -> ValueOrigin:
    """Return where the application gives a client's option."""
    name = subject.spell(alias, option)
    is_keyword = name.endswith("=") or name.startswith("aliases[")
    return ValueOrigin("keyword" if is_keyword else subject.place, name)


def configure(subject: Subject, alias: str) -> tuple[ClientConfig | None, list[Check]]:
    """Return the validated options of a client, `None` where no client can be built of them, and what is found."""
    given = subject.clients[alias]
    spell = partial(subject.spell, alias)
    further = alias != DEFAULT_ALIAS
    config = given if isinstance(given, ClientConfig) else None
    options = given_options(given)
    found = examine(options, spell, further=further)
    if config is None and not any(finding.id.startswith("E") for finding in found):
        config = ClientConfig.make(options, source=spell, further=further)
    checks = [
        Check(
            "configuration",
            finding.id,
            "fault" if finding.id.startswith("E") else "warning",
            finding.message,
            finding.hint,
            client=alias,
        )
        for finding in found
        if finding.id not in _APART
    ]
    return config, checks


def given_options(given: Mapping[str, Any] | ClientConfig) -> Mapping[str, Any]:
    """Return the options that were given, also by the environment where they were validated before."""
    if isinstance(given, ClientConfig):
        return {name: getattr(given, name) for name in given.model_fields_set}
    return given


def effective(subject: Subject, alias: str, config: ClientConfig) -> Iterator[Check]:
    """Yield each option of a client with its value, without secrets, and its origin."""
    for name in ClientConfig.model_fields:
        origin = origin_of(subject, alias, name, config)
        value = shown(name, config.__dict__[name])
        details = {"value": value, "origin": origin.kind, "from": origin.name}
        yield Check("configuration", name, "ok", f"{value}  ({origin})", client=alias, details=details)
