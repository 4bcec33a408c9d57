"""`doctor`: examine the configuration and what it leads to."""

import argparse
from typing import TYPE_CHECKING

from .command import ExitCode, Load

if TYPE_CHECKING:
    from ..client import OpenAI
    from .output import Output

NAME = "doctor"
HELP = "print the effective options without secrets, and their faults"
LOADS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--call", action="store_true", help="also list the models, to check that the API answers"
    )


def run(options: argparse.Namespace, load: Load, out: "Output") -> int:
    """Print the report."""
    from ..errors import ConfigError  # noqa: PLC0415 - not needed for `--help`

    application = load()
    faulty = False

    def client(alias: str) -> "OpenAI":
        return application.provider()[alias].client

    if application.settings is None:
        try:
            application.provider()
        except ConfigError as error:
            for message in error.faults:
                out.line(message, "fault")
            return ExitCode.FOUND
        return ExitCode.OK
    for line, fault in application.settings.diagnose(client if options.call else None):
        out.line(line, "fault" if fault else None)
        faulty |= fault
    return ExitCode.FOUND if faulty else ExitCode.OK
