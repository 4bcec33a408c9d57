"""Calls that are billed, and whether by tokens."""

import re

from ..._call.call import Call

_TEXT = frozenset({"/chat/completions", "/responses", "/embeddings", "/completions"})
"""Endpoints that are billed by tokens of text, whether or not the call names its model."""
PICTURES = ("/images/generations", "/images/edits", "/images/variations")
RUNS = r"threads/(?:[^/]+/)?runs"
_MODEL_FROM_ELSEWHERE = ("/responses", *PICTURES)
_RUN = re.compile(rf"(?:^|/){RUNS}$")
_FREE = re.compile(
    r"(?:^|/)(?:moderations|responses/input_tokens|assistants(?:/[^/]+)?|fine_tuning/.*|audio/voices|realtime/.*)$"
)
"""Calls that name a model and run none; what they prepare, such as a training or a session, is billed otherwise."""
_VIDEO = re.compile(r"(?:^|/)videos$")


def is_of_text(call: Call) -> bool:
    """Return whether a call goes to one of the endpoints that are billed by tokens of text, as nearly all do."""
    return call.path in _TEXT and call.method == "POST"


def is_billed(call: Call) -> bool:
    """Return whether a call is billed for what it uses: it runs a model, and that model is not free."""
    if call.method != "POST":
        return False
    if call.path in _TEXT:
        return True
    path = call.path.partition("?")[0]
    if "model" in call.members():
        return _FREE.search(path) is None
    return path.endswith(_MODEL_FROM_ELSEWHERE) or _RUN.search(path) is not None


def is_by_tokens(call: Call) -> bool:
    """Return whether a billed call is billed by tokens; a video is by its length."""
    return call.path in _TEXT or _VIDEO.search(call.path.partition("?")[0]) is None


def has_known_model(call: Call) -> bool:
    """Return whether the model of a billed call is known before its answer; a run may leave it to its assistant."""
    return call.path in _TEXT or "model" in call.members() or _RUN.search(call.path.partition("?")[0]) is None


def is_media(call: Call) -> bool:
    """Return whether a call goes to an audio or image endpoint."""
    return call.path not in _TEXT and call.path.startswith(("/audio/", "/images/"))
