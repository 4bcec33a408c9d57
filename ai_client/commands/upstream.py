"""`upstream`: serve the offline API of the test kit."""

import argparse
from typing import TYPE_CHECKING

from ..testing.foreground import UnservedError, add_arguments, serve
from .command import CommandError, ExitCode, Load

if TYPE_CHECKING:
    from .output import Output

NAME = "upstream"
__all__ = ["HELP", "LOADS", "NAME", "add_arguments", "run"]

HELP = "serve an offline OpenAI-compatible API, for tests and demos"
LOADS = False


def run(options: argparse.Namespace, load: Load, out: "Output") -> int:
    """Serve until SIGINT or SIGTERM.

    Raises:
        CommandError: It is not possible to listen at the address.
    """
    del load
    try:
        serve(options, lambda line: out.line(line, flush=True))
    except UnservedError as error:
        raise CommandError(str(error)) from error
    return ExitCode.OK
