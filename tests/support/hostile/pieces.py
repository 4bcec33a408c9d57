"""A chat answer as pieces."""

from pydantic_core import to_json

from tests.support.hostile.framing import EVENT_STREAM, events, framed
from tests.support.hostile.payloads import chat_chunks

CHUNKS = chat_chunks(1, usage=False)


PIECES = framed([*events(*map(to_json, CHUNKS))], content_type=EVENT_STREAM)
