"""Figures as people read them: amounts, numbers, durations, shares and moments."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from .markup import Html, tag

_SPACE = "\u202f"
_NANO = 1_000_000_000
_LONGEST = 80
"""Characters of a name in a list."""
UNKNOWN = "unknown"
NONE = "\u2013"


def shown_usd(nano_usd: int | None) -> str:
    """Return an amount in 10^-9 USD with two decimals, or as many as show two digits of a small one."""
    if nano_usd is None:
        return UNKNOWN
    size = abs(nano_usd)
    sign = "-" if nano_usd < 0 else ""
    if size == 0:
        return "$0"
    if size >= 1000 * _NANO:
        return f"{sign}${round(size / _NANO):,}"
    decimals = 2
    while size * 10 ** (decimals - 1) < _NANO * 0.95:  # its first digit stands behind these
        decimals += 1
    decimals = min(decimals, 9)
    exact = Decimal(f"{size}e-9").quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
    return f"{sign}${exact:f}"


def shown_number(number: float) -> str:
    """Return a number with three digits and a prefix from ten thousand on: `9,876`, `12.3 k`, `4.56 M`."""
    if abs(number) < 10_000:  # noqa: PLR2004 - five digits are read slowly
        return f"{round(number):,}"
    prefixes = iter("kMGT")
    prefix = ""
    while abs(number) >= 999.5 and (following := next(prefixes, "")):  # noqa: PLR2004 - shown as four digits
        number, prefix = number / 1000, following
    decimals = 2 if abs(number) < 9.995 else 1 if abs(number) < 99.95 else 0  # noqa: PLR2004 - three digits
    return f"{number:,.{decimals}f}{_SPACE}{prefix}"


def shown_count(count: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun: `1 call`, `2 calls`, `12.3 k calls`.

    Args:
        count: The number.
        one: The noun, or what follows, of one thing.
        several: That of several, or none; *one* with an s if not given.
    """
    return f"{shown_number(count)} {one if count == 1 else several or f'{one}s'}"


def shown_seconds(seconds: float | None) -> str:
    """Return a duration in milliseconds, seconds or minutes: `240 ms`, `3.21 s`, `12.4 s`, `2.5 min`."""
    if seconds is None:
        return NONE
    if seconds < 0.9995:  # noqa: PLR2004 - what would be shown as 1000 ms
        return f"{seconds * 1000:.0f}{_SPACE}ms"
    if seconds < 119.5:  # noqa: PLR2004 - two minutes
        return f"{seconds:.{2 if seconds < 9.995 else 1}f}{_SPACE}s"  # noqa: PLR2004 - three digits
    return f"{seconds / 60:.{1 if seconds < 5970 else 0}f}{_SPACE}min"  # noqa: PLR2004 - a hundred minutes


def shown_share(part: float, whole: float) -> str:
    """Return a share in percent: `0 %`, `0.3 %`, `12 %`; a dash where there is no whole."""
    if not whole:
        return NONE
    percent = 100 * part / whole
    if 0 < percent < 0.1:  # noqa: PLR2004 - what one decimal cannot show
        return f"<0.1{_SPACE}%"
    decimals = 1 if 0 < percent < 9.95 or 99 < percent < 100 else 0  # noqa: PLR2004 - two digits
    if percent < 100:  # noqa: PLR2004 - all
        percent = min(percent, 99.9)
    return f"{percent:.{decimals}f}{_SPACE}%"


def shown_label(label: str | None, missing: str = "none") -> str | Html:
    """Return the value of a label; a mark for calls without it."""
    return label or tag("i", f"({missing})")


def shown_shortly(text: str) -> str | Html:
    """Return a text, of one longer than a few lines of a column its beginning, with the whole as its title."""
    return text if len(text) <= _LONGEST else tag("span", f"{text[: _LONGEST - 1]}\u2026", title=text)


def shown_moment(moment: datetime, *, step: timedelta | None = None, exact: bool = False) -> Html:
    """Return a moment as an element that the script rewrites in the browser's time zone.

    Args:
        moment: The moment.
        step: The time that it stands for: of a day only the date is shown, which is that in UTC everywhere.
        exact: Whether to show seconds.
    """
    moment = moment.astimezone(UTC)
    if step is not None and step >= timedelta(days=1):
        return tag("time", f"{moment:%-d %b}", datetime=f"{moment:%Y-%m-%d}")
    if step is not None:
        text, kind = f"{moment:%H:%M}", "clock"
    else:
        text, kind = (
            f"{moment:{'%-d %b %H:%M:%S' if exact else '%-d %b %H:%M'}} UTC",
            "instant" if exact else "moment",
        )
    return tag("time", text, datetime=f"{moment:%Y-%m-%dT%H:%M:%SZ}", data_local=kind)
