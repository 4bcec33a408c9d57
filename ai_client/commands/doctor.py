"""`doctor`: examine the configuration and what it leads to."""

import argparse
from typing import TYPE_CHECKING

from .command import CommandError, ExitCode, Load
from .explained import explain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..doctor import Check, Subject
    from .output import Output, Style

NAME = "doctor"
HELP = "find what is wrong with the options, on the way to the API, there, and with stores and the process"
LOADS = True
_STYLES: "dict[str, Style | None]" = {"ok": None, "warning": "warning", "fault": "fault", "skipped": "faint"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--offline", action="store_true", help="connect to nothing")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--worker-timeout",
        type=float,
        metavar="SECONDS",
        help="seconds after which the server kills a busy worker, 0 for never (default: found out, if it can be)",
    )
    parser.add_argument(
        "--call", action="store_true", help=argparse.SUPPRESS
    )  # asked for what is done by default


def run(options: argparse.Namespace, load: Load, out: "Output") -> int:
    """Print the report."""
    from ..doctor import as_json, examine_all, is_faulty, lines_of, summary  # noqa: PLC0415 - not needed for `--help`

    found: list[Check] = []

    def kept() -> "Iterator[Check]":
        limit: float | None = options.worker_timeout
        for check in examine_all(_subject(load), offline=options.offline, worker_timeout=limit):
            found.append(check)
            yield check

    if options.json:
        out.line(as_json(kept()))
    else:
        for line, status in lines_of(kept()):
            out.line(line, _STYLES[status], flush=True)
        out.line(summary(found), "strong")
    return ExitCode.FOUND if is_faulty(found) else ExitCode.OK


def _subject(load: Load) -> "Subject":
    """Return what is to be examined: where the application cannot be loaded, the reasons for that.

    Raises:
        CommandError: The command line is wrong.
    """
    from ..doctor import Subject  # noqa: PLC0415 - not needed for `--help`
    from ..errors import ConfigError  # noqa: PLC0415

    try:
        application = load()
        if application.settings is not None:
            return application.settings.subject
        return Subject.of(application.provider())
    except CommandError as error:
        if error.code is ExitCode.USAGE:
            raise
        return Subject({}, faults=[str(error)])
    except ConfigError as error:
        return Subject({}, faults=error.faults)
    except Exception as error:  # noqa: BLE001 - whatever it is keeps the application from starting
        return Subject({}, faults=[f"The application does not start. {explain(error)}"])
