"""Rows of amounts: what they add up to is what tallies of the same calls add up to."""

from dataclasses import replace

import pytest

from ai_client._call.call import Call
from ai_client._call.labels import Labels
from ai_client._call.record import Record
from ai_client._call.usage import Usage
from ai_client.control.accounting.cost import Cost
from ai_client.control.pricing.prices import Prices
from ai_client.stores import Tally, open_store
from ai_client.stores.rows import Columns, merged, tally_of
from tests.support.policies import sync_io

NOW = 1_700_000_000.0
NAMES = ("reported", "input", "nano_usd")


def test_rows_and_tallies_of_the_same_totals_are_merged_to_one_tally() -> None:
    """Rows of several columns and tallies add up by period and key, under the latest end of all."""
    one, two = Columns("p", "k", NAMES, 5.0), Columns("p", "k", ("unknown", "input", "unpriced"), 7.0)
    rows = [(one, (1, 10, 3)), (two, (1, 0, 1)), (one, (1, 20, 4))]
    found = merged(
        [*rows, Tally("p", "k", {"input": 2, "images": 1}, 6.0), Tally("q", "k", {"input": 1}, 1.0)]
    )
    assert sorted(found, key=lambda tally: tally.period) == [
        Tally(
            "p",
            "k",
            {"reported": 2, "unknown": 1, "input": 32, "nano_usd": 7, "unpriced": 1, "images": 1},
            7.0,
        ),
        Tally("q", "k", {"input": 1}, 1.0),
    ]


def test_a_tally_of_a_row_names_nothing_that_is_zero() -> None:
    """What a call did not use is not among its amounts, as in a tally that was never a row."""
    assert tally_of((Columns("p", "k", NAMES, 5.0), (1, 0, 3))).amounts == {"reported": 1, "nano_usd": 3}


@pytest.mark.parametrize(
    "usage",
    [
        Usage("reported", 12, 9, "m"),
        Usage("reported", 12, 9, "m", cached=4, reasoning=3),
        Usage("reported", 0, 0, "other"),
        Usage("reported", 12, 9, "m", audio_input=2),
        Usage("reported", 12, 9, "m", images=1),
        Usage("estimated", 12, 9),
        Usage("unknown"),
        Usage("reported", 2**40, 2**40, "m"),
    ],
    ids=str,
)
@pytest.mark.parametrize("lost", [0, 2])
def test_the_short_form_counts_what_the_long_form_counts(usage: Usage, lost: int) -> None:
    """Whether a call's cost is counted as a row or as a tally, its amounts and its price are the same."""
    price = {"input": 1.7, "output": 3.1, "cached_input": 0.3, "request": 0.01}
    cost = Cost(prices=Prices(models={"m": price}, library=False), store=open_store("memory://"))
    record = Record(Labels("/ask", "acme"), "m")
    call = Call(sync_io(), "POST", "/chat/completions", None, body={"model": "m"})
    for _ in range(2):  # found out, and known
        found = cost.tally_of(call, record, replace(usage), lost=lost, at=NOW, now=NOW)
        short = found if found is None or isinstance(found, Tally) else tally_of(found)
        priced, record.nano_usd = record.nano_usd, None
        long = cost.tally(record, usage, lost, NOW)
        assert short is not None
        assert long is not None
        assert (short.period, short.key, short.amounts) == (long.period, long.key, long.amounts)
        assert priced == record.nano_usd
        assert short.until >= long.until
