"""Windows of the calendar, in every zone and on every day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings, strategies as st

from ai_client import BudgetExceeded
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.windows import window, zone as zone_of
from ai_client.errors import ConfigError
from ai_client.stores import open_store
from tests.support.invoke import Invoke
from tests.support.policies import Clock

ZONES = sorted(available_timezones())
START, END = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (1850, 2040))
ODD_DAYS = [
    ("America/Havana", "2026-03-08", "2026-11-01"),  # no midnight, and two
    ("Atlantic/Azores", "2026-03-29", "2026-10-25"),
    ("America/Santiago", "2026-09-06", "2026-04-04"),
    ("America/Asuncion", "2023-10-01", "2023-03-25"),
    ("Asia/Beirut", "2026-03-29", "2026-10-24"),
    ("Africa/Cairo", "2026-04-24", "2026-10-29"),
    ("America/St_Johns", "2006-04-02", "2006-10-29"),  # a minute after midnight
    ("Australia/Lord_Howe", "2026-04-05", "2026-10-04"),  # by half an hour
    ("Antarctica/Troll", "2026-03-29", "2026-10-25"),  # by two hours
    ("Pacific/Apia", "2011-12-29", "2011-12-31"),  # without the day between them
    ("Pacific/Kwajalein", "1993-08-20", "1993-08-22"),
    ("America/Juneau", "1867-10-18", "1867-10-19"),  # which came twice
    ("Africa/Monrovia", "1972-01-06", "1972-01-07"),  # by 44 minutes and 30 seconds
]
NEAR_ODD_DAYS = st.tuples(st.sampled_from(ODD_DAYS), st.integers(0, 1), st.floats(-2, 3)).map(
    lambda drawn: (drawn[0][0], midnight_in_utc(drawn[0][1 + drawn[1]]) + int(drawn[2] * 86_400))
)


def midnight_in_utc(day: str) -> int:
    """Return the instant at which a day begins in UTC."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def begin_of(day: date, zone: str) -> int:
    """Look at one instant after the other for the first of which the date in a zone is *day* or later."""
    info = ZoneInfo(zone)

    def first(instants: range) -> int:
        return next(instant for instant in instants if datetime.fromtimestamp(instant, info).date() >= day)

    middle = midnight_in_utc(day.isoformat())
    minute = first(range(middle - 86_400, middle + 2 * 86_400, 60))
    return first(range(minute - 59, minute + 1))


@settings(max_examples=600, deadline=None)
@given(
    st.sampled_from(["second", "minute", "hour", "day", "week", "month"]),
    st.tuples(st.sampled_from(ZONES), st.integers(START, END)) | NEAR_ODD_DAYS,
    st.floats(0, 0.99),
)
def test_windows_follow_each_other(per: Any, where: tuple[str, int], within: float) -> None:
    """Every moment is in one window, all of the window's moments agree on it, and the next one begins at its end."""
    zone, now = where
    found = window(per, zone, now + within)
    assert found.start <= now + within < found.end
    for share in (0.0, within, 0.999):
        assert window(per, zone, found.start + share * (found.end - found.start)) == found
    before, following = window(per, zone, found.start - 0.001), window(per, zone, found.end)
    assert (before.end, following.start) == (found.start, found.end)
    assert len({before.name, found.name, following.name}) == 3
    longest = {"second": 1, "minute": 60, "hour": 3600, "day": 48 * 3600, "week": 8 * 86_400}
    assert found.end - found.start <= longest.get(per, 32 * 86_400)


@pytest.mark.parametrize(
    ("zone", "day"), [(zone, day) for zone, *days in ODD_DAYS for day in days], ids=lambda value: value
)
def test_a_day_with_odd_midnights_has_one_window(zone: str, day: str) -> None:
    """A day has one window, from when its date is first reached, though midnight comes twice or not at all."""
    today = date.fromisoformat(day)
    start = begin_of(today, zone)
    end = begin_of(today + timedelta(days=1), zone)
    for instant in range(start, end, 60):
        found = window("day", zone, instant)
        assert (found.start, found.end) == (start, end)
    assert window("day", zone, start).name.startswith(f"day:{day}")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(ZONES), st.integers(START, END), st.sampled_from(["day", "week", "month"]))
def test_windows_begin_with_their_first_date(zone: str, now: int, per: Any) -> None:
    """A window begins with the first instant of its first date and ends with that of the next one's."""
    info = ZoneInfo(zone)
    found = window(per, zone, now)
    first = datetime.fromtimestamp(found.start, info).date()
    last = datetime.fromtimestamp(found.end - 1, info).date()
    assert first <= datetime.fromtimestamp(now, info).date() <= last
    assert (found.start, found.end) == (begin_of(first, zone), begin_of(last + timedelta(days=1), zone))
    assert per != "week" or first.weekday() == 0 or begin_of(first - timedelta(days=1), zone) == found.start
    assert per != "month" or first.day == 1 or begin_of(first.replace(day=1), zone) == found.start


def test_in_every_zone_a_year_has_its_windows() -> None:
    """In every zone weeks and months fill a year, and where clocks are changed a day begins and ends with its date."""
    for zone in ZONES:
        info = ZoneInfo(zone)
        new_year = datetime(2026, 1, 1, 12, tzinfo=info).timestamp()
        for per, count in (("month", 12), ("week", 52)):
            now = new_year
            for _ in range(count):
                found = window(per, zone, now)  # type: ignore[arg-type]
                assert found.start <= now < found.end
                now = found.end
            assert 360 <= (now - new_year) / 86_400 <= 366
        noons = [new_year + day * 86_400 for day in range(365)]
        for noon in noons:
            if info.utcoffset(datetime.fromtimestamp(noon, info)) != info.utcoffset(
                datetime.fromtimestamp(noon + 86_400, info)
            ):
                today = datetime.fromtimestamp(noon + 86_400, info).date()
                found = window("day", zone, noon + 86_400)
                days = today, today + timedelta(days=1)
                assert (found.start, found.end) == (begin_of(days[0], zone), begin_of(days[1], zone))


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        ("2026-04-05", ["00:00+11:00", "01:00+11:00", "01:30+10:30", "02:00+10:30", "03:00+10:30"]),
        ("2026-10-04", ["00:00+10:30", "01:00+10:30", "02:30+11:00", "03:00+11:00", "04:00+11:00"]),
    ],
)
def test_an_hour_is_cut_short_where_clocks_change_by_half(day: str, hours: list[str]) -> None:
    """Where clocks are changed by half an hour, the hours before and after it are whole, and one of them is half."""
    now = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Australia/Lord_Howe")).timestamp()
    lengths: list[float] = []
    for hour in hours:
        found = window("hour", "Australia/Lord_Howe", now)
        assert found.start == now == datetime.fromisoformat(f"{day}T{hour}").timestamp()
        lengths.append(found.end - found.start)
        now = found.end
    assert lengths == [3600, 3600, 1800, 3600, 3600]


def test_a_day_with_two_midnights_has_one_budget(invoke: Invoke, clock: Clock) -> None:
    """What any process spends between the first and the second midnight of a day is spent for the day."""
    store = open_store()
    midnight = datetime(2026, 11, 1, tzinfo=ZoneInfo("America/Havana")).timestamp()

    def ask(hours: float) -> None:
        client = invoke.client(layers=[Budgets([Budget(requests=1, timezone="America/Havana")], store)])
        client.io.now = clock
        clock.now = midnight + hours * 3600
        invoke.chat(client)

    ask(0.5)
    for hours in (0.75, 1.25, 12, 24.5):
        with pytest.raises(BudgetExceeded) as caught:
            ask(hours)
        assert caught.value.retry_after == (25 - hours) * 3600
    ask(25)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "America/Santiago", "Asia/Kathmandu"])
@pytest.mark.parametrize("year", [2026, 2027])
def test_a_year_has_its_days(zone: str, year: int) -> None:
    """Going from window to window, a year in a zone has as many days as the calendar says."""
    now = datetime(year, 1, 1, 12, tzinfo=ZoneInfo(zone)).timestamp()
    names: list[str] = []
    while (found := window("day", zone, now)).name.startswith(f"day:{year}"):
        names.append(found.name[4:14])
        now = found.end
    first = datetime(year, 1, 1, tzinfo=UTC)
    assert names == [f"{first + timedelta(days=day):%Y-%m-%d}" for day in range(365)]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-07-01", 24)])
def test_a_budget_lasts_as_long_as_the_day(invoke: Invoke, clock: Clock, day: str, hours: int) -> None:
    """A daily budget is whole again at the zone's midnight, also on the days on which the clocks change."""
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    client = invoke.client(
        layers=[Budgets([Budget(requests=1, per="day", timezone="Europe/Berlin")], open_store())]
    )
    client.io.now = clock
    clock.now = midnight
    invoke.chat(client)
    clock.now = midnight + hours * 3600 - 1
    with pytest.raises(BudgetExceeded) as caught:
        invoke.chat(client)
    assert caught.value.retry_after == 1
    clock.now += 1
    invoke.chat(client)


@pytest.mark.parametrize(
    "name", ["Europe", "Nowhere/City", "a" * 300, "", "..", "\ud800", "a\0b", "zone.tab", 5, None, ["UTC"]]
)
def test_what_is_no_time_zone(name: Any) -> None:
    """Whatever the system's files hold under a name, the error is a `ConfigError` that says what is expected."""
    with pytest.raises(ConfigError, match=r"timezone: .*IANA name such as Europe/Berlin"):
        zone_of(name)
