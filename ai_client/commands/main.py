"""The command `ai-client`."""

import argparse
from collections.abc import Sequence
from functools import partial

from .._version import __version__
from .applications import load
from .command import described
from .listed import COMMANDS
from .output import Output
from .running import perform

_CODES = (
    "Exit codes: 0 fine, 1 faults were found, 2 wrong use, 3 could not be done, 130 interrupted, 141 nobody reads the"
    " output."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code.

    Args:
        argv: The arguments after the command's name; by default those of the process.
    """
    options = _parser().parse_args(argv)
    return perform(COMMANDS[options.command], options, partial(load, getattr(options, "app", None)), Output())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ai-client",
        description="Commands for the AI clients of an application, which is named with --app or"
        " DJANGO_SETTINGS_MODULE; without one, the environment configures a client. Flask and Django have the same"
        " commands: flask ai-client, manage.py ai_client.",
        epilog=_CODES,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        one = commands.add_parser(name, help=command.HELP, description=described(command))
        command.add_arguments(one)
        if command.LOADS:
            one.add_argument(
                "--app",
                metavar="MODULE:NAME",
                help="the application: a FastAPI, Starlette or Flask app, a ClientProvider, or a function that makes"
                " one (default: DJANGO_SETTINGS_MODULE, else the environment)",
            )
    return parser
