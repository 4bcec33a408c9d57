"""The head of a response, whoever has parsed it."""

from typing import TypeAlias

Headers: TypeAlias = list[tuple[bytes, bytes]]
"""Names and values in order, the names in the case in which they are on the wire."""


class ResponseHead:
    """Status line and headers of a response; the headers are split when somebody asks for all of them.

    Args:
        status_code: From 200 to 999.
        reason: The text behind it, often empty.
        http_version: As `b"1.1"`.
        fields: The lines of the headers, each behind its line break, a character a byte.
        headers: Names and values, where they are split already.

    Attributes:
        lower: The lines in lower case, where the headers are not split already.
        is_encoded: Whether it names an encoding of the body.
    """

    __slots__ = (
        "_asked",
        "_fields",
        "_headers",
        "http_version",
        "is_encoded",
        "lower",
        "reason",
        "status_code",
    )

    def __init__(
        self,
        status_code: int,
        reason: bytes,
        http_version: bytes,
        fields: str = "",
        headers: Headers | None = None,
    ) -> None:
        self.status_code = status_code
        self.reason = reason
        self.http_version = http_version
        self._asked: tuple[str, str | None] = "", None
        self._fields = fields
        self._headers = headers
        self.lower = lower = fields.lower()
        self.is_encoded = (
            "\r\ncontent-encoding:" in lower
            if headers is None
            else any(name.lower() == b"content-encoding" for name, _ in headers)
        )

    @property
    def headers(self) -> Headers:
        """Names, as they are spelled, and values, in the order in which they came."""
        headers = self._headers
        if headers is None:
            pairs = [line.partition(b":") for line in self._fields.encode("latin-1").split(b"\r\n")[1:]]
            headers = self._headers = [(name, value.strip(b" \t")) for name, _, value in pairs]
        return headers

    def value(self, name: str) -> str | None:
        """Return the value of the header of that lower-case name, several of them joined by commas."""
        asked, value = self._asked  # policies and the result want the same one
        if asked != name:
            value = self._value(name)
            self._asked = name, value
        return value

    def _value(self, name: str) -> str | None:
        if self._headers is None:
            line = f"\r\n{name}:"
            _, found, rest = self.lower.partition(line)
            if not found:
                return None
            if line not in rest:
                return self._fields[-len(rest) :].partition("\r\n")[0].strip(" \t") if rest else ""
        wanted = name.encode()
        values = [value for one, value in self.headers if one.lower() == wanted]
        return b", ".join(values).decode("latin-1") if values else None
