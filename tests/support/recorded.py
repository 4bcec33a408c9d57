"""Recorded requests, apart from who says them."""

import json
import re
from typing import Any

from ai_client.testing import Recorded

# What names the library and the machine, and what the HTTP library below adds of its own.
ASIDE = re.compile(
    r"user-agent|host|accept-encoding|connection|x-stainless-(lang|package-version|os|arch|runtime.*|async|raw-response)"
)


def wire(recorded: Recorded) -> dict[str, Any]:
    """Return what a request says, apart from who says it."""
    headers = {name: value for name, value in recorded.headers.items() if not ASIDE.fullmatch(name)}
    body: Any = recorded.body
    kind = headers.get("content-type", "")
    if boundary := re.search(r"boundary=(\w+)", kind):
        headers["content-type"] = kind.replace(boundary[1], "BOUNDARY")
        body = body.replace(boundary[1].encode(), b"BOUNDARY")
    elif kind.startswith("application/json") and body:
        body = json.loads(body)
        headers.pop("content-length")  # official bodies have the order of the method's parameters
    return {
        "method": recorded.method,
        "path": recorded.path,
        "query": recorded.query,
        "headers": headers,
        "body": body,
    }
