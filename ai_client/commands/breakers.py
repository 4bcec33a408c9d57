"""`breakers`: the circuits of targets, and how they are reset."""

import argparse
from typing import TYPE_CHECKING

from .command import CommandError, ExitCode, Load
from .elsewhere import unseen
from .rows import add_alias, add_formats, clients_of, show

if TYPE_CHECKING:
    from .output import Output

NAME = "breakers"
HELP = "show the circuits of the targets that are asked, or close them"
LOADS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "reset"),
        default="list",
        help="list (default), or reset: close circuits",
    )
    parser.add_argument("target", nargs="?", help="of reset: the target (default: all)")
    add_alias(parser)
    add_formats(parser)


def run(options: argparse.Namespace, load: Load, out: "Output") -> int:
    """Show the circuits, or close them.

    Raises:
        CommandError: Their state is in the memory of other processes, or the command line is wrong.
    """
    if options.target is not None and options.action != "reset":
        raise CommandError("breakers: only reset takes a target.", ExitCode.USAGE)
    provider = load().provider()
    breakers = clients_of(provider, options).breakers
    states = breakers.states()
    if states and not provider.process.built and not any(state.shared for state in states):
        raise CommandError(unseen("breaker"))
    if options.action == "reset":
        closed = breakers.reset(options.target)
        if not (options.json or options.csv):
            out.line(f"Circuits closed: {closed}.")
            return ExitCode.OK
        states = breakers.states()
    show(states, options, out, hide=("alias", "account"), none="No target is known.")
    return ExitCode.OK
