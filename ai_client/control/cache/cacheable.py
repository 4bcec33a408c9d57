"""Which requests may be answered from the cache: those that would be answered alike, as far as the API says."""

from ..._call.call import Call

_ALWAYS = ("/embeddings", "/moderations")
_IF_DETERMINISTIC = ("/chat/completions", "/completions", "/responses")


def is_cacheable(call: Call) -> bool:
    """Return whether the cache may serve a call at all: not uploads, nor calls that change what they are about."""
    if call.method != "POST" or call.files is not None:
        return False
    return call.members().get("conversation") is None  # each call continues it


def repeats(call: Call, *, everything: bool) -> bool:
    """Return whether an equal call would be answered alike, or, with *everything*, with a text at least."""
    path = call.path
    if not path.endswith(_IF_DETERMINISTIC):
        return path.endswith(_ALWAYS)
    body = call.members()
    if body.get("background"):
        return False
    if everything or ("seed" in body and isinstance(body["seed"], int)):
        return True
    return "temperature" in body and body["temperature"] == 0
