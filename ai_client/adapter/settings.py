"""A framework's settings as options of clients."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self, cast

from .._params.nearest import nearest
from ..checks import Finding, examine, log_risks
from ..config import ClientConfig
from ..doctor import Place, Subject, lines_of
from ..errors import ConfigError
from ..provider import DEFAULT_ALIAS, ClientProvider

Spell = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of an application's clients as its settings hold them, not validated yet.

        settings = Settings.from_keys(app.config)
        provider = settings.make_provider()

    Args:
        clients: The options of each client by alias, `"default"` among them.
        spell: Returns the name of an option as the user writes it, given the alias and the option. All messages use it.
        place: Where the options are given, for the doctor's report.
    """

    clients: Mapping[str, Mapping[str, Any]] = field(repr=False)
    spell: Spell
    place: Place = "settings"

    @classmethod
    def from_keys(
        cls,
        config: Mapping[str, Any],
        *,
        prefix: str = "AI_CLIENT_",
        keywords: Mapping[str, Mapping[str, Any]] | None = None,
        place: Place = "settings",
    ) -> Self:
        """Read settings that are flat: `AI_CLIENT_TIMEOUT` and the like for the default client, further ones in a dict.

        Further clients are in `AI_CLIENT_CLIENTS`, which maps each alias to a dict of its options.

        Args:
            config: The application's configuration, such as `app.config`; keys without the prefix are ignored.
            prefix: The beginning of each key.
            keywords: Options by alias that the application gave in code, such as `AIClient(timeout=30)`. Its
                configuration takes precedence over them.
            place: Where the configuration is, for the doctor's report.

        Raises:
            ConfigError: The key for further clients is no mapping of mappings, or defines the default client.
        """
        further = f"{prefix}CLIENTS"
        default = {
            key.removeprefix(prefix).lower(): value
            for key, value in config.items()
            if str(key).startswith(prefix) and key != further
        }
        clients: dict[str, Mapping[str, Any]] = {DEFAULT_ALIAS: default}
        given: object = config.get(further)
        if given is None:
            given = {}
        if not isinstance(given, Mapping):
            raise ConfigError(f"{further} must map aliases to options: {{'azure': {{'base_url': ...}}}}.")
        for alias, options in cast("Mapping[str, object]", given).items():
            if alias == DEFAULT_ALIAS:
                raise ConfigError(
                    f"{further} is for further clients; configure the default one with {prefix}*."
                )
            if not isinstance(options, Mapping):
                raise ConfigError(f"{further}[{alias!r}] must be a mapping of options.")
            clients[alias] = dict(cast("Mapping[str, Any]", options))
        spell = partial(_spell_key, prefix)
        if not keywords:
            return cls(clients, spell, place)
        configured = {alias: frozenset(options) for alias, options in clients.items()}
        for alias, options in keywords.items():
            if not isinstance(cast("object", options), Mapping):  # of a caller without a type checker
                raise ConfigError(f"aliases[{alias!r}] must be a mapping of options.")
            clients[alias] = {**options, **clients.get(alias, {})}
        return cls(clients, partial(_spell_keyword, keywords, configured, spell), place)

    @classmethod
    def from_mapping(cls, given: object, *, name: str = "AI_CLIENT", place: Place = "settings") -> Self:
        """Read one setting: a dict of options, or for several clients a dict of such dicts by alias.

        The dict is one of aliases if it has the key `"default"` with a dict. No alias may have the name of an option.

        Args:
            given: The setting's value.
            name: The setting's name.
            place: Where the setting is, for the doctor's report.

        Raises:
            ConfigError: The setting is no mapping, has aliases but no default, or mixes aliases and options.
        """
        if not isinstance(given, Mapping):
            raise ConfigError(f"{name} must be a dict of options, not of type {type(given).__name__}.")
        setting = cast("Mapping[str, Any]", given)
        spell = partial(_spell_item, name)
        if not has_aliases(setting):
            if DEFAULT_ALIAS in setting:
                kind = type(setting[DEFAULT_ALIAS]).__name__
                raise ConfigError(f"{name}[{DEFAULT_ALIAS!r}] must be a dict of options, not of type {kind}.")
            for key, value in setting.items():
                if isinstance(value, Mapping) and not nearest(key, ClientConfig.model_fields):
                    raise ConfigError(
                        f"{name} defines several clients, such as {key!r}; one of them must be 'default'."
                    )
            return cls({DEFAULT_ALIAS: dict(setting)}, spell, place)
        clients: dict[str, Mapping[str, Any]] = {}
        for alias, options in setting.items():
            if not isinstance(options, Mapping) or alias in ClientConfig.model_fields:
                raise ConfigError(
                    f"{name}[{alias!r}] is next to 'default', so it must be a client: a dict of options, under a "
                    "name that is not an option's."
                )
            clients[alias] = dict(cast("Mapping[str, Any]", options))
        return cls(clients, spell, place)

    def make_configs(self) -> dict[str, ClientConfig]:
        """Return the validated options of each client by alias.

        Raises:
            ConfigError: An option is unknown, ill-typed or can never work. The message names it as `spell` does.
        """
        return {
            alias: ClientConfig.make(
                options, source=partial(self.spell, alias), further=alias != DEFAULT_ALIAS
            )
            for alias, options in self.clients.items()
        }

    def make_provider(self, *, warn: bool = True) -> ClientProvider:
        """Return a provider with these options, which builds a client on its first use.

        Args:
            warn: Whether to log a warning for each risk that is not specific to production; a framework that has checks
                reports `examine` instead.

        Raises:
            ConfigError: See `make_configs`.
        """
        configs = self.make_configs()
        if warn:
            log_risks(configs, self.spell)
        return ClientProvider(aliases=configs)

    def examine(self) -> list[Finding]:
        """Return all faults and risks, for a framework that has checks. Raises nothing."""
        return [
            finding
            for alias, options in self.clients.items()
            for finding in examine(options, partial(self.spell, alias), further=alias != DEFAULT_ALIAS)
        ]

    def diagnose(self, *, offline: bool = False) -> Iterator[tuple[str, bool]]:
        """Yield the lines of the doctor's report, each with whether it reports a fault; for a framework's command.

        Args:
            offline: Whether to connect to nothing; otherwise each API is asked for its models, which costs nothing.
        """
        from ..doctor import examine_all  # noqa: PLC0415 - for a command only

        for line, status in lines_of(examine_all(self.subject, offline=offline)):
            yield line, status == "fault"

    @property
    def subject(self) -> Subject:
        """The subject for `ai_client.doctor.examine_all`."""
        return Subject(self.clients, self.spell, self.place)


def has_aliases(setting: Mapping[str, Any]) -> bool:
    """Return whether a setting maps aliases to options; otherwise it holds the options of one client."""
    return isinstance(setting.get(DEFAULT_ALIAS), Mapping)


def _spell_key(prefix: str, alias: str, option: str) -> str:
    if alias == DEFAULT_ALIAS:
        return f"{prefix}{option.upper()}"
    return f"{prefix}CLIENTS[{alias!r}][{option!r}]"


def _spell_keyword(
    keywords: Mapping[str, Mapping[str, Any]],
    configured: Mapping[str, frozenset[str]],
    spell: Spell,
    alias: str,
    option: str,
) -> str:
    """Return the name of an option as a keyword where the user writes keywords.

    That is where it was given as one and the configuration does not have it, or where nothing else was given.
    """
    in_code, outside = keywords.get(alias, ()), configured.get(alias, ())
    if option in outside or (option not in in_code and (outside or not in_code)):
        return spell(alias, option)
    return f"{option}=" if alias == DEFAULT_ALIAS else f"aliases[{alias!r}][{option!r}]"


def _spell_item(name: str, alias: str, option: str) -> str:
    place = name if alias == DEFAULT_ALIAS else f"{name}[{alias!r}]"
    return f"{place}[{option!r}]" if option else place
