"""Dotted paths of what an application defines, such as `myapp.clients.Client`."""

import re
from importlib import import_module
from typing import Any

from ..errors import ConfigError

_DOTTED_PATH = re.compile(r"[^\W\d]\w*(?:[.:][^\W\d]\w*)+")


def is_dotted_path(text: str) -> bool:
    """Return whether a text has the form of a dotted path."""
    return _DOTTED_PATH.fullmatch(text) is not None


def shown_path(path: str) -> str:
    """Return a dotted path in quotes; what cannot be one may be a secret, and is `***`."""
    return repr(path) if is_dotted_path(path) else "***"


def imported(path: str, what: str) -> Any:
    """Import what is at a dotted path.

    Args:
        path: The path of its module, a dot, and its name.
        what: What it should be, for the message.

    Raises:
        ConfigError: There is nothing there, or importing it fails.
    """
    module, _, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except Exception as error:
        if not module:
            reason = "use a dotted path such as 'package.module.name'"
        elif isinstance(error, ImportError | AttributeError):
            reason = str(error)
        else:  # its message may hold a secret of the project
            reason = f"importing it fails ({type(error).__name__})"
        raise ConfigError(f"The {what} {shown_path(path)} cannot be imported: {reason}") from error
