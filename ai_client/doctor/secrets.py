"""Secrets of an application as far as its options and the environment show them, kept out of every report."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic_core import from_json

from .._client.environment import custom_headers
from .._config.options import environment_variables
from .._http.certificates import Certificate
from .._params.dotted import is_dotted_path
from ..errors import ConfigError, is_secret_name
from .check import Check
from .configuration import given_options
from .subject import Subject

_SECRET = frozenset({"api_key", "admin_api_key", "webhook_secret", "azure_ad_token"})
_ALL_WITHIN = frozenset({"default_headers", "default_query"})
_VARIABLES = re.compile(r"OPENAI_\w*KEY|AZURE_OPENAI_(API_KEY|AD_TOKEN)|OPENAI_WEBHOOK_SECRET|AI_CLIENT_\w+")
_TEXTS = ("name", "message", "hint", "client")
_KEY_FILE = "api_key_file"
_FUNCTION = "credentials"
"""An option that is a function, or its dotted path, in spite of its name."""
_LARGEST = 64 * 1024
"""Bytes of a key's file that are read."""
_SHORTEST = 6
"""Characters of a secret that is looked for: a shorter one is a part of many words."""


class KnownSecrets:
    """Secrets that no report may show; a second guard, as examinations show none to begin with.

    Args:
        found: The secrets.
    """

    def __init__(self, found: Iterable[str]) -> None:
        words = {form for secret in found for form in (secret, secret.strip(), unquote(secret))}
        kept = sorted((word for word in words if len(word) >= _SHORTEST), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, kept))) if kept else None

    @classmethod
    def of(cls, subject: Subject) -> Self:
        """Return those of an application and of the environment."""
        found: set[str] = set()
        for given in subject.clients.values():
            with suppress(Exception):  # of options that are none
                found.update(_of_options(given_options(given)))
        found.update(_of_environment())
        return cls(found)

    def clean(self, check: Check) -> Check:
        """Return a check with each secret in it replaced by `***`."""
        if self._pattern is None:
            return check
        details = cast("dict[str, Any]", self._cleaned(dict(check.details)))
        texts: dict[str, Any] = {name: self._text(getattr(check, name)) for name in _TEXTS}
        return replace(check, **texts, details=details)

    def _text(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub("***", text)

    def _cleaned(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            each = cast("dict[Any, Any]", value).items()
            return {self._cleaned(name): self._cleaned(one) for name, one in each}
        return [self._cleaned(one) for one in cast("list[Any]", value)] if isinstance(value, list) else value


def _of_options(options: Mapping[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        if name == _KEY_FILE:
            yield from _of_file(value)
        elif isinstance(value, Certificate):
            yield value.password or ""
        elif name == "cert" and isinstance(value, list | tuple):
            yield from map(str, cast("list[Any]", value)[2:])
        elif name == _FUNCTION:
            yield from (leaf for leaf in _leaves(value) if not is_dotted_path(leaf))
        elif name in _SECRET or name in _ALL_WITHIN or is_secret_name(str(name)):
            yield from _leaves(value)
        elif isinstance(value, Mapping):
            yield from _of_options(cast("Mapping[str, Any]", value))
        else:
            yield from (part for leaf in _leaves(value) for part in _of_address(leaf))


def _of_file(path: Any) -> Iterator[str]:
    """Yield what a key's file holds."""
    with suppress(OSError, ValueError, TypeError):
        file = Path(path)
        if file.is_file() and file.stat().st_size < _LARGEST:
            yield from file.read_text("utf-8", "replace").split()


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (leaf for one in cast("Mapping[Any, Any]", value).values() for leaf in _leaves(one))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from (leaf for one in cast("Iterable[Any]", value) for leaf in _leaves(one))


def _of_address(text: str) -> Iterator[str]:
    """Yield the user, the password and the query of an address."""
    if "@" not in text and "?" not in text:
        return
    with suppress(ValueError):
        parts = urlsplit(text if "://" in text else f"//{text}")
        yield from filter(None, (parts.username, parts.password))
        yield from (value for _, value in parse_qsl(parts.query))
    before = text.rpartition("@")[0].rpartition("://")[2]
    yield from before.split(":")


def _as_json(text: str) -> Any:
    """Return what text stands for in JSON, or the text."""
    with suppress(ValueError):
        return from_json(text)
    return text


def _of_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        if name == environment_variables()[_KEY_FILE]:
            yield from _of_file(value)
        elif name.startswith("AI_CLIENT_") and not is_secret_name(name):
            yield from _of_options({"": _as_json(value)})
        elif _VARIABLES.fullmatch(name):
            yield value
        elif name.upper().endswith("_PROXY"):
            yield from _of_address(value)
    with suppress(ConfigError):
        yield from custom_headers(os.environ.get("OPENAI_CUSTOM_HEADERS", "")).values()
