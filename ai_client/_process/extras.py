"""Errors for functions whose extra is not installed."""

from importlib import import_module


def require(module: str, extra: str) -> None:
    """Make sure that *module* can be imported.

    Raises:
        ImportError: It cannot; the message names the command that installs it.
    """
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        raise ImportError(f'{module} is not installed: pip install "ai-client[{extra}]"') from error
