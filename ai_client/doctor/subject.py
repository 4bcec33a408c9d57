"""The subject of an examination: the options of an application's clients as it gave them, valid or not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from ..config import ClientConfig
from ..provider import DEFAULT_ALIAS, ClientProvider

Place: TypeAlias = Literal["django", "flask", "keyword", "settings"]
"""Where an application gives options."""


def _as_keyword(alias: str, option: str) -> str:
    return f"{option}=" if alias == DEFAULT_ALIAS else f"aliases[{alias!r}][{option!r}]"


@dataclass(frozen=True, slots=True)
class Subject:
    """An application as the doctor sees it.

    Args:
        clients: The options of each client by alias, not validated, or validated ones.
        spell: Returns the name of an alias's option as the user writes it.
        place: Where the application gives options that are no keywords.
        faults: Why the application could not be loaded, if so; a message each, without secrets.
    """

    clients: Mapping[str, Mapping[str, Any] | ClientConfig] = field(repr=False)
    spell: Callable[[str, str], str] = _as_keyword
    place: Place = "keyword"
    faults: Sequence[str] = ()

    @classmethod
    def of(cls, provider: ClientProvider) -> "Subject":
        """Return a provider as a subject."""
        return cls({alias: provider[alias].config for alias in provider})

    @classmethod
    def of_environment(cls) -> "Subject":
        """Return the client that the environment alone configures, as a subject."""
        return cls({DEFAULT_ALIAS: {}})
