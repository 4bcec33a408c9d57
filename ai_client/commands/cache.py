"""`cache`: how cached answers are invalidated."""

import argparse
from typing import TYPE_CHECKING, Any

from .command import CommandError, ExitCode, Load
from .elsewhere import check_shared
from .rows import add_alias, clients_of

if TYPE_CHECKING:
    from .output import Output

NAME = "cache"
HELP = "invalidate cached answers by key, tag or tenant"
LOADS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "action", choices=("invalidate",), help="invalidate: no call is answered with them any more"
    )
    parser.add_argument("--key", action="append", help="the key of an answer, which its record and logs have")
    parser.add_argument("--tag", action="append", help="a tag that answers have")
    parser.add_argument("--tenant", action="append", help="the tenant whose calls they answered")
    add_alias(parser)


def run(options: argparse.Namespace, load: Load, out: "Output") -> int:
    """Invalidate answers.

    Raises:
        CommandError: They are in the memory of other processes, or nothing is named.
    """
    given: dict[str, Any] = {
        name: value for name in ("key", "tag", "tenant") if (value := getattr(options, name)) is not None
    }
    if not given:
        raise CommandError("cache: name what to invalidate with --key, --tag or --tenant.", ExitCode.USAGE)
    provider = load().provider()
    check_shared(provider, "cache", options.alias)
    clients_of(provider, options).cache.invalidate(**given)
    named = ", ".join(f"{name} {one}" for name, values in given.items() for one in values)
    out.line(f"Invalidated: {named}.")
    return ExitCode.OK
