"""HTTP/1.1 on one connection as h11 reads and writes it: all of it, and what is wrong is said by it."""

from typing import Any

import h11

from .._http.library import Library
from .request_head import RequestHead
from .response_head import Headers, ResponseHead

# The head of a response, and the line that begins a chunk, may be this long.
_MAX_HEAD = 100 * 1024
_SWITCHING = 101
_BEGINNING = b"HTTP/"
MAX_HINTS = 100
"""Answers of status 1xx that may come before the one that counts."""


class H11Wire:
    """A `Wire` over h11."""

    __slots__ = ("_begun", "_connection", "_errors", "_hints", "_is_cut")

    def __init__(self, library: Library) -> None:
        self._errors: Any = library.http
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
        self._hints = 0
        self._is_cut = False
        self._begun = b""  # the first bytes of the answer

    def begin(self, head: RequestHead, headers: Headers | None, body: bytes) -> tuple[bytes, bytes]:
        """Begin an exchange with the whole of a request; return its head and its body, framed for the wire."""
        if headers is None:
            headers = head.headers(len(body))
        return self.head(head.method, head.target, headers), self.body(body) + self.end()

    def head(self, method: str, target: bytes, headers: Headers) -> bytes:
        """Begin an exchange; return the head of its request."""
        self._hints = 0
        self._is_cut = False
        self._begun = b""
        return self._send(h11.Request, method=method, target=target, headers=headers)

    def body(self, chunk: bytes) -> bytes:
        """Return a part of the request's body, framed for the wire."""
        return self._send(h11.Data, data=chunk)

    def end(self) -> bytes:
        """Return the bytes that end the request's body, often none."""
        return self._send(h11.EndOfMessage)

    def _send(self, event: type[h11.Request | h11.Data | h11.EndOfMessage], **fields: Any) -> bytes:
        try:
            return self._connection.send(event(**fields)) or b""
        except h11.LocalProtocolError as error:
            raise self._errors.LocalProtocolError(str(error)) from error

    def feed(self, data: bytes) -> None:
        """Take what the server sent; nothing means that it closed its side."""
        connection = self._connection
        if not data and connection.their_state is h11.SEND_RESPONSE:
            raise self._errors.RemoteProtocolError("Server disconnected without sending a response.")
        if len(self._begun) < len(_BEGINNING):
            self._begun += data[: len(_BEGINNING)]
            check_beginning(self._begun, self._errors.RemoteProtocolError, "server")
        connection.receive_data(data)

    def response(self) -> ResponseHead | None:
        """Return the head of the response, or `None` while more bytes are needed."""
        while True:
            event = self._next()
            if event is h11.NEED_DATA:
                beginning = self._connection.trailing_data[0]
                check_beginning(beginning, self._errors.RemoteProtocolError, "server")
                return None
            if isinstance(event, h11.Response):
                headers = event.headers.raw_items()
                return ResponseHead(event.status_code, event.reason, event.http_version, headers=headers)
            if not isinstance(event, h11.InformationalResponse) or event.status_code == _SWITCHING:
                raise self._errors.RemoteProtocolError("The server switched to another protocol than HTTP.")
            self._hints += 1
            if self._hints > MAX_HINTS:
                raise said(
                    self._errors.RemoteProtocolError(
                        f"The server sent more than {MAX_HINTS} answers of status 1xx instead of an answer."
                    )
                )

    def drain(self, parts: list[bytes]) -> bool:
        """Move the received parts of the body to *parts*; return whether the body is complete."""
        while True:
            event = self._next()
            if type(event) is h11.Data:
                parts.append(bytes(event.data))
            else:
                return event is not h11.NEED_DATA

    def _next(self) -> Any:
        try:
            return self._connection.next_event()
        except h11.RemoteProtocolError as error:
            raise self._errors.RemoteProtocolError(str(error)) from error

    def cut(self) -> None:
        """Note that the connection is good for no other exchange, as where the rest of the request is not sent."""
        self._is_cut = True

    def renew(self) -> bool:
        """Get ready for another exchange; return whether the connection is good for one."""
        connection = self._connection
        if (
            self._is_cut
            or connection.our_state is not h11.DONE
            or connection.their_state is not h11.DONE
            or any(connection.trailing_data)  # bytes of no answer, or the end of the connection
        ):
            return False
        connection.start_next_cycle()
        return True


def check_beginning(data: bytes, error: type[Exception], who: str) -> None:
    """Raise if the first bytes cannot begin an HTTP response, rather than wait for the rest.

    Raises:
        Exception: *error*; what has arrived is something else.
    """
    if not _BEGINNING.startswith(data[: len(_BEGINNING)]):
        raise said(error(f"The {who} does not speak HTTP: its answer begins like nothing of it."))


def said(error: Exception) -> Exception:
    """Mark an error whose message is our own, quotes nothing received, and is shown to the caller."""
    error.said = str(error)  # type: ignore[attr-defined]  # our addition; `_calls` reads it
    return error
