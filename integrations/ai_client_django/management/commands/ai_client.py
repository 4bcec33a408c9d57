"""`manage.py ai_client ...`: the sub-commands of `ai-client` for the project's clients."""

import argparse
import sys
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ai_client.commands import COMMANDS, CommandError as FailedCommand, ExitCode, Output, attempt, described
from ai_client_django._application import application


class Command(BaseCommand):
    """Management commands for the AI client."""

    help = "Commands for the AI clients of the project."
    requires_system_checks = ()  # the doctor reports the same faults

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the sub-commands and their arguments to the parser."""
        actions = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
        for name, command in COMMANDS.items():
            one = actions.add_parser(name, help=command.HELP, description=described(command))
            command.add_arguments(one)

    def handle(
        self, *_: Any, subcommand: str, no_color: bool = False, force_color: bool = False, **given: Any
    ) -> None:
        """Run a sub-command.

        Raises:
            CommandError: It found faults, or could not be carried out; `returncode` has its exit code.
        """
        colours = False if no_color else (True if force_color else None)
        out = Output(cast("Any", self.stdout)._out, cast("Any", self.stderr)._out, colours=colours)
        try:
            code = attempt(COMMANDS[subcommand], argparse.Namespace(**given), application, out)
        except FailedCommand as error:
            raise CommandError(str(error), returncode=error.code) from error
        if code == ExitCode.FOUND:
            raise CommandError("Faults were found; see above.", returncode=code)
        if code:
            sys.exit(code)
