"""Files as the API stores them."""

from typing import Any


def stored(number: int) -> dict[str, Any]:
    """Return an uploaded file."""
    return {
        "id": f"file-{number}",
        "object": "file",
        "bytes": 3,
        "created_at": 1,
        "filename": "a.txt",
        "purpose": "assistants",
        "status": "processed",
    }
