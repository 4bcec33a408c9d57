"""Errors as a command shows them."""

import traceback


def explain(error: Exception) -> str:
    """Return what to say of an error, without secrets that another library may have put into its message."""
    from ..errors import ConfigError, OpenAIError  # noqa: PLC0415 - imported only where something failed

    if isinstance(error, ConfigError):
        return "\n".join(error.faults)
    if isinstance(error, OpenAIError):
        return f"{type(error).__name__}: {error}"
    if isinstance(error, ImportError | AttributeError | NameError | SyntaxError):
        return f"{type(error).__name__}: {error}"
    if isinstance(error, OSError) and error.strerror:
        place = f" ({error.filename})" if isinstance(error.filename, str) else ""
        return f"{error.strerror}{place}."
    where = traceback.extract_tb(error.__traceback__)
    place = f" at {where[-1].filename}:{where[-1].lineno}" if where else ""
    return f"{type(error).__name__}{place}; its message is not shown, as it may hold a secret."
