"""Checking options: unknown, missing and ill-typed ones are named in full, with the nearest valid one."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from typing import Any, TypeVar, cast, get_type_hints

import pydantic

from ...errors import ConfigError

P = TypeVar("P")


def make(cls: type[P], options: object, where: str, **more: Any) -> P:
    """Make a policy of its options by name; `True` is all defaults."""
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
    return cls(**given, **more)


def checked_options(
    cls: type[Any], options: object, where: str, *, without: Collection[str] = ()
) -> dict[str, Any]:
    """Give options by name, checked against the arguments of what they are for."""
    given = dict(mapping({} if options is True else options, where))
    hints = get_type_hints(cls, localns={"Store": Any, "Waiter": Any})
    known = [one.name for one in fields(cls) if one.init and one.name not in without]
    check_names(f"{where}.", given, known)
    return {name: checked(hints[name], value, f"{where}.{name}") for name, value in given.items()}


def checked(hint: Any, value: Any, where: str) -> Any:
    """Give a value as its type has it."""
    adapter = pydantic.TypeAdapter[Any](hint, config=pydantic.ConfigDict(arbitrary_types_allowed=True))
    try:
        return adapter.validate_python(value)
    except pydantic.ValidationError as error:
        fault = error.errors(include_url=False)[0]
        inside = "".join(f"[{part!r}]" for part in fault["loc"] if _is_in(value, part))
        raise ConfigError(f"{where}{inside}: {fault['msg']}.{_nearest(fault)}") from None


def _is_in(value: Any, part: object) -> bool:
    """Tell whether a part of a fault's place is a member of the value, and not the name of a type."""
    if isinstance(value, Mapping):
        return part in value
    return isinstance(part, int) and isinstance(value, list | tuple)


def _nearest(fault: Any) -> str:
    """Say what was meant, where only some words are allowed."""
    value: object = fault["input"]
    words = re.findall(r"'([^']*)'", fault["msg"]) if fault["type"] == "literal_error" else []
    near = get_close_matches(value, words, n=1) if isinstance(value, str) else []
    return f" Did you mean {near[0]!r}?" if near else ""


def check_names(where: str, given: Mapping[str, Any], known: Mapping[str, Any] | Sequence[str]) -> None:
    """Refuse an unknown name."""
    for name in given:
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(known)}."
            raise ConfigError(f"{where}{name}: unknown option.{hint}")


def mapping(value: object, where: str) -> Mapping[str, Any]:
    """Refuse what is no mapping."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: a mapping of options is expected, not {type(value).__name__}.")
    return cast("Mapping[str, Any]", value)


def sequence(value: object, where: str) -> Sequence[Any]:
    """Refuse what is no list."""
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: a list is expected, not {type(value).__name__}.")
    return cast("Sequence[Any]", value)


def resolved(value: Any, where: str) -> Any:
    """Give what a dotted path names, also within a list; other values as they are."""
    if isinstance(value, list | tuple):
        return [resolved(item, where) for item in cast("Sequence[Any]", value)]
    if not isinstance(value, str):
        return value
    module, _, name = value.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"{where}: {value!r} is not the dotted path of something there is.") from error
