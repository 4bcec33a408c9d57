"""Runs a sub-command, and turns whatever ends it into an exit code and one clear line."""

import argparse
import os
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from typing import TYPE_CHECKING, TextIO

from .command import Command, CommandError, ExitCode
from .explained import explain
from .output import Output

if TYPE_CHECKING:
    from ..adapter import Application


def perform(
    command: Command, options: argparse.Namespace, load: "Callable[[], Application]", out: Output
) -> int:
    """Run a command; return its exit code, after an error with one line that says which.

    Args:
        command: The command.
        options: Its arguments.
        load: Returns the application that the command is about. It is called if the command needs one.
        out: Where it writes.
    """
    try:
        return attempt(command, options, load, out)
    except CommandError as error:
        with suppress(OSError):
            out.error(str(error))
        return error.code


def attempt(
    command: Command, options: argparse.Namespace, load: "Callable[[], Application]", out: Output
) -> int:
    """Run a command as `perform` does; return its exit code.

    Raises:
        CommandError: It could not be carried out.
    """
    with ExitStack() as entered:
        if (
            out.stream is sys.stdout
        ):  # the result alone: what the application prints or logs there would garble it
            entered.enter_context(redirect_stdout(out.errors))

        entered.enter_context(_showing_what_the_encoding_lacks(out.stream))

        def entering() -> "Application":
            application = load()
            entered.enter_context(application.context())
            return application

        try:
            code = command.run(options, entering, out)
            out.flush()
        except CommandError:
            raise
        except KeyboardInterrupt:
            return ExitCode.INTERRUPTED
        except BrokenPipeError:
            _write_nowhere(out)
            return ExitCode.BROKEN_PIPE
        except Exception as error:
            raise CommandError(explain(error)) from error
    return code


@contextmanager
def _showing_what_the_encoding_lacks(stream: TextIO) -> Generator[None]:
    """Have a stream write characters that its encoding lacks as escapes, instead of failing."""
    reconfigure: Callable[..., None] | None = getattr(stream, "reconfigure", None)
    if reconfigure is None:
        yield
        return
    before = stream.errors
    with suppress(OSError, ValueError):
        reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        with suppress(OSError, ValueError):  # nobody reads it, or it is closed
            reconfigure(errors=before)


def _write_nowhere(out: Output) -> None:
    """Have what is still to be written to a pipe that nobody reads go nowhere: Python flushes it at its end."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.stream.fileno())
        out.stream.flush()
