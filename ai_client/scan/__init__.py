"""Finds, in the source alone, clients that are built by functions that serve requests.

    report = scan(["src"])
    for finding in report.findings:
        print(finding.path, finding.line, finding.fix)

Nothing of what is scanned is imported or run. `ai-client scan` is the command.
"""

from .clients import LIBRARIES as LIBRARIES
from .findings import ScanFinding as ScanFinding, ScanReport as ScanReport
from .scanning import scan as scan
from .sources import Unread as Unread

__all__ = ["LIBRARIES", "ScanFinding", "ScanReport", "Unread", "scan"]
