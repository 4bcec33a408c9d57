"""The files that the pages load: the style, the script and the icon."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from ..operations.page import RenderedPage
from .replies import reply
from .request import PageRequest

_FOLDER = Path(__file__).parent / "files"
_KINDS = {
    "style.css": "text/css; charset=utf-8",
    "calls.css": "text/css; charset=utf-8",
    "script.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_FOR_EVER = "private, max-age=31536000, immutable"


@cache
def _content(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


@cache
def _version(name: str) -> str:
    return sha256(_content(name)).hexdigest()[:12]


def asset_address(request: PageRequest, name: str) -> str:
    """Return the address of a file, which is another one when its content is."""
    return request.address(f"assets/{name}", {"v": _version(name)})


def asset_reply(request: PageRequest) -> RenderedPage | None:
    """Return a file; `None` where there is none of this name."""
    name = request.path.removeprefix("assets/")
    kind = _KINDS.get(name)
    if kind is None:
        return None
    is_current = request.parameters.get("v") == _version(name)
    return reply(_content(name), kind, headers={"cache-control": _FOR_EVER if is_current else "no-cache"})
