"""Validation of options: errors name the full path of the option and the nearest valid name."""

import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from typing import Any, TypeVar, cast, get_type_hints

import pydantic

from ..._models.adapters import adapter_of
from ..._params.dotted import shown_path
from ..._params.faults import said_of
from ..._params.nearest import nearest
from ...errors import ConfigError

P = TypeVar("P")


def make(cls: type[P], options: object, where: str, **more: Any) -> P:
    """Build a policy from its options; `True` means all defaults, an instance is returned as it is.

    Raises:
        ConfigError: An option is unknown, ill-typed or missing.
    """
    if isinstance(options, cls):
        return options
    given = checked_options(cls, options, where, without=more)
    required = [
        one.name
        for one in fields(cast("Any", cls))
        if one.init and one.default is one.default_factory and one.name not in {*given, *more}
    ]
    if required:
        raise ConfigError(f"{where}.{required[0]}: this option is required.")
    try:
        return cls(**given, **more)
    except ConfigError as error:
        message = str(error)
        raise ConfigError(message if message.startswith(where) else f"{where}: {message}") from error


def checked_options(
    cls: type[Any], options: object, where: str, *, without: Collection[str] = ()
) -> dict[str, Any]:
    """Validate options by name and type against the fields of *cls*, a dataclass."""
    given = dict(mapping({} if options is True else options, where))
    hints = get_type_hints(cls, localns={"Store": Any, "Waiter": Any})
    known = [one.name for one in fields(cls) if one.init and one.name not in without]
    check_names(f"{where}.", given, known)
    return {name: checked(hints[name], value, f"{where}.{name}") for name, value in given.items()}


def checked(hint: Any, value: Any, where: str) -> Any:
    """Validate and convert a value to its type."""
    if isinstance(value, bytes | bytearray | memoryview):  # which would be taken for text
        raise ConfigError(
            f"{where}: expected text or other plain data, not {type(cast('object', value)).__name__}."
        )
    adapter = adapter_of(hint, pydantic.ConfigDict(arbitrary_types_allowed=True))
    try:
        return adapter.validate_python(value)
    except pydantic.ValidationError as error:
        fault = error.errors(include_url=False)[0]
        inside = "".join(f"[{part!r}]" for part in fault["loc"] if _is_in(value, part))
        raise ConfigError(f"{where}{inside}: {said_of(fault)}.{_nearest(fault)}") from None


def _is_in(value: Any, part: object) -> bool:
    """Return whether a part of an error's location is a key or index of the value, not the name of a type."""
    if isinstance(value, Mapping):
        return part in value
    return isinstance(part, int) and isinstance(value, list | tuple)


def _nearest(fault: Any) -> str:
    """Suggest the nearest allowed word for an invalid literal; empty where none is near."""
    value: object = fault["input"]
    words = re.findall(r"'([^']*)'", fault["msg"]) if fault["type"] == "literal_error" else []
    near = nearest(value, words) if isinstance(value, str) else None
    return f" Did you mean {near!r}?" if near else ""


def check_names(where: str, given: Mapping[str, Any], known: Mapping[str, Any] | Sequence[str]) -> None:
    """Raise `ConfigError` for a name that is not in *known*."""
    for name in given:
        if name not in known:
            near = nearest(name, known)
            hint = f" Did you mean {near!r}?" if near else f" Valid options: {', '.join(known)}."
            raise ConfigError(f"{where}{name}: unknown option.{hint}")


def mapping(value: object, where: str) -> Mapping[str, Any]:
    """Return *value* if it is a mapping, else raise `ConfigError`."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: expected a mapping of options, not {type(value).__name__}.")
    return cast("Mapping[str, Any]", value)


def sequence(value: object, where: str) -> Sequence[Any]:
    """Return *value* if it is a list or tuple, else raise `ConfigError`."""
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: expected a list, not {type(value).__name__}.")
    return cast("Sequence[Any]", value)


def resolved(value: Any, where: str) -> Any:
    """Import what a dotted path names, also inside a list; return any other value as it is.

    Raises:
        ConfigError: Nothing can be imported from the path.
    """
    if isinstance(value, list | tuple):
        return [resolved(item, where) for item in cast("Sequence[Any]", value)]
    if not isinstance(value, str):
        return value
    module, _, name = value.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except Exception as error:
        shown = shown_path(value)
        meant = _meant(value, error) if shown != "***" else " Use one such as 'package.module.name'."
        message = f"{where}: cannot import the dotted path {shown}.{meant}"
        raise ConfigError(message) from error


def _meant(path: str, error: Exception) -> str:
    """Return the nearest dotted path, or why the module cannot be imported."""
    if ":" in path:
        return f" Did you mean {path.replace(':', '.')!r}?"
    module, _, name = path.rpartition(".")
    if isinstance(error, AttributeError) and error.obj is sys.modules.get(module):
        near = get_close_matches(name, dir(error.obj), n=1)
        return f" Did you mean '{module}.{near[0]}'?" if near else ""
    return (
        f" {error}." if isinstance(error, ImportError) else f" Importing it fails ({type(error).__name__})."
    )
