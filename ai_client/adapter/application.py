"""An application as a command sees it: its clients' options and their provider, whatever the framework."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Self, TypeAlias

from ..provider import DEFAULT_ALIAS, ClientProvider
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Application:
    """The clients of an application, for a command that is run beside it.

    Args:
        source: Where their options come from, as messages name it, such as `settings.AI_CLIENT`.
        settings: Their options as written, not validated yet; `None` where they cannot be seen.
        provider: Returns their provider. Raises `ConfigError` where an option is invalid.
        context: Returns what a command enters before it uses them, such as an app context.
    """

    source: str
    settings: Settings | None = field(repr=False)
    provider: Callable[[], ClientProvider] = field(repr=False)
    context: Callable[[], AbstractContextManager[object]] = field(default=nullcontext, repr=False)

    @classmethod
    def of_provider(cls, provider: ClientProvider, source: str) -> Self:
        """Return the application of a provider that exists."""
        configs = {alias: provider[alias].config for alias in provider}
        clients = {
            alias: {name: getattr(config, name) for name in config.model_fields_set - config.origins.keys()}
            for alias, config in configs.items()
        }
        return cls(source, Settings(clients, spell_keyword, "keyword"), lambda: provider)


def spell_keyword(alias: str, option: str) -> str:
    """Return the name of an option that is a keyword, or in the `aliases` of one."""
    return option if alias == DEFAULT_ALIAS else f"aliases[{alias!r}][{option!r}]"


ApplicationFinder: TypeAlias = Callable[[object], Application | None]
_finders: list[ApplicationFinder] = []


def find_applications_by(find: ApplicationFinder) -> None:
    """Have `ai-client --app module:name` recognize the applications of a framework.

    Args:
        find: Returns the application of an object, or `None` where it is none of the framework's with clients.
    """
    _finders.append(find)


def application_of(found: object) -> Application | None:
    """Return the application that an object is, as the adapters that were imported see it."""
    return next((application for find in _finders if (application := find(found)) is not None), None)
