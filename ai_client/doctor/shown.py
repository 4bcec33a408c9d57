"""Values of options as they may be shown."""

from collections.abc import Mapping
from typing import Any, get_args

from .._config.values import ADDRESSES
from .._http.certificates import Certificate
from .._params.secrets import shown_address
from ..config import ClientConfig


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
