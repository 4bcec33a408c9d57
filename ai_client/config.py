"""The configuration of an application's client: plain data, validated on creation."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self, Unpack, cast

import pydantic
from pydantic.functional_validators import ModelWrapValidatorHandler
from pydantic_core import from_json

from ._client import environment as of_process
from ._config.connections import check_addresses, check_connections
from ._config.environment import Origin, completed
from ._config.http_client import sorted_out
from ._config.keywords import ClientOptions
from ._config.names import FaultError, explain, unread_variables
from ._config.options import Options, environment_variables
from ._config.surroundings import surrounding_faults
from ._config.values import is_for_azure, is_ours, other_kind, shown_value, stands_on_ours
from ._params.key_file import KeyFile
from ._params.nearest import nearest
from ._params.secrets import check_secret, shown_file, webhook_key
from .errors import ConfigError

__all__ = ["ClientConfig", "ClientOptions"]

_NEAR_A_CONTROL = 0.7
"""How alike an unknown option and a control must be: a word with other letters means neither."""
_NOT_OF_TARGETS = (
    "controls",
    "client_class",
    "async_client_class",
    "shutdown_timeout",
    "warm",
    "warn_on_extra_clients",
)
_NEEDS_OURS = (
    "supported only by this package's client classes, the official SDK's and those derived from them"
)


class ClientConfig(Options):
    """Every option of an application's client, validated on creation.

    Options that are not given are read from their environment variables, at that time.
    """

    _variables: Mapping[str, str] = {}
    _takes_environment: bool = True
    _targets: Mapping[str, "ClientConfig"] = {}
    _origins: Mapping[str, str] = {}

    @pydantic.field_validator("controls", mode="before")
    @classmethod
    def _read_controls(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return from_json(value)
        except (ValueError, TypeError):  # the latter where it is no Unicode
            raise ValueError("text must be a JSON object of options") from None

    @pydantic.model_validator(mode="after")
    def _check_azure(self) -> Self:
        if not self.azure_endpoint:
            for name in ("azure_deployment", "azure_ad_token", "azure_ad_token_provider"):
                if getattr(self, name) is not None:
                    raise FaultError(name, "only for Azure, azure_endpoint is missing")
        elif self.base_url:
            raise FaultError("base_url", "excludes azure_endpoint, set one of them")
        elif not self.api_version:
            raise FaultError("api_version", "required with azure_endpoint")
        elif sum(map(bool, (self.api_key, self.azure_ad_token, self.azure_ad_token_provider))) > 1:
            name = "azure_ad_token" if self.azure_ad_token_provider is None else "azure_ad_token_provider"
            other = "api_key" if self.api_key else "azure_ad_token"
            raise FaultError(name, f"excludes {other}, set one of them")
        elif not (is_for_azure(self.client_class) and is_for_azure(self.async_client_class)):
            raise FaultError("azure_endpoint", "needs a client class for Azure, as openai.AzureOpenAI")
        return self

    @pydantic.model_validator(mode="after")
    def _check_ways(self) -> Self:
        check_addresses(self)
        check_connections(self)
        return self

    @pydantic.model_validator(mode="after")
    def _check_classes(self) -> Self:
        if other_kind(self.client_class, sync=True):
            raise FaultError("client_class", "is an async client, which belongs in async_client_class")
        if other_kind(self.async_client_class, sync=False):
            raise FaultError("async_client_class", "is a sync client, which belongs in client_class")
        return self

    @property
    def _stands_on_ours(self) -> bool:
        return stands_on_ours(self.client_class) and stands_on_ours(self.async_client_class)

    @pydantic.model_validator(mode="after")
    def _check_credentials(self) -> Self:
        if self.credentials and not self._stands_on_ours:
            raise FaultError("credentials", _NEEDS_OURS)
        return self

    @pydantic.model_validator(mode="after")
    def _check_key_file(self) -> Self:
        if self.api_key_file is not None:
            if not self._stands_on_ours:
                raise FaultError("api_key_file", _NEEDS_OURS)
            if (fault := KeyFile(self.api_key_file).fault()) is not None:
                raise FaultError("api_key_file", f"the file {shown_file(str(self.api_key_file))} {fault}")
        return self

    @pydantic.model_validator(mode="after")
    def _check_warm(self) -> Self:
        if self.warm and not (is_ours(self.client_class) and is_ours(self.async_client_class)):
            raise FaultError("warm", "supported only by this package's own client classes")
        return self

    @pydantic.model_validator(mode="after")
    def _check_controls(self) -> Self:
        if not self.controls:
            return self
        if not self._stands_on_ours:
            raise FaultError("controls", _NEEDS_OURS)
        from .control.assembly import make_layers  # noqa: PLC0415 - only where policies are configured

        targets: dict[str, ClientConfig] = {}

        def connect(options: Mapping[str, Any], source: str) -> Callable[[bool], Any]:
            target = targets[source] = _target(options, source)
            return lambda _: target

        try:
            make_layers(self.controls, connect=connect, factories=False)
        except (ConfigError, ImportError) as error:
            raise FaultError("controls", str(error)) from error
        except Exception as error:
            raise FaultError(
                "controls", f"building the policies failed ({type(error).__name__}: {error})"
            ) from error
        if self.alerts_of_extra_clients and self.warn_on_extra_clients is False:
            raise FaultError("controls", "alerts: extra_clients is turned off by warn_on_extra_clients")
        self._targets = targets
        return self

    @pydantic.model_validator(mode="wrap")
    @classmethod
    def _from_environment(
        cls, given: Any, make: ModelWrapValidatorHandler[Self], info: pydantic.ValidationInfo
    ) -> Self:
        if isinstance(given, cls):
            return given
        origin: Origin = info.context or Origin(further=False, variables={})
        values, taken = completed(sorted_out(cast("Mapping[str, Any]", given)), origin)
        config = make(values)
        config._takes_environment = taken
        if taken:
            config._variables = of_process.of_clients()
        elif config.azure_endpoint:
            config._variables = of_process.of_azure(config.azure_endpoint)
        return config

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, shown_value(str(name), value)

    def __init__(self, **options: Unpack[ClientOptions]) -> None:
        self._fill(options, str, repr)

    def _fill(
        self,
        given: Mapping[str, Any],
        spell: Callable[[str], str],
        suggest: Callable[[str], str],
        *,
        further: bool = False,
    ) -> None:
        """Validate the options and set them.

        Error messages name an option with *spell*, and a suggested one with *suggest*.
        """
        origin = Origin(further, {})

        def name(option: str) -> str:
            variable = origin.variables.get(option)
            return spell(option) if variable is None else f"{variable} in the environment, {spell(option)}"

        faults: list[str] = []
        try:
            self.__pydantic_validator__.validate_python(given, self_instance=self, context=origin)
        except pydantic.ValidationError as error:
            faults += explain(error, name, lambda option: hint_for(option, suggest))
        if not further:
            read = {**given, **origin.variables}
            faults += unread_variables(environment_variables(), type(self).model_fields, read)
        if not faults and self.client_class is None and self.async_client_class is None:
            faults += surrounding_faults(self)
        if faults:
            raise ConfigError(*faults)
        self._origins = origin.variables
        of_process.custom_headers(self._variables.get("OPENAI_CUSTOM_HEADERS", ""))
        for option, key in (("api_key", self.api_key), ("admin_api_key", self.admin_api_key)):
            if isinstance(key, str):
                check_secret(name(option), key)
        if self.webhook_secret is not None:
            webhook_key(name("webhook_secret"), self.webhook_secret)

    @classmethod
    def make(
        cls,
        options: Mapping[str, Any] | Self | None = None,
        /,
        *,
        source: str | Callable[[str], str] = "",
        further: bool = False,
        **more: Any,
    ) -> Self:
        """Build a configuration from a mapping, keywords and the environment.

        Args:
            options: Options by name, or a configuration, which is returned as it is if no others are given.
            source: How messages name an option: a prefix, or a function of its name.
            further: Whether it is not an application's first client. Such a client with a URL of its own takes
                no key, name or
                URL from the environment, unless `environment` is true.
            more: Further options, which take precedence over *options*.

        Raises:
            ConfigError: An option is unknown, ill-typed or can never work. The message names all faults, and
                shows no values.
        """
        kept: Mapping[str, str] = {}
        if isinstance(options, cls):
            if not more:
                return options
            kept = {name: variable for name, variable in options.origins.items() if name not in more}
            options = {name: getattr(options, name) for name in options.model_fields_set}
        if options is not None and not isinstance(options, Mapping):
            raise ConfigError(f"Options must be a mapping or a ClientConfig, not {type(options).__name__}.")
        spell = source if callable(source) else f"{source}{{}}".format
        config = cls.__new__(cls)
        config._fill(
            {**(options or {}), **more}, spell, source if callable(source) else repr, further=further
        )
        config._origins = {**kept, **config.origins}
        return config

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables that the clients may read, as of the creation of this configuration."""
        return self._variables

    @property
    def origins(self) -> Mapping[str, str]:
        """The environment variable of each option that was read from one."""
        return self._origins

    @property
    def takes_environment(self) -> bool:
        """Whether keys, names and URLs are taken from the environment."""
        return self._takes_environment

    @property
    def targets(self) -> "Mapping[str, ClientConfig]":
        """The configurations of the clients that `controls` defines, by the path of their options."""
        return self._targets

    @property
    def alerts_of_extra_clients(self) -> bool:
        """Whether a rule of `alerts` is about clients that are built per request, which are to be detected for it."""
        rules: Sequence[Any] = (self.controls or {}).get("alerts") or ()
        return "extra_clients" in [one["on"] if isinstance(one, Mapping) else one.on for one in rules]


def _target(options: Mapping[str, Any], source: str) -> ClientConfig:
    """Build the configuration of a client that `controls` defines.

    Raises:
        ConfigError: An option is unknown or ill-typed, or does not apply to such a client.
    """
    for name in _NOT_OF_TARGETS:
        if name in options:
            raise ConfigError(f"{source}{name}: set this on the client that the chain belongs to.")
    return ClientConfig.make(options, source=source, further=True)


def hint_for(name: str, suggest: Callable[[str], str] = repr) -> str:
    """Return a suggestion for an unknown option, starting with a space; empty where none is near."""
    if name == "layers":
        return f" Pass policies of your own as {{'policies': [...]}} in {suggest('controls')}."
    from .control.assembly import OPTIONS  # noqa: PLC0415 - only for an error message

    is_control = name.lower() in OPTIONS
    if not is_control and (near := nearest(name, ClientConfig.model_fields)):
        return f" Did you mean {suggest(near)}?"
    near = nearest(name, OPTIONS, cutoff=_NEAR_A_CONTROL)
    return f" Did you mean {near!r} inside {suggest('controls')}?" if near else ""
