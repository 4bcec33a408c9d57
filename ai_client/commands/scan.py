"""`scan`: find clients that are built per request, in the source."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .command import CommandError, ExitCode, Load

if TYPE_CHECKING:
    from ..scan import ScanFinding
    from .output import Output

NAME = "scan"
HELP = "find clients that are built by functions that serve requests, in the source alone"
LOADS = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("path", nargs="+", help="a directory, or a file")
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="NAME",
        help="look for clients of httpx, httpx2, requests or aiohttp too, or for a class, as module.Class",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one object for each finding")


def run(options: argparse.Namespace, load: Load, out: "Output") -> int:
    """Print what was found.

    Raises:
        CommandError: A path does not exist, or what else to look for is unknown.
    """
    from ..operations.export import as_json_lines  # noqa: PLC0415 - not needed for `--help`
    from ..scan import LIBRARIES, scan  # noqa: PLC0415

    del load
    for path in options.path:
        if not Path(path).exists():
            raise CommandError(f"scan: {path} does not exist.", ExitCode.USAGE)
    for name in options.also:
        if name not in LIBRARIES and "." not in name:
            raise CommandError(
                f"scan: --also {name}: this is neither module.Class nor one of {', '.join(LIBRARIES)}.",
                ExitCode.USAGE,
            )
    report = scan(options.path, also=options.also, on_progress=out.progress)
    if options.json:
        out.raw(as_json_lines(report.findings))
    else:
        for finding in report.findings:
            _show(finding, out)
    for one in report.unread:
        line = "" if one.line is None else f":{one.line}"
        out.note(f"{one.path}{line}: not examined: {one.reason}.")
    if not options.json:
        count = len(report.findings)
        built = "No client is" if not count else "1 client is" if count == 1 else f"{count} clients are"
        files = "1 file" if report.files == 1 else f"{report.files} files"
        said = f"{built} built per request in {files} ({report.seconds:.1f} s)."
        out.line(said, "fault" if count else "good")
    return ExitCode.FOUND if report.findings else ExitCode.OK


def _show(finding: "ScanFinding", out: "Output") -> None:
    place = f"{finding.path}:{finding.line}:{finding.column}"
    if (finding.entry, finding.entry_path) == (finding.function, finding.path):
        way = finding.serves
    else:
        way = f"called by {finding.entry}(), {finding.serves}, {finding.entry_path}:{finding.entry_line}"
    out.line(f"{place}: {finding.client}() in {finding.function}(), {way}", "strong")
    out.line(f"    {finding.fix}")
