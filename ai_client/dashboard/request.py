"""A request to the dashboard, without a framework."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, quote_plus

_MOST_FIELDS = 100


class PageRequest(NamedTuple):
    """A request to a page below the mount.

    Attributes:
        method: Its method, in upper case.
        path: Its path below the mount without a slash at its beginning, decoded: empty, or such as `calls/ID`.
        query: The query of its URL, as it came.
        headers: Its headers, by names in lower case.
        body: Its body.
        base: The path of the mount as the browser sees it, such as `/ai`, without a slash at its end.
    """

    method: str
    path: str = ""
    query: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""
    base: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the query, of several with one name the last."""
        return dict(_pairs(self.query))

    @property
    def fields(self) -> dict[str, str]:
        """The fields of a form that was sent, of several with one name the last."""
        return dict(_pairs(self.body.decode("utf-8", "replace")))

    def address(self, path: str = "", parameters: Mapping[str, str | None] | None = None) -> str:
        """Return the address of a page below the mount.

        Args:
            path: Its path below the mount.
            parameters: The parameters of its query; those that are `None` are left out, an empty one is not.
        """
        given = {name: value for name, value in (parameters or {}).items() if value is not None}
        query = (
            "?" + "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in given.items())
            if given
            else ""
        )
        return f"{quote(self.base.rstrip('/'))}/{quote(path)}{query}"


@lru_cache(maxsize=4096)  # the addresses of a page have most of their values in common
def _quoted(text: str) -> str:
    return quote_plus(text, errors="replace")


def _pairs(text: str) -> list[tuple[str, str]]:
    """Return the pairs of a query or a form; nothing where there are too many."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return []
