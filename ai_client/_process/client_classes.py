"""Clients of the classes that a configuration names: derived from ours, the official SDK's, and any other."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from .._call.pipeline import together
from .._client import environment
from .._exchange.loop_sender import LoopSender
from .._exchange.pool_senders import PoolSender
from .._http.library import library
from ..config import ClientConfig
from ..errors import ConfigError
from .assembly import Assembly
from .factory import arguments_of, client_of
from .foreign_client import AsyncForeign, Foreign, kept_open
from .gate import DrainGate
from .keep_open import view_of
from .managed import Managed, manage, under_gate
from .other_sdks import closes_as_known, http_library_of, is_official, is_ours, withhold

_OF_AN_ACCOUNT = frozenset(
    {
        "api_key",
        "admin_api_key",
        "base_url",
        "data_residency",
        "default_headers",
        "default_query",
        "organization",
        "project",
        "webhook_secret",
        "websocket_base_url",
        "workload_identity",
    }
)
"""Options that say whose calls they are and where they go, which an SDK has to know."""
_NO_ACCOUNT: dict[str, Any] = {
    **dict.fromkeys(_OF_AN_ACCOUNT - {"base_url"}),
    "api_key": "",
    "_environment": {},
    "_enforce_credentials": False,
}


def build_of_class(
    make: Callable[..., Any],
    assembly: Assembly,
    gate: DrainGate,
    keep_open: Callable[[], None],
    *,
    sync: bool,
) -> Managed:
    """Build a client of a class, or by a function.

    Args:
        make: The class or function.
        assembly: Options and policies.
        gate: What its calls go through, where they are calls of a client of ours.
        keep_open: What is called where something else than the provider closes it.
        sync: Which kind of client it is.

    Raises:
        ConfigError: It does not take an option that was given, or has no place for the policies.
    """
    config = assembly.config
    if is_ours(make):
        return _derived(make, assembly, gate, keep_open, sync=sync)
    if is_official(make):
        found = _official(make, assembly, gate, keep_open, sync=sync)
        if found is not None:
            return found
        if config.controls or config.credentials:
            raise ConfigError(
                f"{make.__qualname__} brings an HTTP client, over which there are no controls and credentials."
            )
    elif (name := http_library_of(make, sync=sync)) is not None and _takes(make, "http_client"):
        return _of_another_sdk(make, name, config, gate, keep_open, sync=sync)
    options = _set_options(config)
    _check_taken(make, options)
    client = make(**options)
    if not config.takes_environment:
        withhold(
            options.get("http_client") or getattr(client, "_client", None), environment.as_headers(options)
        )
    return (Foreign if sync else AsyncForeign)(client, kept_open(make, client, keep_open))


def _derived(
    make: Callable[..., Any],
    assembly: Assembly,
    gate: DrainGate,
    keep_open: Callable[[], None],
    *,
    sync: bool,
) -> Managed:
    options = _set_options(assembly.config)
    _check_taken(make, options)
    with environment.only(assembly.config.variables):
        client = make(**options)
    client._layers = together((*assembly.layers(), *client._layers))
    under_gate(client, gate, keep_open)
    if closes_as_known(make, client) and isinstance(client._sender, LoopSender | PoolSender):
        return manage(client)
    shown = kept_open(make, client, keep_open)
    if sync:
        return Foreign(client, shown)
    return AsyncForeign(client, shown, anywhere=isinstance(client._sender, LoopSender))


def _official(
    make: Callable[..., Any],
    assembly: Assembly,
    gate: DrainGate,
    keep_open: Callable[[], None],
    *,
    sync: bool,
) -> Managed | None:
    from ..interop.official_client import build  # noqa: PLC0415 - loads the SDK

    ours = under_gate(assembly.client(sync=sync), gate, keep_open)
    client = build(make, ours, keep_open)
    below = manage(ours)
    if client is None:
        below.close()
        return None
    return _over(make, client, below, keep_open, sync=sync)


def _of_another_sdk(
    make: Callable[..., Any],
    name: str,
    config: ClientConfig,
    gate: DrainGate,
    keep_open: Callable[[], None],
    *,
    sync: bool,
) -> Managed:
    """Build a client of an SDK that has addresses and keys of its own, over connections of ours."""
    from ..interop.refusals import LibraryErrors  # noqa: PLC0415 - loads the HTTP library
    from ..interop.requests import Manner  # noqa: PLC0415 - likewise
    from ..interop.sdk_clients import http_client_of  # noqa: PLC0415 - likewise
    from ..interop.transports import transport_over  # noqa: PLC0415 - likewise

    options = _set_options(config)
    taken = {name: value for name, value in options.items() if _takes(make, name)}
    _check_taken(make, {name: options[name] for name in options.keys() & _OF_AN_ACCOUNT})
    if _takes(make, "max_retries"):
        taken["max_retries"] = 0  # the client below retries
    ours = under_gate(client_of(config, sync=sync, **_NO_ACCOUNT), gate, keep_open)
    http = library(name).http
    ignored = frozenset[tuple[str, str]]() if config.takes_environment else environment.as_headers(options)
    over = transport_over(
        ours, http, Manner(ignored, has_placeholder=True, follows=True), LibraryErrors(http)
    )
    client = make(**taken, http_client=http_client_of(http, over, keep_open))
    return _over(make, client, manage(ours), keep_open, sync=sync)


def _over(make: Any, client: Any, below: Managed, keep_open: Callable[[], None], *, sync: bool) -> Managed:
    """Return a client over one of ours: as it is where its SDK closes it, for that is a matter of its HTTP client."""
    shown = client if closes_as_known(make, client) else view_of(client, keep_open)
    return Foreign(client, shown, below) if sync else AsyncForeign(client, shown, below)


def _set_options(config: ClientConfig) -> dict[str, Any]:
    """Return the options that were set; a class has defaults of its own."""
    names = {*config.model_fields_set, *(("api_key",) if config.api_key_file is not None else ())}
    return {name: value for name, value in arguments_of(config).items() if name in names}


def _parameters_of(make: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(make).parameters
    except (TypeError, ValueError):  # of a class that is not written in Python
        kind = "client_class or async_client_class"
        raise ConfigError(f"{kind}: {make!r} does not show which keywords it takes.") from None


def _takes(make: Callable[..., Any], name: str) -> bool:
    return name in _parameters_of(make)


def _check_taken(make: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Raise where a class does not take an option that was set."""
    parameters = _parameters_of(make)
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    refused = options.keys() - parameters.keys()
    if refused:
        name = getattr(make, "__qualname__", repr(make))
        raise ConfigError(f"{name} does not take these options: {', '.join(sorted(refused))}.")
