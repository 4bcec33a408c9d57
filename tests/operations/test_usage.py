"""Reports on usage: whose stores they cover, in which time zone, and what they refuse."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from ai_client import ClientProvider, labels
from ai_client.errors import ConfigError
from ai_client.operations import UsageRow, usage
from ai_client.testing import Upstream

PRICES = {"m": {"input": 1.0, "output": 2.0}}


def ask(provider: ClientProvider, alias: str = "default", tenant: str = "acme") -> None:
    """Make a call for a tenant."""
    with labels(endpoint="/ask", tenant=tenant):
        provider[alias].client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hello"}]
        )


def reported(book: Any, sync: bool, *args: Any, **options: Any) -> list[UsageRow]:
    """Return a report, read by either side."""
    found: list[UsageRow] = (
        book.report(*args, **options) if sync else asyncio.run(book.areport(*args, **options))
    )
    return found


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_report_counts_what_was_called(kind: str, sync: bool, upstream: Upstream, tmp_path: Path) -> None:
    """Calls, tokens and USD of each tenant are those of the calls that were made for it."""
    store = "memory://" if kind == "memory" else f"sqlite:///{tmp_path}/store.db"
    provider = ClientProvider(
        api_key="k", base_url=upstream.base_url, controls={"store": store, "cost": True, "prices": PRICES}
    )
    for tenant in ("acme", "acme", "bits"):
        ask(provider, tenant=tenant)
    rows = reported(provider.usage, sync, by=["tenant"])
    provider.close()
    assert [(row.labels, row.calls) for row in rows] == [({"tenant": "acme"}, 2), ({"tenant": "bits"}, 1)]
    for row in rows:
        assert row.nano_usd == row.input_tokens * 1000 + row.output_tokens * 2000
        assert row.usd == row.nano_usd / 1e9


def test_a_shared_store_counts_once(sync: bool, upstream: Upstream, tmp_path: Path) -> None:
    """Two aliases with one file count once for the provider, two with memories of their own count together."""
    for address, each in ((f"sqlite:///{tmp_path}/store.db", 2), ("memory://", 1)):
        options = {
            "api_key": "k",
            "base_url": upstream.base_url,
            "controls": {"store": address, "cost": True},
        }
        provider = ClientProvider(options, aliases={"other": options})
        ask(provider)
        ask(provider, "other")
        assert reported(provider.usage, sync)[0].calls == 2
        assert reported(provider["other"].usage, sync)[0].calls == each
        provider.close()


def test_without_cost_there_is_no_report(sync: bool) -> None:
    """The error of a report names the control that is missing."""
    with pytest.raises(ConfigError, match="'cost'"):
        reported(ClientProvider(api_key="k").usage, sync)


def test_every_store_reports(store_url: str, sync: bool, upstream: Upstream) -> None:
    """Whatever the store, a report has the calls of each label in the hour and day of the time zone."""
    provider = ClientProvider(
        api_key="k", base_url=upstream.base_url, controls={"store": store_url, "cost": True, "prices": PRICES}
    )
    before = datetime.now(UTC)
    for tenant in ("acme", "a|b", "acme"):
        ask(provider, tenant=tenant)
    after = datetime.now(UTC)
    rows = reported(provider.usage, sync, by=["tenant"], since=before, until=after + timedelta(seconds=1))
    assert {row.labels["tenant"]: row.calls for row in rows} == {"acme": 2, "a|b": 1}
    days = reported(provider.usage, sync, by="day", since=before.date(), until=after.date())
    assert {row.labels["day"] for row in days} <= {before.date().isoformat(), after.date().isoformat()}
    assert sum(row.calls for row in days) == 3
    assert reported(provider.usage, sync, until=before - timedelta(hours=1)) == []
    assert reported(provider.usage, sync, since=after + timedelta(hours=1)) == []
    provider.close()


KEY = '["/ask","m","acme",null,null,null]'
WHOLE = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago")
HOURS = st.integers(1_735_700_000, 1_830_300_000).map(lambda at: datetime.fromtimestamp(at, UTC))


def rows_of(
    hours: Iterable[datetime], by: Any, timezone: str, *, rounded: bool = False
) -> list[tuple[Any, ...]]:
    """Return the labels and the calls of a report on one call in each of some hours."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for at in hours:
        totals = found.setdefault(at.strftime("%Y-%m-%dT%H"), {}).setdefault(KEY, {"reported": 0})
        totals["reported"] += 1
    asked = usage._Asked(by, None, None, timezone, rounded=rounded)
    return [(*row.labels.values(), row.calls) for row in asked.rows([found])]


@given(st.lists(HOURS, max_size=30), st.sampled_from(WHOLE))
def test_days_are_those_of_the_time_zone(hours: list[datetime], timezone: str) -> None:
    """Each call counts in the day in which it was made there, whatever the clocks did."""
    days = Counter(at.astimezone(ZoneInfo(timezone)).date().isoformat() for at in hours)
    assert rows_of(hours, ["day"], timezone) == sorted(days.items())


@given(
    st.lists(HOURS, min_size=1, max_size=30),
    st.sampled_from([*WHOLE, "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_hours_are_exact_in_every_time_zone(hours: list[datetime], timezone: str) -> None:
    """An hour is named by its beginning with its offset, of which its moment can be told in every zone."""
    found = {datetime.fromisoformat(hour): calls for hour, calls in rows_of(hours, ["hour"], timezone)}
    assert found == Counter(at.replace(minute=0, second=0, microsecond=0) for at in hours)


@pytest.mark.parametrize("timezone", ["Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns"])
def test_days_that_share_an_hour(timezone: str) -> None:
    """Where days cannot be told apart exactly that is refused, unless such hours shall count for the first of them."""
    hours = [datetime(2027, 1, 15, hour, tzinfo=UTC) for hour in range(24)]
    with pytest.raises(ConfigError, match=f"{timezone} differs from UTC by a part of an hour"):
        rows_of(hours, ["day"], timezone)
    found = rows_of(hours, ["day"], timezone, rounded=True)
    assert sum(calls for _, calls in found) == 24
    days = Counter(at.astimezone(ZoneInfo(timezone)).date().isoformat() for at in hours)
    assert found == sorted(days.items())


@pytest.mark.parametrize("timezone", [*WHOLE, "Asia/Kolkata", "Australia/Lord_Howe"])
@pytest.mark.parametrize(
    "around", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1), date(2026, 4, 5)]
)
def test_reports_of_days_that_follow_each_other_share_no_hour(timezone: str, around: date) -> None:
    """Each hour is in the report of one day, that which a report by day counts it for, whatever the clocks do."""
    begin = datetime(around.year, around.month, around.day, tzinfo=UTC) - timedelta(days=2)
    hours = [begin + timedelta(hours=number) for number in range(96)]
    days = [around + timedelta(days=number) for number in range(-4, 5)]
    found: dict[str, int] = {}
    for day in days:
        asked = usage._Asked("day", day, day, timezone, rounded=True)
        inside = [at for at in hours if asked.first <= at.strftime("%Y-%m-%dT%H") <= asked.last]
        found |= {day.isoformat(): len(inside)} if inside else {}
    assert found == dict(rows_of(hours, ["day"], timezone, rounded=True))


def test_hours_are_in_the_order_of_time() -> None:
    """Where the clocks go back, the hour before the change is before the one of the same name after it."""
    hours = [datetime(2026, 10, 24, 23, tzinfo=UTC) + timedelta(hours=number) for number in range(4)]
    found = [datetime.fromisoformat(hour) for hour, _ in rows_of(hours, ["hour"], "Europe/Berlin")]
    assert found == hours


LOCAL = datetime(2027, 1, 15, 8)  # noqa: DTZ001 - it has no time zone of its own


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        (LOCAL, LOCAL.replace(hour=10), [7, 8]),
        (LOCAL.replace(minute=30), LOCAL.replace(hour=10, minute=30), [7, 8, 9]),
        (datetime(2027, 1, 15, 8, tzinfo=UTC), datetime(2027, 1, 15, 10, tzinfo=UTC), [8, 9]),
        (date(2027, 1, 16), None, [23]),
        (None, date(2027, 1, 14), []),
        (date(9, 1, 1), LOCAL.replace(hour=2), [0]),
        (date(2027, 1, 15), date(2027, 1, 15), list(range(23))),
        (LOCAL.replace(minute=30), LOCAL.replace(minute=30), []),
        (date(2027, 1, 15), date(2027, 1, 14), []),
    ],
)
def test_where_a_report_begins_and_ends(since: Any, until: Any, hours: list[int]) -> None:
    """A report has the hours that begin before its end and end after its beginning; days are whole days there."""
    asked = usage._Asked((), since, until, "Europe/Berlin", rounded=False)
    names = [f"2027-01-15T{hour:02}" for hour in range(24)]
    assert [hour for hour, name in enumerate(names) if asked.first <= name <= asked.last] == hours


def test_totals_of_others_are_no_usage() -> None:
    """Totals whose periods are no hours are not usage."""
    asked = usage._Asked((), None, None, "UTC", rounded=False)
    assert asked.rows([{"1 metrics": {"x": {"reported": 5}}, "2027-01-15T08": {KEY: {"reported": 1}}}]) == [
        UsageRow(
            **{**dict.fromkeys(UsageRow.__slots__, 0), "labels": {}, "calls": 1, "reported": 1, "usd": 0.0}
        )  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": ["endpoints"]}, "'endpoints' is no dimension; they are endpoint, model"),
        ({"by": ["day", "day"]}, "named twice"),
        ({"timezone": "Europe/Atlantis"}, "'Europe/Atlantis' is unknown"),
        ({"since": "2027-01-15"}, "since must be a datetime or a date, not str"),
        ({"until": 5}, "until must be a datetime or a date, not int"),
        ({"until": date.max}, "until: 9999-12-31 is beyond"),
        (
            {"since": LOCAL.replace(minute=45), "until": LOCAL.replace(minute=15)},
            "since must be before until",
        ),
        ({"since": date(2027, 1, 15), "until": date(2027, 1, 13)}, "since must be before until"),
    ],
)
def test_what_cannot_be_reported(options: dict[str, Any], message: str, sync: bool) -> None:
    """An argument that is none is rejected with its name."""
    provider = ClientProvider(api_key="k", controls={"cost": True})
    with pytest.raises(ConfigError, match=message):
        reported(provider.usage, sync, **options)
