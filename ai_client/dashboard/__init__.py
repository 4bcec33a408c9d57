"""The dashboard of an application's AI calls: pages in HTML with the same figures as JSON and CSV.

`DashboardPage` answers requests without a framework; the adapters mount it.
"""

from .page import DashboardPage as DashboardPage
from .request import PageRequest as PageRequest

__all__ = ["DashboardPage", "PageRequest"]
