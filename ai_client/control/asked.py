"""Parts of a request that decide its output: endpoint, limits and number of answers, read as servers may read them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from .._params.omit import is_mark

LIMITS = (
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "max_new_tokens",
    "max_completions_tokens",
)
"""Members that bound an answer, of any endpoint; servers differ in which they heed."""
MULTIPLIERS = ("n", "best_of")
"""Members that multiply an answer."""
_USUAL = frozenset({"/chat/completions", "/responses", "/completions", "/embeddings"})
MOST_COUNT = 10**12


def endpoint_of(path: str) -> str:
    """Return a path as the API names it: without a query and empty segments, with a slash before it."""
    if path in _USUAL:
        return path
    return "/" + "/".join(filter(None, path.partition("?")[0].split("/")))


def conversation_of(endpoint: str) -> str | None:
    """Return the member that holds the conversation of a request to an endpoint, `None` where it has none."""
    if endpoint.endswith("/chat/completions"):
        return "messages"
    return "input" if endpoint.endswith("/responses") else None


def given_in(body: Mapping[str, Any], name: str) -> Any:
    """Return what a request says of a member, `None` where that is not sent."""
    value = body.get(name)
    return None if is_mark(value) else value


def count_in(value: object) -> int | None:
    """Return a count as a lenient server reads it, rounded up; `None` where it is no number, or a negative one."""
    if type(value) is int:
        return value if value >= 0 else None
    if isinstance(value, str | float) or (isinstance(value, int) and not isinstance(value, bool)):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        return math.ceil(number) if 0 <= number <= MOST_COUNT else None
    return None


def answers_in(path: str, body: Mapping[str, Any]) -> int | None:
    """Return how many answers a request asks for, `None` where that is no number."""
    most = 1
    for name in MULTIPLIERS:
        if name in body and (asked := given_in(body, name)) is not None:
            count = count_in(asked)
            if count is None:
                return None
            most = max(most, count)
    if "prompt" in body and not path.endswith("/chat/completions"):
        most *= _prompts(body["prompt"])
    return most


def _prompts(prompt: object) -> int:
    """Return how many prompts a completion is given: texts, or lists of token ids."""
    if not isinstance(prompt, list | tuple):
        return 1
    each = cast("Sequence[Any]", prompt)
    return max(1, len(each)) if isinstance(next(iter(each), None), str | list | tuple) else 1
