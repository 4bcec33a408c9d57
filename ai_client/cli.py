"""`ai-client`: the package's own command, for applications without a framework's."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from .client import OpenAI


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code.

    Args:
        argv: What stands after the command's name; by default what the process was given.
    """
    options = _parser().parse_args(argv)
    return _doctor(call=options.call)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ai-client", description="Look after the AI client.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    doctor = commands.add_parser(
        "doctor",
        help="print the options in effect, and what is wrong with them",
        description="Print the options that the environment gives a client, without secrets, and what is wrong with"
        " them. Applications of a framework have a command of their own, which knows their settings too.",
    )
    doctor.add_argument(
        "--call", action="store_true", help="also list the models, to see that the API answers"
    )
    return parser


def _doctor(*, call: bool) -> int:
    from .doctor import diagnose  # noqa: PLC0415 - `--help` does without it
    from .provider import DEFAULT_ALIAS, ClientProvider  # noqa: PLC0415

    faulty = False

    def client(alias: str) -> "OpenAI":
        return ClientProvider()[alias].client

    for line, fault in diagnose({DEFAULT_ALIAS: {}}, lambda _, option: option, client if call else None):
        print(line)  # noqa: T201 - a command's output
        faulty |= fault
    return int(faulty)
