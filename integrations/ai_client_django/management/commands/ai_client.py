"""`manage.py ai_client doctor`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ai_client.errors import ConfigError
from ai_client_django._current import get_ai_client, handle


class Command(BaseCommand):
    """Management commands for the AI client."""

    help = "Commands for the AI client."
    requires_system_checks = ()  # the doctor reports the same faults

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the action and its options to the parser."""
        actions = parser.add_subparsers(dest="action", required=True)
        doctor = actions.add_parser(
            "doctor", help="Print the effective options, without secrets, and their faults."
        )
        doctor.add_argument(
            "--call", action="store_true", help="Also list the models, to check that the API answers."
        )

    def handle(self, *_: Any, call: bool, **__: Any) -> None:
        """Print the report.

        Raises:
            CommandError: An option is invalid, or a client's call failed.
        """
        try:
            settings = handle().settings
        except ConfigError as error:
            raise CommandError(str(error)) from None
        faulty = False
        for line, fault in settings.diagnose(get_ai_client if call else None):
            self.stdout.write(self.style.ERROR(line) if fault else line)
            faulty |= fault
        if faulty:
            raise CommandError("The AI client has faults; see above.")
