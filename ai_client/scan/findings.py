"""The report of a scan."""

from dataclasses import dataclass

from .sources import Unread


@dataclass(frozen=True, slots=True)
class ScanFinding:
    """A client that is built while requests are served.

    Attributes:
        path: The file.
        line: The line of the construction.
        column: Its column, from 1.
        client: The class, as it is written.
        function: The function that builds it.
        serves: What serves the requests: `a route`, `a dependency`, ...
        entry: The name of that function, the same as `function` unless that is called by it.
        entry_path: Its file.
        entry_line: Its line.
        fix: What to do instead.
    """

    path: str
    line: int
    column: int
    client: str
    function: str
    serves: str
    entry: str
    entry_path: str
    entry_line: int
    fix: str


@dataclass(frozen=True, slots=True)
class ScanReport:
    """The result of a scan.

    Attributes:
        findings: What was found, by file and line.
        unread: The files that could not be examined.
        files: How many files were looked at.
        seconds: How long it took.
    """

    findings: tuple[ScanFinding, ...]
    unread: tuple[Unread, ...]
    files: int
    seconds: float
