"""Rows of reports as a command shows them: a table, JSON lines or CSV."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .tables import Column

if TYPE_CHECKING:
    from ..provider import ClientProvider
    from .output import Output


def add_formats(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that shows rows."""
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print JSON, one object a line")
    formats.add_argument("--csv", action="store_true", help="print CSV")


def add_alias(parser: argparse.ArgumentParser) -> None:
    """Add the option of a command that is about one alias or all."""
    parser.add_argument("--alias", metavar="NAME", help="the clients of one alias (default: all)")


def add_labels(parser: argparse.ArgumentParser) -> None:
    """Add the labels of calls as options."""
    for name in ("endpoint", "tenant", "user", "model"):
        parser.add_argument(f"--{name}", metavar="NAME", help=f"the {name} of the calls")


def labels_in(options: argparse.Namespace) -> dict[str, Any]:
    """Return the labels that are given."""
    given = {name: getattr(options, name) for name in ("endpoint", "tenant", "user", "model")}
    return {name: value for name, value in given.items() if value is not None}


def clients_of(provider: "ClientProvider", options: argparse.Namespace) -> Any:
    """Return what has the books that are asked for: those of one alias, or the provider.

    Raises:
        ConfigError: There is no such alias.
    """
    return provider if options.alias is None else provider[options.alias]


def show(
    rows: Sequence[Any], options: argparse.Namespace, out: "Output", *, hide: Iterable[str] = (), none: str
) -> None:
    """Write rows in the format that is asked for.

    Args:
        rows: The rows, dataclasses.
        options: The command's arguments.
        out: Where to write.
        hide: Columns that a table leaves out where they say nothing.
        none: What a table says where there are no rows.
    """
    from ..operations.export import as_csv, as_json_lines, columns  # noqa: PLC0415 - not needed for `--help`

    if options.json:
        out.raw(as_json_lines(rows))
    elif options.csv:
        out.raw(as_csv(rows))
    elif not rows:
        out.line(none, "faint")
    else:
        table([columns(row) for row in rows], out, hide)


def table(rows: Sequence[Mapping[str, Any]], out: "Output", hide: Iterable[str] = ()) -> None:
    """Write a table of what each row has by column."""
    hidden = {name for name in hide if not any(row.get(name) for row in rows)}
    names = [name for name in rows[0] if name not in hidden]
    numbers = {name for name in names if all(_is_number(row.get(name)) for row in rows)}
    out.table(
        [Column(name, name in numbers) for name in names],
        [[cell_of(row.get(name)) for name in names] for row in rows],
    )


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool))


def cell_of(value: Any) -> str:
    """Return a value as a table shows it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return value.isoformat(" ", "minutes") if isinstance(value, datetime) else str(value)
