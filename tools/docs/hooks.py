"""MkDocs hooks: pages of controls, operations, the order of search results; no page loads from other hosts."""

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError

from tools.docs.operations import operations

_STYLE = "<style>td:first-child code { white-space: nowrap }</style>"  # names in tables stay whole
_BOOST_OF_REFERENCE = 0.2  # a page that explains a word comes before the classes that are named after it
_LOADS_ELSEWHERE = re.compile(r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^>]*>")


def on_config(config: Any) -> Any:
    """Add the pages of the controls to the navigation: their index first, then the others by name."""
    pages = sorted(page.name for page in (Path(config.docs_dir) / "controls").glob("*.md"))
    pages.sort(key=lambda name: name not in {"README.md", "index.md"})
    for entry in config.nav:
        if "Controls" in entry:
            entry["Controls"] = [f"controls/{name}" for name in pages]
    config.nav = [entry for entry in config.nav if entry.get("Controls") != []]
    return config


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Insert the table of operations where a page has its marker, and let searches find the reference last."""
    if page.file.src_uri.startswith("api/"):
        page.meta.setdefault("search", {"boost": _BOOST_OF_REFERENCE})
    return (
        markdown.replace("<!-- operations -->", operations())
        if "<!-- operations -->" in markdown
        else markdown
    )


def on_post_page(output: str, *, page: Any, config: Any) -> str:
    """Keep names in tables whole; raise `PluginError` if a page loads a script, a style or an image from elsewhere."""
    del config
    found = _LOADS_ELSEWHERE.search(output)
    if found is not None:
        raise PluginError(f"{page.file.src_uri} loads something from elsewhere: {found[0]}")
    return output.replace("</head>", f"{_STYLE}</head>", 1)
