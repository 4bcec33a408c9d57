"""The parts that all pages of the dashboard have in common: the head, and the links between them."""

from collections.abc import Sequence

from .assets import asset_address
from .markup import Child, Html, joined, tag
from .request import PageRequest

_PAGES = (("", "Overview"), ("calls", "Calls"))


def document(
    request: PageRequest,
    title: str,
    *content: Child,
    heading: str,
    live: bool = False,
    styles: Sequence[str] = (),
) -> Html:
    """Return a whole page.

    Args:
        request: The request for it.
        title: The title of its window.
        content: Its main part.
        heading: The name of the dashboard, which stands at the top of each page.
        live: Whether the script fetches the page again every few seconds, and swaps its elements with `data-live`.
        styles: Files of style that the page needs besides that of all pages.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="robots", content="noindex"),
        tag("title", title),
        tag("link", rel="icon", type="image/svg+xml", href=asset_address(request, "icon.svg")),
        (tag("link", rel="stylesheet", href=asset_address(request, name)) for name in ("style.css", *styles)),
        tag("script", src=asset_address(request, "script.js"), defer=True),
    )
    banner = tag(
        "header",
        tag("a", heading, href=request.address(), class_="name"),
        tag("nav", tag("ul", (_link(request, *page) for page in _PAGES)), aria_label="Pages"),
        tag("p", id="live", class_="state", role="status", hidden=True) if live else None,
        class_="banner",
    )
    body = tag(
        "body",
        tag("a", "Skip to the content", href="#content", class_="skip"),
        banner,
        tag("main", content, id="content", tabindex="-1"),
        data_refresh="3000" if live else None,
    )
    return joined(Html("<!doctype html>\n"), tag("html", head, body, lang="en"))


def _link(request: PageRequest, path: str, name: str) -> Html:
    is_here = request.path.partition("/")[0] == path
    return tag("li", tag("a", name, href=request.address(path), aria_current="page" if is_here else None))
