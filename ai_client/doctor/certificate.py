"""A server's certificate as it shows it, trusted or not; the standard library reads those that are trusted only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Self

_SEQUENCE, _SET, _OID, _EXPLICIT_VERSION, _EXTENSIONS = 0x30, 0x31, 0x06, 0xA0, 0xA3
_OCTETS, _BOOLEAN, _UTC_TIME = 0x04, 0x01, 0x17
_COMMON_NAME, _ORGANIZATION = b"\x55\x04\x03", b"\x55\x04\x0a"
_ALTERNATIVE_NAMES = b"\x55\x1d\x11"
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_LONG = 0x80
_SHOWN = 64


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """The certificate of a server (RFC 5280, 4.1).

    Attributes:
        subject: Whose it is.
        issuer: Who issued it.
        since: From when it is valid.
        until: Until when.
        names: The names and addresses that it is for.
    """

    subject: str
    issuer: str
    since: datetime
    until: datetime
    names: tuple[str, ...]

    @classmethod
    def read(cls, data: bytes) -> Self | None:
        """Read a certificate in DER; `None` where it is none."""
        try:
            ((_, certificate),) = _items(data)
            fields = [*_items(_first(certificate))]
            if fields[0][0] == _EXPLICIT_VERSION:
                del fields[0]
            issuer, validity, subject = (fields[place][1] for place in (2, 3, 4))
            since, until = map(_time, _items(validity))
            extensions = next((content for tag, content in fields[5:] if tag == _EXTENSIONS), b"")
            names = tuple(_names(extensions))
            return cls(_name(subject) or ", ".join(names) or "nobody", _name(issuer), since, until, names)
        except (ValueError, IndexError):
            return None

    @property
    def details(self) -> dict[str, Any]:
        """The certificate for programs."""
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "valid_from": self.since.isoformat(),
            "valid_until": self.until.isoformat(),
            "names": list(self.names),
        }


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each element of DER."""
    place = 0
    while place < len(data):
        tag, length = data[place], data[place + 1]
        place += 2
        if length >= _LONG:
            size = length - _LONG
            length = int.from_bytes(data[place : place + size])
            place += size
        if place + length > len(data):
            raise ValueError("This element is cut off.")
        yield tag, data[place : place + length]
        place += length


def _first(data: bytes) -> bytes:
    """Return the content of the first element of DER."""
    for _, content in _items(data):
        return content
    raise ValueError("There is no element.")


def _name(data: bytes) -> str:
    """Return the common name and the organization of a distinguished name."""
    found: dict[bytes, str] = {}
    for tag, part in _items(data):
        for _, pair in _items(part) if tag == _SET else ():
            (_, kind), (_, text) = _items(pair)
            found.setdefault(kind, _printable(text))
    common, organization = found.get(_COMMON_NAME), found.get(_ORGANIZATION)
    return " of ".join(dict.fromkeys(filter(None, (common, organization)))) or ", ".join(found.values())


def _printable(text: bytes) -> str:
    shown = "".join(mark if mark.isprintable() else "?" for mark in text.decode("utf-8", "replace"))
    return shown[:_SHOWN]


def _time(item: tuple[int, bytes]) -> datetime:
    text = item[1].decode("ascii").removesuffix("Z")
    if item[0] == _UTC_TIME:  # of 1950 to 2049
        text = f"{'19' if int(text[:2]) >= 50 else '20'}{text}"  # noqa: PLR2004 - RFC 5280, 4.1.2.5.1
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _names(extensions: bytes) -> Iterator[str]:
    """Yield the alternative names of the subject."""
    for _, each in _items(extensions):
        for _, extension in _items(each):
            parts = [*_items(extension)]
            if parts[0][1] != _ALTERNATIVE_NAMES:
                continue
            for tag, content in _items(_first(parts[-1][1])):
                if tag == _DNS_NAME:
                    yield _printable(content)
                elif tag == _IP_ADDRESS:
                    yield str(ip_address(content))
