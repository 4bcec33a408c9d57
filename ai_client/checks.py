"""Checks of a client's options before any call: faults, and risks in production."""

import logging
import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import urlsplit

from .config import ClientConfig, hint_for
from .errors import ConfigError

logger = logging.getLogger("ai_client")

GUNICORN_TIMEOUT = 30
"""Default seconds after which gunicorn kills a silent worker."""

_USE_LIBRARY = "Allow the library's prices, which 'library' inside 'price_options' switches off"
_KEYS = (
    "api_key",
    "api_key_file",
    "azure_ad_token",
    "azure_ad_token_provider",
    "credentials",
    "workload_identity",
)
_AZURE_KEYS = ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN")


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault or risk in the options.

    Attributes:
        id: A stable identifier: `E...` where no client can be built, `W...` otherwise.
        message: The fault or risk, without secrets.
        hint: How to fix it.
        deploy: Whether it matters in production only.
    """

    id: str
    message: str
    hint: str
    deploy: bool = False


def examine(
    options: Mapping[str, Any], spell: Callable[[str], str] = str, *, further: bool = False
) -> list[Finding]:
    """Return the findings about one client's options; the environment is read as `ClientConfig` does.

    Args:
        options: The options by name.
        spell: Returns an option's name as the user writes it.
        further: Whether it is not the application's first client, see `ClientConfig.make`.
    """
    names = list(ClientConfig.model_fields)
    findings: list[Finding] = []
    for name in options:
        if name not in names:
            hint = hint_for(str(name), spell).strip() or f"The options are {', '.join(names)}."
            findings.append(Finding("E002", f"{spell(name)} is not an option of the client.", hint))
    known = {name: value for name, value in options.items() if name in names}
    try:
        config = ClientConfig.make(known, source=spell, further=further)
    except ConfigError as error:
        hint = "Correct the value, or remove the option to use its default."
        return [*findings, *(Finding("E003", fault, hint) for fault in error.faults)]
    return [*findings, *_risks(config, spell)]


def log_risks(clients: Mapping[str, ClientConfig], spell: Callable[[str, str], str]) -> None:
    """Log a warning for each risk that is not specific to production, when an application starts.

    Args:
        clients: The options of each client by alias.
        spell: Returns the name of an alias's option as the user writes it.
    """
    for alias, config in clients.items():
        for finding in _risks(config, partial(spell, alias)):
            if not finding.deploy:
                logger.warning("AI client %r: %s %s", alias, finding.message, finding.hint)


def _risks(config: ClientConfig, spell: Callable[[str], str]) -> Iterator[Finding]:
    variables = _AZURE_KEYS if config.azure_endpoint else ("OPENAI_API_KEY",)
    own = any(getattr(config, name) for name in _KEYS)
    if not (own or any(map(config.variables.get, variables))):
        yield Finding(
            "W001",
            "No API key is configured: the first call will fail.",
            f"Set {spell('api_key')}, or the environment variable {variables[0]}.",
        )
    address = urlsplit(config.base_url or config.azure_endpoint or "")
    if address.scheme == "http" and not (config.uds or _is_local(address.hostname or "")):
        yield Finding(
            "W002",
            f"The API key and all prompts are sent to {address.hostname} unencrypted.",
            f"Use an https URL as {spell('base_url')}.",
            deploy=True,
        )
    if config.verify is False:
        yield Finding(
            "W005",
            "The certificates of servers are not checked: anybody on the way can read the API key and all prompts.",
            f"Set {spell('verify')} to the file of the authority that issued them.",
            deploy=True,
        )
    yield from _unpriced_budgets(config, spell)
    limit = worker_timeout()
    if limit is not None:
        longest = longest_call(config)
        if longest is None or longest > limit:
            length = "forever" if longest is None else f"{longest:g} s"
            yield Finding(
                "W003",
                f"A call may take {length}, but gunicorn kills a busy sync worker after {limit:g} s.",
                f"Set {spell('deadline')} to fewer seconds, or raise gunicorn's --timeout.",
                deploy=True,
            )


def longest_call(config: ClientConfig) -> float | None:
    """Return the seconds that a call may take until it fails, if each step takes its time; `None` is without an end."""
    if config.deadline is not None:
        return config.deadline
    step = _longest_step(config.timeout)
    return None if step is None else step * _attempts(config)


def _longest_step(timeout: Any) -> float | None:
    """Return the seconds of the longest step of a call; `None` where one waits for ever."""
    steps: list[Any] = list(timeout.values()) if isinstance(timeout, Mapping) else [timeout]  # pyright: ignore[reportUnknownArgumentType]
    return None if None in steps else max(steps)


def _attempts(config: ClientConfig) -> int:
    """Return the attempts that a call makes at most: the targets of a fallback share those of the call."""
    controls: Mapping[str, Any] = config.controls or {}
    targets = 1
    if controls.get("models") or controls.get("fallback"):
        from .control.fallback.targets import Chains  # noqa: PLC0415 - only where there are chains

        fallback: Mapping[str, Any] = controls.get("fallback") or {}
        chains = Chains(
            controls.get("models") or {},
            fallback.get("default", ()),
            fallback.get("clients", ()),
            keeps_all=True,
        )
        targets = chains.longest
    return max(config.max_retries + 1, targets)


def _unpriced_budgets(config: ClientConfig, spell: Callable[[str], str]) -> Iterator[Finding]:
    """Yield a finding for hard budgets in USD that no price is known for."""
    controls = config.controls or {}
    budgets: Sequence[Any] = controls.get("budgets") or ()
    if controls.get("prices") or not any(
        _member(one, "usd") and _member(one, "hard", True) for one in budgets
    ):
        return
    options: Any = controls.get("price_options") or {}
    host = urlsplit(config.base_url or config.azure_endpoint or "").hostname or ""
    place = f"'prices' inside {spell('controls')}"
    if not (uses_library := _member(options, "library", True)) or not find_spec("genai_prices"):
        advice = 'Install the prices, pip install "ai-client[prices]"' if uses_library else _USE_LIBRARY
        yield Finding(
            "W004",
            "A hard budget in USD has no prices: it rejects nothing, and counts only costs that answers report.",
            f"{advice}, or set them as {place}.",
        )
    elif not _member(options, "provider") and _is_local(host):
        yield Finding(
            "W004",
            f"A hard budget in USD rejects each call, as no prices are known for models at {host}.",
            f"Set them as {place}, or whose they are as 'provider' inside 'price_options'.",
        )


def _member(given: Any, name: str, default: object = None) -> Any:
    """Return a member of what may be a mapping of options or a policy's object."""
    if isinstance(given, Mapping):
        return cast("Mapping[str, Any]", given).get(name, default)
    return getattr(given, name, default)


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def worker_timeout() -> float | None:
    """Return gunicorn's worker timeout in seconds, as far as `GUNICORN_CMD_ARGS` sets it.

    Returns:
        `None` where gunicorn is not installed or has no timeout.
    """
    if find_spec("gunicorn") is None:
        return None
    words = iter(shlex.split(os.environ.get("GUNICORN_CMD_ARGS", "")))
    for word in words:
        name, _, value = word.partition("=")
        if name in {"-t", "--timeout"}:
            try:
                return float(value or next(words, "")) or None
            except ValueError:
                break
    return GUNICORN_TIMEOUT
