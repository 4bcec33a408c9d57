"""Windows of the calendar, in every zone and on every day."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings, strategies as st

from ai_client import BudgetExceeded
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.scope import window
from ai_client.stores import open_store
from tests.support.invoke import Invoke
from tests.support.policies import Clock

ZONES = sorted(available_timezones())
START, END = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2020, 2035))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["second", "minute", "hour", "day", "week", "month"]),
    st.sampled_from(ZONES),
    st.integers(START, END),
)
def test_windows_follow_each_other(per: Any, zone: str, now: int) -> None:
    """Every moment is in one window, all of the window's moments agree on it, and the next one begins at its end."""
    found = window(per, zone, now)
    assert now < found.end
    assert window(per, zone, found.end - 0.001) == found
    following = window(per, zone, found.end)
    assert following.name != found.name
    assert following.end > found.end
    longest = {"second": 1, "minute": 60, "hour": 3600, "day": 26 * 3600, "week": 8 * 86_400}
    assert found.end - now <= longest.get(per, 32 * 86_400)


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
