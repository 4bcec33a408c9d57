"""`budgets`: what is left of budgets, and how they are reset and raised."""

import argparse
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from .command import CommandError, ExitCode, Load
from .elsewhere import check_shared
from .rows import add_alias, add_formats, add_labels, clients_of, labels_in, show

if TYPE_CHECKING:
    from .output import Output

NAME = "budgets"
HELP = "show what is left of budgets, reset them, or raise them for this window"
LOADS = True
_HIDDEN = ("alias", "timezone", "held")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "remaining", "reset", "grant"),
        default="list",
        help="list: all balances (default); remaining: those in which calls with the labels count; reset: take away"
        " what was used; grant: raise what may be spent in this window",
    )
    parser.add_argument(
        "amount", nargs="?", type=_amount, help="of grant: what is added, in the budget's unit"
    )
    add_labels(parser)
    parser.add_argument("--budget", metavar="NAME", help="of reset and grant: the name of the budget")
    add_alias(parser)
    add_formats(parser)


def run(options: argparse.Namespace, load: Load, out: "Output") -> int:
    """Show balances, or change them and show what they are now.

    Raises:
        CommandError: They are in the memory of other processes, or the command line is wrong.
    """
    if (options.action == "grant") != (options.amount is not None):
        raise CommandError("budgets: grant needs an amount, and no other action takes one.", ExitCode.USAGE)
    labels = labels_in(options)
    chosen = {} if options.budget is None else {"budget": options.budget}
    if (labels or chosen) and options.action == "list":
        raise CommandError("budgets: list takes no labels and no --budget; use remaining.", ExitCode.USAGE)
    if chosen and options.action == "remaining":
        raise CommandError("budgets: remaining takes no --budget.", ExitCode.USAGE)
    provider = load().provider()
    check_shared(provider, "budgets", options.alias)
    states = _states(clients_of(provider, options).budgets, options, {**labels, **chosen})
    show(states, options, out, hide=_HIDDEN, none="No budget was used in its present window.")
    return ExitCode.OK


def _states(book: Any, options: argparse.Namespace, given: dict[str, Any]) -> Sequence[Any]:
    found: Sequence[Any]
    match options.action:
        case "list":
            found = book.states()
        case "remaining":
            found = book.remaining(**given)
        case "reset":
            found = book.reset(**given)
        case _:
            found = [book.grant(options.amount, **given)]
    return found


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not amount.is_finite() or amount <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above zero")
    return amount
