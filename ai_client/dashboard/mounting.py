"""The steps that adapters share for a request before the dashboard answers it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..operations.page import RenderedPage
from .page import DashboardPage
from .replies import reply

BODY_LIMIT = 1 << 16
"""How many bytes a form may have."""


class MountedDashboard:
    """The dashboard as an adapter mounts it: unless it was told, it is in development where the application is.

    Args:
        guard, token, token_file, public: Those of `DashboardPage`.
        development: Whether calls may be sent again from it; `None` where that depends on the application.

    Raises:
        ConfigError: As by `DashboardPage`.
    """

    def __init__(
        self,
        *,
        guard: Callable[[Any], Any] | None,
        token: str | None,
        token_file: str | Path | None,
        public: bool,
        development: bool | None,
    ) -> None:
        self._pages = {
            debug: DashboardPage(
                guard=guard,
                token=token,
                token_file=token_file,
                public=public,
                development=debug if development is None else development,
            )
            for debug in (False, True)
        }

    def page(self, *, debug: object) -> DashboardPage:
        """Return the dashboard of an application that is in debug mode, or of one that is not."""
        return self._pages[bool(debug)]


def base_of(path: str, rest: str) -> str:
    """Return the path of the mount.

    Args:
        path: The path of the request as the browser sees it, decoded.
        rest: What of it is below the mount.
    """
    base = path[: len(path) - len(rest)].strip("/")
    return f"/{base}" if base else ""  # two slashes at its beginning would name a host


def too_large() -> RenderedPage:
    """Return the answer to a request whose body is longer than `BODY_LIMIT`."""
    return reply("too large\n", status=413)
