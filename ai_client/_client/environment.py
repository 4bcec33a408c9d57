"""The environment variables that name credentials and places: read here, and nowhere else."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from .._params.sendable import name_fault, value_fault
from ..errors import ConfigError

OF_AZURE = ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "AZURE_OPENAI_ENDPOINT", "OPENAI_API_VERSION")
_OF_OPENAI = (
    "OPENAI_API_KEY",
    "OPENAI_ADMIN_KEY",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
    "OPENAI_BASE_URL",
    "OPENAI_WEBHOOK_SECRET",
    "OPENAI_CUSTOM_HEADERS",
)

_instead: ContextVar[Mapping[str, str] | None] = ContextVar("ai_client_environment", default=None)
_NAMED = {"openai-organization": "OPENAI_ORG_ID", "openai-project": "OPENAI_PROJECT_ID"}


@contextmanager
def only(variables: Mapping[str, str]) -> Generator[None]:
    """Have the clients that are made inside the block read these variables in place of the process's."""
    token = _instead.set(variables)
    try:
        yield
    finally:
        _instead.reset(token)


def of_clients() -> dict[str, str]:
    """Return the variables that a client reads where it is not given an argument; an empty one counts as unset."""
    instead = _instead.get()
    if instead is not None:
        return dict(instead)
    return {name: value for name in (*_OF_OPENAI, *OF_AZURE) if (value := os.environ.get(name))}


def of_azure(endpoint: str) -> dict[str, str]:
    """Return the variables of Azure for a client of *endpoint*; none where they name another resource."""
    found = {name: value for name in OF_AZURE if (value := os.environ.get(name))}
    named = found.get("AZURE_OPENAI_ENDPOINT")
    if named is not None and named.rstrip("/").lower() != endpoint.rstrip("/").lower():
        return {name: value for name, value in found.items() if name == "OPENAI_API_VERSION"}
    return found


def of_an_sdk() -> frozenset[tuple[str, str]]:
    """Return names in lower case and values of the headers that an SDK makes of its variables, but keys of its own."""
    found = of_clients()
    headers = {
        name.lower(): value for name, value in custom_headers(found.get("OPENAI_CUSTOM_HEADERS", "")).items()
    }
    for name, variable in _NAMED.items():
        if variable in found:
            headers.setdefault(name, found[variable])
    return frozenset(headers.items())


def as_headers(given: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Return names in lower case and values of the headers that an SDK makes of its variables, but not of *given*."""
    found = of_clients()
    headers = [(name, found.get(variable, "")) for name, variable in _NAMED.items()]
    headers += custom_headers(found.get("OPENAI_CUSTOM_HEADERS", "")).items()
    for variable in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"):
        key = found.get(variable, "")
        headers += (("authorization", f"Bearer {key}"), ("api-key", key)) if key else ()
    defaults = cast("Mapping[str, str]", given.get("default_headers") or {})
    own = {
        ("openai-organization", given.get("organization")),
        ("openai-project", given.get("project")),
        *((name.lower(), value) for name, value in defaults.items()),
    }
    for option in ("api_key", "admin_api_key"):
        own |= {("authorization", f"Bearer {given.get(option)}"), ("api-key", given.get(option))}
    return frozenset({(name.lower(), value) for name, value in headers if value} - own)


def custom_headers(named: str) -> dict[str, str]:
    """Split the headers of `OPENAI_CUSTOM_HEADERS`, which has one `Name: value` a line.

    Raises:
        ConfigError: One cannot be sent.
    """
    headers: dict[str, str] = {}
    for line in named.split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip()] = value.strip()
    for name, value in headers.items():
        if (fault := name_fault(name)) is not None:
            raise ConfigError(f"OPENAI_CUSTOM_HEADERS in the environment: {fault}.")
        if (fault := value_fault(value)) is not None:
            raise ConfigError(f"OPENAI_CUSTOM_HEADERS in the environment: the header {name!r} {fault}.")
    return headers
