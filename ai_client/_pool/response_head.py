"""The head of a response, whoever has parsed it."""

from typing import TypeAlias

Headers: TypeAlias = list[tuple[bytes, bytes]]
"""Names and values in order, the names in the case in which they are on the wire."""


class ResponseHead:
    """Status line and headers of a response; the headers are split when somebody asks for them.

    Args:
        status_code: From 200 to 999.
        reason: The text behind it, often empty.
        http_version: As `b"1.1"`.
        fields: The lines of the headers, each behind its line break.
        headers: Names and values, where they are split already.
    """

    __slots__ = ("_fields", "_headers", "http_version", "reason", "status_code")

    def __init__(
        self,
        status_code: int,
        reason: bytes,
        http_version: bytes,
        fields: bytes = b"",
        headers: Headers | None = None,
    ) -> None:
        self.status_code = status_code
        self.reason = reason
        self.http_version = http_version
        self._fields = fields
        self._headers = headers

    @property
    def headers(self) -> Headers:
        """Names, as they are spelled, and values, in the order in which they came."""
        headers = self._headers
        if headers is None:
            pairs = [line.partition(b":") for line in self._fields.split(b"\r\n")[1:]]
            headers = self._headers = [(name, value.strip(b" \t")) for name, _, value in pairs]
        return headers
