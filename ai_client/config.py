"""The options of a client in an application: their names, types, defaults and environment variables."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, Self, cast

import pydantic
from pydantic import Field
from pydantic_core import from_json, to_json

from ._client import environment as of_process
from ._config.names import FaultError, explain, unread_variables
from ._config.values import (
    Address,
    ClassPath,
    Count,
    Headers,
    Name,
    Query,
    Seconds,
    Segment,
    Size,
    SomeCount,
    SomeSeconds,
    Text,
    surrounding_faults,
)
from ._params.defaults import (
    DEFAULT_KEEPALIVE_EXPIRY,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_MAX_EVENT_BYTES,
    DEFAULT_MAX_RESPONSE_BYTES,
    DEFAULT_MAX_RETRIES,
)
from ._params.secrets import check_secret, shown_address, webhook_key
from .errors import ConfigError

_OF_THE_PROVIDER = frozenset(
    {"shutdown_timeout", "client_class", "async_client_class", "controls", "environment"}
)
_ADDRESSES = frozenset({"base_url", "azure_endpoint"})
_OF_A_PLACE = frozenset(
    {
        "api_key",
        "admin_api_key",
        "organization",
        "project",
        "base_url",
        "azure_endpoint",
        "azure_deployment",
        "webhook_secret",
        "controls",
    }
)
NO_KEY = "none"
"""What a further client sends to a server of its own that asks for no key."""
_OF_AZURE = frozenset({"azure_endpoint", "azure_deployment", "azure_ad_token_provider", "api_version"})
_TELLS_ANSWERS_APART = (
    "base_url",
    "azure_endpoint",
    "azure_deployment",
    "api_version",
    "organization",
    "project",
    "default_headers",
    "default_query",
)


def _option(default: Any, description: str, env: str | None = None, **more: Any) -> Any:
    return Field(
        default=default, description=description, json_schema_extra={"env": env} if env else None, **more
    )


class _Origin(NamedTuple):
    """Where the options of a client come from.

    Attributes:
        further: Whether it is not an application's first client.
        variables: The environment variable of each option that was read from one.
    """

    further: bool
    variables: dict[str, str]


class ClientConfig(pydantic.BaseModel):
    """Every option of an application's client, checked when it is made.

    An option not given here is read from its environment variable, when the configuration is made.
    """

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True
    )

    api_key: Text | Callable[[], Any] | None = _option(
        None,
        "The API key, or a function that gives it, called for each request.",
        "OPENAI_API_KEY",
        repr=False,
    )
    admin_api_key: Text | None = _option(
        None, "The key for the organization's administration.", "OPENAI_ADMIN_KEY", repr=False
    )
    organization: Name | None = _option(None, "The organization that requests count for.", "OPENAI_ORG_ID")
    project: Name | None = _option(None, "The project that requests count for.", "OPENAI_PROJECT_ID")
    base_url: Address | None = _option(
        None, "Where the API is; OpenAI's own address by default.", "OPENAI_BASE_URL"
    )
    azure_endpoint: Address | None = _option(
        None,
        "The address of a resource of Azure OpenAI; the clients are Azure's then.",
        "AI_CLIENT_AZURE_ENDPOINT",
    )
    azure_deployment: Segment | None = _option(
        None,
        "Azure's deployment for all calls; without it, a call's model names one.",
        "AI_CLIENT_AZURE_DEPLOYMENT",
    )
    azure_ad_token_provider: Callable[[], Any] | None = _option(
        None, "A function that gives a token of Microsoft Entra ID, called for each request.", repr=False
    )
    api_version: Segment | None = _option(None, "The version of Azure's API.", "OPENAI_API_VERSION")
    webhook_secret: Text | None = _option(
        None, "The secret that webhooks are signed with.", "OPENAI_WEBHOOK_SECRET", repr=False
    )
    timeout: SomeSeconds | None = _option(
        600.0, "Seconds to wait for each read or write; connecting has 5 at most.", "AI_CLIENT_TIMEOUT"
    )
    max_retries: Count = _option(
        DEFAULT_MAX_RETRIES, "Further attempts after a transient failure.", "AI_CLIENT_MAX_RETRIES"
    )
    deadline: SomeSeconds | None = _option(
        None, "Seconds for a whole call, further attempts and waits included.", "AI_CLIENT_DEADLINE"
    )
    default_headers: Headers | None = _option(None, "Headers of every request.", repr=False)
    default_query: Query | None = _option(None, "Query parameters of every request.", repr=False)
    max_connections: SomeCount = _option(
        DEFAULT_MAX_CONNECTIONS, "Connections that one client may have open.", "AI_CLIENT_MAX_CONNECTIONS"
    )
    keepalive_expiry: Seconds = _option(
        DEFAULT_KEEPALIVE_EXPIRY, "Seconds that an idle connection is kept.", "AI_CLIENT_KEEPALIVE_EXPIRY"
    )
    max_response_bytes: Size | None = _option(
        DEFAULT_MAX_RESPONSE_BYTES,
        "Bytes of an answer that are held in memory at most; streamed downloads have no bound.",
        "AI_CLIENT_MAX_RESPONSE_BYTES",
    )
    max_event_bytes: Size | None = _option(
        DEFAULT_MAX_EVENT_BYTES,
        "Bytes of one event of a stream that are held in memory at most.",
        "AI_CLIENT_MAX_EVENT_BYTES",
    )
    trust: Literal["certifi", "system"] = _option(
        "certifi", "The trust store for TLS: the certifi package's, or the system's.", "AI_CLIENT_TRUST"
    )
    on_blocking_call: Literal["warn", "raise", "ignore"] = _option(
        "warn",
        "What the blocking client does about a call inside a running event loop.",
        "AI_CLIENT_ON_BLOCKING_CALL",
    )
    stream_end: Literal["required", "optional"] = _option(
        "required",
        "Whether a stream without its protocol's end mark has broken off, or is believed to be whole.",
        "AI_CLIENT_STREAM_END",
    )
    shutdown_timeout: Seconds = _option(
        10.0,
        "Seconds that calls in flight get to finish when the application ends.",
        "AI_CLIENT_SHUTDOWN_TIMEOUT",
    )
    client_class: ClassPath | Callable[..., Any] | None = _option(
        None, "A class for the blocking client in place of OpenAI, or its dotted path: `openai.OpenAI`, say."
    )
    async_client_class: ClassPath | Callable[..., Any] | None = _option(
        None, "A class for the awaitable client in place of AsyncOpenAI, or its dotted path."
    )

    environment: bool | None = _option(
        None,
        "Whether keys, names and addresses are taken from the environment; by default they are, but not by a further"
        " client with an address of its own.",
    )

    controls: Mapping[str, Any] | None = _option(
        None,
        "Policies around calls: limits, budgets, cache, fallback, logs and others; JSON in the environment.",
        "AI_CLIENT_CONTROLS",
        repr=False,
    )
    _layers: tuple[int, tuple[Any, ...]] = (0, ())
    _variables: Mapping[str, str] = {}
    _takes_environment: bool = True

    @pydantic.field_validator("controls", mode="before")
    @classmethod
    def _read_controls(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return from_json(value)
        except ValueError:
            raise ValueError("text must be a JSON object of options") from None

    @pydantic.model_validator(mode="after")
    def _check_azure(self) -> Self:
        if not self.azure_endpoint:
            for name in ("azure_deployment", "azure_ad_token_provider"):
                if getattr(self, name) is not None:
                    raise FaultError(name, "only for Azure, azure_endpoint is missing")
        elif self.base_url:
            raise FaultError("base_url", "not beside azure_endpoint, give one of them")
        elif not self.api_version:
            raise FaultError("api_version", "required beside azure_endpoint")
        elif self.api_key and self.azure_ad_token_provider:
            raise FaultError("azure_ad_token_provider", "not beside api_key, give one of them")
        elif self.client_class or self.async_client_class:
            raise FaultError("azure_endpoint", "not beside a client class, Azure has its own")
        return self

    @pydantic.model_validator(mode="after")
    def _check_controls(self) -> Self:
        if self.controls and (self.client_class or self.async_client_class):
            raise FaultError("controls", "they need this package's own clients, not those of another class")
        try:
            self.layers()
        except (ConfigError, ImportError) as error:
            raise FaultError("controls", str(error)) from error
        except Exception as error:
            raise FaultError(
                "controls", f"they make no policies ({type(error).__name__}: {error})"
            ) from error
        return self

    @pydantic.model_validator(mode="wrap")
    @classmethod
    def _from_environment(
        cls, given: Any, make: pydantic.ModelWrapValidatorHandler[Self], info: pydantic.ValidationInfo
    ) -> Self:
        if isinstance(given, cls):
            return given
        values = dict(cast("Mapping[str, Any]", given))
        origin: _Origin = info.context or _Origin(further=False, variables={})
        variables = environment_variables()
        endpoint = values.get("azure_endpoint")
        asked = values.get("environment")
        taken = (
            asked
            if isinstance(asked, bool)
            else not (origin.further and (values.get("base_url") or endpoint))
        )
        ignored = frozenset[str]() if taken else _OF_A_PLACE
        if endpoint or ("azure_endpoint" not in ignored and os.environ.get(variables["azure_endpoint"])):
            ignored |= {"api_key", "base_url"}  # of OpenAI; Azure's client knows the variables of its own
        for name, variable in variables.items():
            if name not in ignored and values.get(name) is None and os.environ.get(variable):
                values[name] = os.environ[variable]
                origin.variables[name] = variable
        if not taken and values.get("base_url") and not values.get("api_key"):
            values["api_key"] = NO_KEY
        config = make(values)
        config._takes_environment = taken
        if taken:
            config._variables = of_process.of_clients()
        elif config.azure_endpoint:
            config._variables = of_process.of_azure(config.azure_endpoint)
        return config

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, shown_address(value) if name in _ADDRESSES and isinstance(value, str) else value

    def __init__(self, **options: Any) -> None:
        self._fill(options, str, repr)

    def _fill(
        self,
        given: Mapping[str, Any],
        spell: Callable[[str], str],
        suggest: Callable[[str], str],
        *,
        further: bool = False,
    ) -> None:
        """Check the options and take them; names are written by *spell*, and by *suggest* where another was meant."""
        origin = _Origin(further, {})

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
            faults += surrounding_faults(self.base_url or self.azure_endpoint or "https:", self.trust)
        if faults:
            raise ConfigError(" ".join(faults))
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
        """Make a configuration of a mapping, keywords and the environment.

        Args:
            options: Options by name, or a configuration, which is given back as it is where nothing is added.
            source: How messages name an option: what stands before its name, or a function from its name.
            further: Whether it is not an application's first client: one with an address of its own then takes no
                key, name or address from the environment, unless `environment` is true.
            more: Further options, over *options*.

        Raises:
            ConfigError: An option is unknown, ill-typed or can never work; all faults are named, values are not shown.
        """
        if isinstance(options, cls):
            if not more:
                return options
            options = options.model_dump(exclude_unset=True)
        if options is not None and not isinstance(options, Mapping):
            raise ConfigError(f"Options are a mapping or a ClientConfig, not {type(options).__name__}.")
        spell = source if callable(source) else f"{source}{{}}".format
        config = cls.__new__(cls)
        config._fill(
            {**(options or {}), **more}, spell, source if callable(source) else repr, further=further
        )
        return config

    def options(self) -> dict[str, Any]:
        """Return the arguments for `OpenAI` and `AsyncOpenAI`, without what these take from the environment."""
        unused = {*_OF_THE_PROVIDER, *({"base_url"} if self.azure_endpoint else _OF_AZURE)}
        given = {name: getattr(self, name) for name in type(self).model_fields if name not in unused}
        if self.controls:
            given["layers"] = self.layers()
        return given

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables that the clients may read, as they were when this was made."""
        return self._variables

    @property
    def takes_environment(self) -> bool:
        """Whether keys, names and addresses are taken from the environment."""
        return self._takes_environment

    def layers(self) -> tuple[Any, ...]:
        """Give the policies that `controls` asks for: one set a process, which both clients share."""
        if not self.controls:
            return ()
        pid, layers = self._layers
        if pid != os.getpid():
            from ._process.factory import Connection  # noqa: PLC0415 - only where policies are configured
            from .control.assembly import make_layers  # noqa: PLC0415

            layers = make_layers(self.controls, namespace=self._namespace(), connect=Connection)
            self._layers = (os.getpid(), layers)
        return layers

    def _namespace(self) -> str:
        """Name what cached answers depend on beside the call, without saying it."""
        parts = {name: getattr(self, name) for name in _TELLS_ANSWERS_APART}
        return hashlib.sha256(to_json(parts, fallback=str)).hexdigest()[:16]

    def close_store(self) -> None:
        """Let go of the store that `controls` names by its address; a later call opens it again."""
        pid, layers = self._layers
        if self.controls and pid == os.getpid() and not hasattr(self.controls.get("store"), "close"):
            for store in {
                id(store): store for layer in layers if (store := getattr(layer, "store", None))
            }.values():
                store.close()


def environment_variables() -> dict[str, str]:
    """Give the environment variable of each option that has one."""
    return {
        name: str(cast("dict[str, Any]", field.json_schema_extra)["env"])
        for name, field in ClientConfig.model_fields.items()
        if field.json_schema_extra
    }


def hint_for(name: str, suggest: Callable[[str], str] = repr) -> str:
    """Say what was meant by an option that does not exist, as far as can be told."""
    near = get_close_matches(name, ClientConfig.model_fields, n=1)
    if near:
        return f" Did you mean {suggest(near[0])}?"
    from .control.assembly import OPTIONS  # noqa: PLC0415 - only to explain a mistake

    near = get_close_matches(name, OPTIONS, n=1)
    return f" Did you mean {near[0]!r} inside of {suggest('controls')}?" if near else ""
