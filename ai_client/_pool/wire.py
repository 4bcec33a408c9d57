"""HTTP/1.1 on one connection, as bytes in and bytes out; it neither reads nor writes by itself."""

from typing import Protocol

from .request_head import RequestHead
from .response_head import Headers, ResponseHead


class Wire(Protocol):
    """The client's side of one HTTP/1.1 connection, one exchange after another.

    Every method raises the HTTP library's `LocalProtocolError` for what must not be sent, and its
    `RemoteProtocolError` for what must not have been received.
    """

    def begin(self, head: RequestHead, headers: Headers | None, body: bytes) -> tuple[bytes, bytes]:
        """Begin an exchange with the whole of a request; return its head and its body, framed for the wire.

        Args:
            head: Is of a request with these headers.
            headers: Names and values, the length of the body among them; `None` for those of the head.
            body: All of it.
        """
        ...

    def head(self, method: str, target: bytes, headers: Headers) -> bytes:
        """Begin an exchange; return the head of its request."""
        ...

    def body(self, chunk: bytes) -> bytes:
        """Return a part of the request's body, framed for the wire."""
        ...

    def end(self) -> bytes:
        """Return the bytes that end the request's body, often none."""
        ...

    def feed(self, data: bytes) -> None:
        """Take what the server sent; nothing means that it closed its side."""
        ...

    def response(self) -> ResponseHead | None:
        """Return the head of the response, or `None` while more bytes are needed."""
        ...

    def drain(self, parts: list[bytes]) -> bool:
        """Move the received parts of the body to *parts*; return whether the body is complete."""
        ...

    def cut(self) -> None:
        """Note that the connection is good for no other exchange, as where the rest of the request is not sent."""
        ...

    def renew(self) -> bool:
        """Get ready for another exchange; return whether the connection is good for one."""
        ...
