"""The rules for redirects."""

MAX_REDIRECTS = 20


REDIRECTS = frozenset({301, 302, 303, 307, 308})


_OF_THE_BODY = ("content-length", "content-type", "transfer-encoding")


_SEE_OTHER = 303


FOLLOW_REDIRECTS = "ai_client.follow_redirects"
"""The request extension that overrules the default; a boolean."""


ONCE = "ai_client.once"
"""The request extension of a body whose source gives its bytes only once; true."""
