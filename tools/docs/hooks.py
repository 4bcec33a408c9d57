"""What MkDocs asks while it builds: the pages of the controls, and that no page loads anything from elsewhere."""

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError

_LOADS_ELSEWHERE = re.compile(r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^>]*>")


def on_config(config: Any) -> Any:
    """List the pages of the controls: their index first, then the others by name."""
    pages = sorted(page.name for page in (Path(config.docs_dir) / "controls").glob("*.md"))
    pages.sort(key=lambda name: name not in {"README.md", "index.md"})
    for entry in config.nav:
        if "Controls" in entry:
            entry["Controls"] = [f"controls/{name}" for name in pages]
    config.nav = [entry for entry in config.nav if entry.get("Controls") != []]
    return config


def on_post_page(output: str, *, page: Any, config: Any) -> str:
    """Refuse a page that loads a script, a style or a picture from another host."""
    del config
    found = _LOADS_ELSEWHERE.search(output)
    if found is not None:
        raise PluginError(f"{page.file.src_uri} loads something from elsewhere: {found[0]}")
    return output
