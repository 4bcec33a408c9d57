"""A report on an application's clients for the command line: effective options, findings, and a trial call."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, get_args

from ._config.options import environment_variables
from ._config.values import ADDRESSES
from ._http.certificates import Certificate
from ._params.secrets import shown_address
from .checks import examine
from .client import OpenAI
from .config import ClientConfig
from .errors import OpenAIError
from .provider import DEFAULT_ALIAS


def shown(name: str, value: Any) -> str:
    """Format an option's value without secrets: keys as `***`, headers and query parameters by name only.

    A value of a wrong type is `***` too: what was misplaced may be a secret.
    """
    field = ClientConfig.model_fields.get(name)
    if isinstance(value, Mapping) and name != "timeout":
        return f"{{{', '.join(f'{key}: ***' for key in value)}}}"  # pyright: ignore[reportUnknownVariableType]
    if value is None or (name == "timeout" and isinstance(value, Mapping)):
        return repr(value)  # pyright: ignore[reportUnknownArgumentType]
    if field is None or not field.repr:
        return "***"
    return _shown(name, value, takes_text=_takes_text(field.annotation))


def _shown(name: str, value: Any, *, takes_text: bool) -> str:
    if isinstance(value, str) and takes_text:
        return shown_address(value) if name in ADDRESSES else repr(value)
    if isinstance(value, Certificate):
        return ", ".join(map(repr, value.files))
    if isinstance(value, bool | int | float):
        return repr(value)
    return getattr(value, "__qualname__", "***")


def _takes_text(annotation: object) -> bool:
    """Return whether a type is that of text, or has it among its alternatives."""
    if annotation is str or annotation == Any or isinstance(annotation, str):
        return True
    return any(map(_takes_text, get_args(annotation)))


def describe(options: Mapping[str, Any], *, further: bool = False) -> Iterator[str]:
    """Yield a line for each option of one client: its value, and its origin.

    Raises:
        ConfigError: The options are invalid.
    """
    config = ClientConfig.make(options, further=further)
    variables = environment_variables()
    width = max(map(len, ClientConfig.model_fields))
    for name in ClientConfig.model_fields:
        if options.get(name) is not None:
            origin = "given"
        elif name in config.model_fields_set and config.__dict__[name] is not None and name in variables:
            origin = variables[name]
        else:
            origin = "default"
        yield f"{name:{width}}  {shown(name, config.__dict__[name])}  ({origin})"


def diagnose(
    clients: Mapping[str, Mapping[str, Any]],
    spell: Callable[[str, str], str],
    call: Callable[[str], "OpenAI"] | None = None,
) -> Iterator[tuple[str, bool]]:
    """Yield the lines of the report, each with whether it reports a fault.

    Args:
        clients: The options of each client by alias.
        spell: Returns the name of an alias's option as the user writes it.
        call: Returns the client of an alias for a trial call; without it, nothing is sent.
    """
    for alias, options in clients.items():
        yield f"{alias}:", False
        further = alias != DEFAULT_ALIAS
        findings = examine(options, partial(spell, alias), further=further)
        faulty = any(finding.id.startswith("E") for finding in findings)
        if not faulty:
            for line in describe(options, further=further):
                yield f"  {line}", False
        for finding in findings:
            yield f"  {finding.id}: {finding.message} {finding.hint}", finding.id.startswith("E")
        if call is not None and not faulty:
            line, failed = _try(partial(call, alias))
            yield f"  {line}", failed


def _try(make: Callable[[], "OpenAI"]) -> tuple[str, bool]:
    try:
        models = list(make().models.list())
    except OpenAIError as error:
        return f"call: failed, {type(error).__name__}: {error}", True
    return f"call: {len(models)} models", False
