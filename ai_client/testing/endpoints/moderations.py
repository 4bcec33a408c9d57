"""Moderations: an input is flagged for the categories whose names it mentions."""

from typing import Any

from ai_client.testing import text
from ai_client.testing.reply import Reply
from ai_client.testing.request import Request
from ai_client.testing.shapes import is_list

_CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)

_IMAGE_CATEGORIES = frozenset(
    {"self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "violence", "violence/graphic"}
)


def create(request: Request) -> Reply:
    """Answer `POST /moderations`: one result per text, or one for a list of parts."""
    request.require("input")
    given = request.data["input"]
    several = is_list(given) and all(isinstance(item, str) for item in given)
    model = request.data.get("model") or "omni-moderation-latest"
    results = [_result(item) for item in (given if several else [given])]
    return Reply(json={"id": request.id("modr-"), "model": model, "results": results})


def _result(given: Any) -> dict[str, Any]:
    said = text.plain(given).lower()
    kinds = {part.get("type") for part in given} if is_list(given) else {"text"}
    categories = {name: all(word in said for word in name.split("/")) for name in _CATEGORIES}
    return {
        "flagged": any(categories.values()),
        "categories": categories,
        "category_scores": {name: 0.98 if mentioned else 0.0001 for name, mentioned in categories.items()},
        "category_applied_input_types": {name: _applied(name, kinds) for name in _CATEGORIES},
    }


def _applied(category: str, kinds: set[Any]) -> list[str]:
    image = ["image"] if "image_url" in kinds and category in _IMAGE_CATEGORIES else []
    return [*(["text"] if "text" in kinds else []), *image]
