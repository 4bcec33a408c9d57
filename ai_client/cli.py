"""The command `ai-client`, for applications whose framework has no command of its own."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from .client import OpenAI


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code.

    Args:
        argv: The arguments after the command's name; by default those of the process.
    """
    options = _parser().parse_args(argv)
    return _doctor(call=options.call)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ai-client", description="Commands for the AI client.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    doctor = commands.add_parser(
        "doctor",
        help="print the effective options and their faults",
        description="Print the options that a client takes from the environment, without secrets, and their faults."
        " The adapters' commands for Django and Flask also read the application's settings.",
    )
    doctor.add_argument(
        "--call", action="store_true", help="also list the models, to check that the API answers"
    )
    return parser


def _doctor(*, call: bool) -> int:
    from .doctor import diagnose  # noqa: PLC0415 - not needed for `--help`
    from .provider import DEFAULT_ALIAS, ClientProvider  # noqa: PLC0415

    faulty = False

    def client(alias: str) -> "OpenAI":
        return ClientProvider()[alias].client

    for line, fault in diagnose({DEFAULT_ALIAS: {}}, lambda _, option: option, client if call else None):
        print(line)  # noqa: T201 - a command's output
        faulty |= fault
    return int(faulty)
