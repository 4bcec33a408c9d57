"""The application that the plain command is about: named, of Django's settings, or of the environment alone."""

import inspect
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from .command import CommandError, ExitCode
from .explained import explain

if TYPE_CHECKING:
    from ..adapter import Application
    from ..provider import ClientProvider

_INNER = ("app", "_app", "application", "_application", "wsgi_app", "__wrapped__")
"""Where middleware keeps what it is put around."""
_DEEPEST = 20


def load(target: str | None) -> "Application":
    """Return the application of a command.

    Args:
        target: Where it is, as `module:name`; without one it is that of `DJANGO_SETTINGS_MODULE`, or else what the
            environment configures.

    Raises:
        CommandError: It cannot be imported, or has no AI clients.
    """
    from ..adapter import Application  # noqa: PLC0415 - not needed for `--help`
    from ..errors import ConfigError  # noqa: PLC0415

    try:
        if target is not None:
            return _named(target)
        if settings := os.environ.get("DJANGO_SETTINGS_MODULE"):
            return _of_django(settings)
    except ConfigError as error:  # an option keeps the application from being made
        return Application(target or "the application", None, partial(_fail, error))
    return _of_environment()


def _fail(error: Exception) -> Any:
    raise error


def _of_environment() -> "Application":
    from ..adapter import Application, Settings  # noqa: PLC0415
    from ..provider import DEFAULT_ALIAS  # noqa: PLC0415

    settings = Settings({DEFAULT_ALIAS: {}}, lambda _, option: option)
    make = cache(partial(settings.make_provider, warn=False))  # the doctor shows risks
    return Application("the environment", settings, make, partial(_closing, make))


@contextmanager
def _closing(make: "Callable[[], ClientProvider]") -> Generator[None]:
    """Close the provider at the end, if one was made."""
    try:
        yield
    finally:
        if cast("Any", make).cache_info().currsize:
            make().close()


def _of_django(settings: str) -> "Application":
    _look_here()
    from ..adapter import application_of  # noqa: PLC0415
    from ..errors import ConfigError  # noqa: PLC0415

    with suppress(ConfigError):  # of the clients, which asking for their provider raises again
        _run(import_module("django").setup, f"DJANGO_SETTINGS_MODULE, {settings!r},")

    found = application_of(import_module("django.conf").settings)
    if found is None:
        raise CommandError(
            f"DJANGO_SETTINGS_MODULE is {settings!r}, and these settings have no AI clients: add 'ai_client_django' to"
            " INSTALLED_APPS, name another application with --app, or unset the variable."
        )
    return found


def _named(target: str) -> "Application":
    module, _, name = target.partition(":")
    if not module or not name.removesuffix("()"):
        raise CommandError(f"--app: {target!r} is not of the form module:name.", ExitCode.USAGE)
    _look_here()
    found: Any = _run(lambda: import_module(module), f"--app: {module!r}")
    for part in name.removesuffix("()").split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise CommandError(f"--app: {module!r} has no {name!r}.", ExitCode.USAGE) from None
    application = None if name.endswith("()") else _recognized(found, target)
    if application is None and _is_factory(found):
        application = _recognized(_run(found, f"--app: {target!r}"), target)
    if application is None:
        raise CommandError(
            f"--app: {target!r} has no AI clients. It must be an application with ai_client_lifespan() or"
            " AIClient(app), a ClientProvider, or a function without arguments that returns one of these."
        )
    return application


def _recognized(found: object, target: str) -> "Application | None":
    from ..adapter import Application, application_of  # noqa: PLC0415
    from ..provider import ClientProvider  # noqa: PLC0415

    for _ in range(_DEEPEST):
        if isinstance(found, ClientProvider):
            return Application.of_provider(found, target)
        if (application := application_of(found)) is not None:
            return application
        inner = [value for name in _INNER if callable(value := getattr(found, name, None))]
        if not inner:
            return None
        found = inner[0]
    return None


def _is_factory(found: object) -> bool:
    if not callable(found):
        return False
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return False
    return all(
        one.default is not one.empty or one.kind in {one.VAR_POSITIONAL, one.VAR_KEYWORD}
        for one in parameters
    )


def _look_here() -> None:
    """Import from the current directory too, as servers do; a console script has its own directory instead."""
    if "" not in sys.path and os.getcwd() not in sys.path:  # noqa: PTH109 - sys.path holds strings
        sys.path.insert(0, os.getcwd())  # noqa: PTH109


def _run(load: Callable[[], Any], what: str) -> Any:
    """Return what an application's own code makes.

    Raises:
        CommandError: It fails.
        ConfigError: An option of its AI clients is invalid.
    """
    from ..errors import ConfigError  # noqa: PLC0415

    try:
        return load()
    except ConfigError:
        raise
    except SystemExit as error:
        raise CommandError(f"{what} ends the process when it is loaded.") from error
    except Exception as error:
        raise CommandError(f"{what} cannot be loaded. {explain(error)}") from error
