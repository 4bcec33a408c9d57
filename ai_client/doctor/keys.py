"""The shape of a client's API key: what happens to keys that are copied, quoted or read from files."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .._config.environment import NO_KEY
from .._params.key_file import KeyFile
from ..config import ClientConfig
from ..provider import DEFAULT_ALIAS
from .check import Check, Status
from .configuration import ValueOrigin, given_options, kind_of_place, origin_of
from .subject import Subject

_INSTEAD = ("azure_ad_token", "azure_ad_token_provider", "credentials", "workload_identity")
"""Options in place of a key."""
_OF_AZURE = "AZURE_OPENAI_API_KEY"
_QUOTES = "\"'`\u2018\u2019\u201c\u201d"
_PLACEHOLDER = re.compile(
    r"(sk-)?(\.{3,}|\*{3,}|x{3,}|…|<.*>|\{.*\}|\$.*|(your|my|insert|replace|change|todo|dummy|example|placeholder).*)",
    re.IGNORECASE,
)
_Shape = tuple[Callable[[str], object], Status, str, str]
_SHAPES: tuple[_Shape, ...] = (
    (
        lambda key: re.search(r"[\r\n\x00-\x08\x0b-\x1f\x7f]", key),
        "fault",
        "has a line break or another control character in it",
        "Strip it where it is read: a file or a secret that was made with echo ends with one.",
    ),
    (
        lambda key: key != key.strip(),
        "fault",
        "has blanks around it",
        "Strip it where it is read.",
    ),
    (
        lambda key: key.lower().startswith("bearer "),
        "fault",
        "begins with 'Bearer '",
        "Give the key alone: the client adds 'Bearer' itself.",
    ),
    (
        lambda key: key[0] in _QUOTES or key[-1] in _QUOTES,
        "fault",
        "has quotation marks around it",
        "Remove them: docker --env-file, systemd and YAML pass them on as a part of the value.",
    ),
    (
        lambda key: not key.isascii(),
        "fault",
        "has characters that are no ASCII",
        "Copy it again: a word processor or a chat may have changed dashes and quotation marks.",
    ),
    (
        lambda key: " " in key or "\t" in key,
        "warning",
        "has blanks in it",
        "Copy it again: no key of OpenAI has any.",
    ),
    (
        lambda key: "=" in key and key.split("=", 1)[0].isupper(),
        "fault",
        "begins with a name and '='",
        "Give the value alone, without the name of the variable.",
    ),
    (
        _PLACEHOLDER.fullmatch,
        "warning",
        "looks like a placeholder",
        "Put the real key in its place.",
    ),
)


def examine_key(subject: Subject, alias: str, config: ClientConfig | None) -> Iterator[Check]:
    """Yield what the shape of a client's key shows; no part of the key."""
    options = given_options(subject.clients[alias])
    value, origin = _key_of(subject, alias, options, config)
    if value is None or value == "":
        if any(options.get(name) for name in _INSTEAD):
            yield Check("key", "api_key", "ok", "None: other credentials are in its place.", client=alias)
        elif config is not None or not options.get("api_key"):
            yield Check(
                "key",
                "api_key",
                "fault",
                "There is no API key: no client can be built.",
                f"Set {subject.spell(alias, 'api_key')} or the environment variable {_variable(options)}.",
                client=alias,
            )
        return
    if not isinstance(value, str):
        kind = "a function returns it" if callable(value) else f"it is of type {type(value).__name__}"
        yield Check("key", "api_key", "ok", f"{origin}: {kind}.", client=alias)
        return
    if value == NO_KEY:
        message = f"{origin}: the placeholder for a server that needs none."
        yield Check("key", "api_key", "ok", message, client=alias)
        return
    for matches, status, what, hint in _SHAPES:
        if matches(value):
            yield Check("key", "api_key", status, f"The key ({origin}) {what}.", hint, client=alias)
            return
    yield Check("key", "api_key", "ok", f"{origin}: its shape is fine.", client=alias)


def _variable(options: Mapping[str, Any]) -> str:
    return _OF_AZURE if options.get("azure_endpoint") else "OPENAI_API_KEY"


def _key_of(
    subject: Subject, alias: str, options: Mapping[str, Any], config: ClientConfig | None
) -> tuple[Any, ValueOrigin]:
    """Return a client's key as it was given, perhaps invalid, and where it is from."""
    variable = _variable(options)
    key, origin = options.get("api_key"), kind_of_place(subject, alias, "api_key")
    if config is not None and config.api_key_file is not None:
        key, origin = (
            KeyFile(config.api_key_file)(),
            origin_of(subject, alias, "api_key_file", config),
        )
    elif config is not None and config.azure_endpoint and config.api_key is None:
        key, origin = (
            config.variables.get(_OF_AZURE),
            ValueOrigin("environment", _OF_AZURE),
        )
    elif config is not None:
        key, origin = config.api_key, origin_of(subject, alias, "api_key", config)
    elif not key and alias == DEFAULT_ALIAS:
        key, origin = os.environ.get(variable), ValueOrigin("environment", variable)
    return key, origin
