"""Personal data in text, by kind; numbers are validated by check digits and ranges."""

import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from .masking import Rule, Span

_LENGTHS = {
    country: int(length)
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
"""Length of an IBAN by country, from the registry of ISO 13616."""
_MANY = 2
_FOUR_GROUPS = 19
"""Characters of four groups of four digits."""
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""The sum of the figures of twice each digit."""
_NOT_DIGITS = str.maketrans("", "", " -")
_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}[ \-]\Z")
_VERSION = re.compile(r"(?i:version|release|build|\bver\.?)[ :=]{0,3}\Z")


def _is_valid_card(digits: str) -> bool:
    """Return whether a number has a valid card check digit (Luhn, ISO/IEC 7812)."""
    figures = list(map(int, digits))
    doubled = map(_DOUBLED.__getitem__, figures[-2::-2])
    return (sum(figures[-1::-2]) + sum(doubled)) % 10 == 0 and any(figures)


def _card(match: re.Match[str]) -> Span | None:
    """Match the digits as a card number, or all but a fifth group of them."""
    if _ACCOUNT.search(match.string, max(0, match.start() - 6), match.start()):
        return None  # the digits of an IBAN
    for end in (match.end(), match.start() + _FOUR_GROUPS):
        number = match.string[match.start() : end].translate(_NOT_DIGITS)
        if end <= match.end() and _is_valid_card(number):
            return match.start(), end
    return None


def _ssn(match: re.Match[str]) -> Span | None:
    """Match a number in the SSN format, or one that the text calls an SSN, in any format."""
    return match.span("called") if match["called"] is not None else match.span()


def _iban(match: re.Match[str]) -> Span | None:
    """Match as many characters as the country's IBANs have, if the remainder modulo 97 is 1 (ISO 13616)."""
    length = _LENGTHS.get(match[0][:2].upper())
    if length is None:
        return None
    characters = [(at, char) for at, char in enumerate(match[0]) if char.isalnum()]
    if len(characters) < length:
        return None
    end = match.start() + characters[length - 1][0] + 1
    if end < len(match.string) and match.string[end].isalnum():
        return None
    number = "".join(char for _, char in characters[:length]).upper()
    value = "".join(str(int(char, 36)) for char in number[4:] + number[:4])
    return (match.start(), end) if int(value) % 97 == 1 else None


def _email(match: re.Match[str]) -> Span | None:
    """Skip what only contains an at sign: package versions and `git@` remotes."""
    top = match[0].rpartition(".")[2]
    is_top = len(top) > 1 and (top.isalpha() or top.lower().startswith("xn--"))
    return match.span() if is_top and not match[0].startswith("git@") else None


def _ip(match: re.Match[str]) -> Span | None:
    """Skip addresses out of range, times and names with colons, and four-part version numbers."""
    text = match[0].rstrip(".:") if not match[0].endswith("::") else match[0]
    start, end = match.start(), match.start() + len(text)
    try:
        if ":" not in text:
            IPv4Address(text)
            return None if _VERSION.search(match.string, max(0, start - 12), start) else (start, end)
        IPv6Address(text)
    except AddressValueError:
        return None
    groups = [group for group in text.split(":") if group]
    return (start, end) if len(groups) > _MANY or any(char.isdigit() for char in text) else None


RULES: Mapping[str, Rule] = {
    "email": Rule(
        ("@",),
        re.compile(r"(?<![\w.!#$%&'*+^`{|}~\-])(?<!://)[\w.!#$%&'*+^`{|}~\-]++@[\w\-]++(?:\.[\w\-]++)++"),
        _email,
    ),
    "card": Rule(
        (),
        re.compile(
            r"(?<![\w.])(?:\d{13,19}(?!\d)|\d{4}[ \-]\d{6}[ \-]\d{4,5}(?!\d)"
            r"|(?:\d{4}[ \-]){3}\d{1,4}(?!\d)(?:(?<=\d{4})[ \-]\d{1,3}(?!\d))?)"
        ),
        _card,
        anew=True,
    ),
    "phone": Rule(
        (),
        re.compile(
            r"(?<![\w.])\+\d(?:[ ().\-/]{0,2}\d){6,14}(?!\d)"
            r"|(?<![\w.])\(\d{3}\) ?\d{3}[ .\-]\d{4}(?!\d)"
            r"|(?<![\w.\-])\d{3}-\d{3}-\d{4}(?![\w\-])"
        ),
    ),
    "iban": Rule(
        (),
        re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ \-\u00a0]?[A-Za-z0-9]){11,29}+"),
        _iban,
        anew=True,
    ),
    "ip": Rule(
        (),
        re.compile(
            r"(?<![\w.])(?<![A-Za-z]-)(?:\d{1,3}\.){3}\d{1,3}(?!\.?\d|[A-Za-z_])"
            r"|(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,8}+[0-9A-Fa-f.]{0,15}+(?![\w:])"
        ),
        _ip,
        anew=True,
    ),
    "ssn": Rule(
        (),
        re.compile(
            r"(?<![\w\-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w\-])"
            r"|(?i:\bssn|social security)(?: (?:no\.?|number))?[^\w\r\n]{0,3}"
            r"(?P<called>(?!000|666|9)\d{3} ?(?!00)\d{2} ?(?!0000)\d{4})(?!\d)"
        ),
        _ssn,
    ),
}
"""Rules by their name in `Redaction(patterns=...)`."""
