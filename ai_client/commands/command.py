"""The interface of a sub-command, and how one ends."""

import argparse
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from ..adapter import Application
    from .output import Output

Load: TypeAlias = "Callable[[], Application]"
"""Returns the application that a command is about; raises `CommandError` where it cannot be loaded."""


class ExitCode(IntEnum):
    """The exit codes of all sub-commands."""

    OK = 0
    FOUND = 1
    """Faults were found."""
    USAGE = 2
    """The command line is wrong."""
    FAILED = 3
    """The command could not be carried out: an application that does not load, a store that is down."""
    INTERRUPTED = 130
    """Ctrl-C, as a shell shows it."""
    BROKEN_PIPE = 141
    """The reader of the output went away, as a shell shows it."""


class CommandError(Exception):
    """Ends a sub-command with a message of one line.

    Args:
        message: What happened and what to do; it holds no secret.
        code: The exit code.
    """

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code


class Command(Protocol):
    """A sub-command: a module with these members."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """The name of the sub-command."""
        ...

    @property
    def HELP(self) -> str:  # noqa: N802
        """A line on what it is for."""
        ...

    @property
    def LOADS(self) -> bool:  # noqa: N802
        """Whether it is about an application."""
        ...

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Add the command's arguments to its parser."""
        ...

    def run(self, options: argparse.Namespace, load: Load, out: "Output", /) -> int:
        """Carry out the command; return the exit code.

        Raises:
            CommandError: It cannot be carried out.
            OpenAIError: A call or a store failed.
        """
        ...


def described(command: Command) -> str:
    """Return what a command is for, as a sentence."""
    return f"{command.HELP[0].upper()}{command.HELP[1:]}."
