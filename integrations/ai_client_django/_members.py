"""Attributes of a client, as its class declares them: looking at the setting must not build a client."""

from collections.abc import Iterator
from typing import Any, NoReturn

from django.utils.module_loading import import_string

from ai_client import OpenAI

_NOTHING: dict[str, Any] = {}


def has_member(client_class: object, name: str) -> bool:
    """Return whether a client has an attribute, as far as its class shows.

    Args:
        client_class: The option of that name: a class, a function, the path of one, or `None` for this package's.
        name: The attribute.

    Returns:
        `True` also where only the client itself can tell.
    """
    found = _class_of(client_class)
    if found is None:
        return True
    return any(name in _declared(base) for base in found.__mro__)


def members(client_class: object) -> Iterator[str]:
    """Yield the public attributes of a client, as far as its class shows."""
    found = _class_of(client_class)
    for base in found.__mro__ if found is not None else ():
        for name in _declared(base):
            if not name.startswith("_"):
                yield name


def refuse_assignment(place: str, name: str) -> NoReturn:
    """Raise the error of an attribute that is assigned or deleted.

    Raises:
        AttributeError: Always.
    """
    raise AttributeError(
        f"{place}.{name} cannot be changed, as the client is the whole process's. Set the option in the settings; in"
        f" tests use override_settings(AI_CLIENT={{**settings.AI_CLIENT, ...}}) for options, and"
        " settings.AI_CLIENT.override(fake) to replace the client."
    )


def _class_of(client_class: object) -> type | None:
    """Return the class of a client; `None` for a function, and for a class that makes attributes up."""
    found = client_class
    if isinstance(found, str):
        try:
            found = import_string(found)
        except Exception:  # noqa: BLE001 - importing may fail in any way; the checks report it
            found = None
    if found is None:
        return OpenAI
    if not isinstance(found, type) or hasattr(found, "__getattr__"):
        return None
    return found


def _declared(base: type) -> set[str]:
    return {*vars(base), *vars(base).get("__annotations__", _NOTHING)}
