"""`usage`: what calls used and cost."""

import argparse
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .command import ExitCode, Load
from .elsewhere import check_shared
from .rows import add_alias, add_formats, clients_of, show, table

if TYPE_CHECKING:
    from .output import Output

NAME = "usage"
HELP = "show calls, tokens and cost by endpoint, model, tenant, user, day and more"
LOADS = True
_DIMENSIONS = ("endpoint", "model", "tenant", "user", "alias", "target", "day", "hour")
_AGO = re.compile(r"(\d{1,5})([dh])")
_RARE = (
    *("unpriced", "cached_tokens", "reasoning_tokens", "audio_tokens", "seconds", "characters", "images"),
    *("estimated", "unknown"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--by",
        type=_dimensions,
        default=["endpoint", "model"],
        metavar="NAMES",
        help=f"what to group by, separated by commas: {', '.join(_DIMENSIONS)}, or none (default: endpoint,model)",
    )
    parser.add_argument(
        "--since",
        type=_moment,
        metavar="TIME",
        help="a day, a moment in ISO 8601, or an age such as 7d or 24h",
    )
    parser.add_argument("--until", type=_moment, metavar="TIME", help="the same; a day is included")
    parser.add_argument(
        "--timezone", type=_zone, default="UTC", metavar="NAME", help="of days and hours (default: UTC)"
    )
    parser.add_argument(
        "--rounded", action="store_true", help="count an hour that two days share for the first of them"
    )
    add_alias(parser)
    add_formats(parser)


def run(options: argparse.Namespace, load: Load, out: "Output") -> int:
    """Show the totals.

    Raises:
        CommandError: They are in the memory of other processes.
    """
    provider = load().provider()
    check_shared(provider, "cost", options.alias)
    rows: Sequence[Any] = clients_of(provider, options).usage.report(
        options.by,
        since=options.since,
        until=options.until,
        timezone=options.timezone,
        rounded=options.rounded,
    )
    if options.json or options.csv or len(rows) < 2:  # noqa: PLR2004 - more have a sum
        show(rows, options, out, hide=_RARE, none="No calls were counted.")
        return ExitCode.OK
    from ..operations.export import columns  # noqa: PLC0415 - not needed for `--help`

    found = [columns(row) for row in rows]
    table([*found, _sum(found, options.by)], out, _RARE)
    return ExitCode.OK


def _sum(rows: Sequence[Mapping[str, Any]], by: Sequence[str]) -> dict[str, Any]:
    """Return the sum of rows; a cost that is unknown in one adds nothing to it, as its unpriced calls show."""
    total: dict[str, Any] = {name: "total" if name == by[0] else "" for name in by}
    for name in rows[0]:
        if name not in total:
            known = [row[name] for row in rows if row[name] is not None]
            total[name] = sum(known) if known else None
    return total


def _dimensions(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["none"]:
        return []
    for name in names:
        if name not in _DIMENSIONS:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(_DIMENSIONS)}")
    return list(dict.fromkeys(names))


def _moment(text: str) -> date:
    """Return a day, or a moment."""
    ago = _AGO.fullmatch(text)
    if ago:
        return datetime.now(UTC) - timedelta(**{"days" if ago[2] == "d" else "hours": int(ago[1])})
    try:
        return date.fromisoformat(text) if len(text) <= len("2026-01-01") else datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a day such as 2026-01-31, a moment such as 2026-01-31T08:00, nor an age such as 7d"
        ) from None


def _zone(text: str) -> str:
    """Return the name of a time zone that there is."""
    from ..control.windows import zone  # noqa: PLC0415 - not needed for `--help`
    from ..errors import ConfigError  # noqa: PLC0415 - as above

    try:
        return str(zone(text))
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("timezone: ")) from None
