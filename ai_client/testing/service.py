"""Find the reply to a request: the test's script first, then the built-in endpoints."""

import logging
from dataclasses import asdict, replace

from ai_client.testing import routes
from ai_client.testing.recording import Recorded, Recorder
from ai_client.testing.reply import Reply, error_body, merged
from ai_client.testing.request import Refused, Request
from ai_client.testing.script import Script

logger = logging.getLogger("ai_client.testing")

CONTROL_PATHS = frozenset({"/health", "/_stats", "/_reset"})
"""Paths that query or control the upstream itself; they are neither scripted nor recorded nor counted."""


class Service:
    """The upstream without its sockets: script, records and endpoints."""

    def __init__(self, *, delay: float = 0, record: bool = True) -> None:
        self.recorder = Recorder(keep=record)
        self.script = Script()
        self._delay = delay
        self._number = 0

    def reset(self) -> None:
        """Drop recorded requests and prepared answers."""
        self.recorder.reset()
        self.script.clear()

    def answer(self, recorded: Recorded) -> Reply:
        """Return the reply to a request, complete with content and the API's usual headers."""
        self._number += 1
        reply = self._scripted(recorded)
        usual = (
            ("x-request-id", f"req_{self._number:032x}"),
            ("openai-processing-ms", "1"),
            ("openai-version", "2020-10-01"),
        )
        return replace(reply, headers=merged(usual, reply.headers))

    def control(self, recorded: Recorded) -> Reply:
        """Return the reply to a request for one of `CONTROL_PATHS`."""
        if recorded.path == "/_stats":
            return Reply(json=asdict(self.recorder.counters))
        if recorded.path == "/_reset":
            if recorded.method != "POST":
                return Reply(status=405, json=error_body(405, "POST here to reset the counters."))
            self.reset()
        return Reply(json={"status": "ok"})

    def _scripted(self, recorded: Recorded) -> Reply:
        prepared = self.script.take(recorded)
        if prepared is None:
            return self._built_in(recorded, None)
        try:
            reply = prepared if isinstance(prepared, Reply) else prepared(recorded)
        except Exception:
            logger.exception("The reply prepared for %s %s failed.", recorded.method, recorded.path)
            return Reply(
                status=500, json=error_body(500, "The prepared reply raised; see the upstream's log.")
            )
        if reply.has_content or reply.disconnect or reply.never:
            return reply
        return reply.over(self._built_in(recorded, reply.content))

    def _built_in(self, recorded: Recorded, content: str | None) -> Reply:
        try:
            endpoint, params = routes.find(recorded.method, recorded.path)
            _authenticate(recorded)
            return endpoint(Request(recorded, self._number, params, content, self._delay))
        except Refused as refused:
            return refused.reply
        except Exception:
            logger.exception("The upstream could not handle %s %s.", recorded.method, recorded.path)
            message = "The upstream could not handle this request; see its log."
            return Reply(status=400, json=error_body(400, message))


def _authenticate(recorded: Recorded) -> None:
    key = recorded.headers.get("api-key", "")
    if not key:
        scheme, _, key = recorded.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            key = ""
    if not key.strip():
        message = (
            "You didn't provide an API key. Send any key as 'Authorization: Bearer KEY' or 'api-key: KEY'."
        )
        raise Refused(401, message, code="invalid_api_key")
