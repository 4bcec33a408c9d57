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

    __slots__ = ("_fields", "_headers", "_lower", "http_version", "reason", "status_code")

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
        self._lower = b""

    @property
    def headers(self) -> Headers:
        """Names, as they are spelled, and values, in the order in which they came."""
        headers = self._headers
        if headers is None:
            pairs = [line.partition(b":") for line in self._fields.split(b"\r\n")[1:]]
            headers = self._headers = [(name, value.strip(b" \t")) for name, _, value in pairs]
        return headers

    def value(self, name: bytes) -> bytes | None:
        """Return the value of the header of that lower-case name, several of them joined by commas."""
        if self._headers is None:
            lower = self._lower
            if not lower:
                lower = self._lower = self._fields.lower()
            line = b"\r\n%b:" % name
            start = lower.find(line)
            if start < 0:
                return None
            start += len(line)
            if lower.find(line, start) < 0:
                end = lower.find(b"\r\n", start)
                return (self._fields[start:] if end < 0 else self._fields[start:end]).strip(b" \t")
        found = [value for one, value in self.headers if one.lower() == name]
        return b", ".join(found) if found else None
