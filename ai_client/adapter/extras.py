"""Errors for adapters whose framework is not installed."""

from importlib import import_module


def require(module: str, install: str) -> None:
    """Import *module*, or fail with the command that installs it; for the first line of an adapter.

        require("flask", "ai-client[flask]")

    Args:
        module: The framework's module.
        install: What pip installs for it.

    Raises:
        ImportError: The module is not installed. An error inside of the module is not changed.
    """
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise ImportError(f'{module} is not installed: pip install "{install}"', name=module) from error
