"""Keys of budgets, split into whose they are."""

from typing import Any

from hypothesis import assume, given, strategies as st

from ai_client._call.labels import Labels
from ai_client._call.record import Record
from ai_client.control.accounting.budget import Budget
from ai_client.control.scope import key_in, parts_of
from ai_client.control.windows import window

SCOPES: Any = st.lists(
    st.sampled_from(["all", "endpoint", "tenant", "user", "model"]), min_size=1, unique=True
)
LABEL = st.none() | st.text(st.sampled_from("a|=0ä \\"), max_size=6) | st.text(max_size=6)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Return the record of a call with any labels."""
    record = Record(Labels(draw(LABEL), draw(LABEL), draw(LABEL)), draw(LABEL))
    record.account = draw(st.none() | st.just("0123abcd"))
    return record


@given(SCOPES, records())
def test_a_key_is_split_as_it_was_made(scopes: list[Any], record: Record) -> None:
    """A key has a part for each scope that begins with its name, and one more for an account, and they make the key."""
    key = key_in(tuple(scopes), record)
    assume("\0" not in key)
    parts = parts_of(tuple(scopes), key)
    assert parts is not None
    assert "|".join(parts) == key
    assert len(parts) - len(scopes) == key.count("|account=0123abcd") * (
        record.account is not None and {"tenant", "user"}.isdisjoint(scopes)
    )


@given(SCOPES, SCOPES, records())
def test_a_key_belongs_to_its_scopes(scopes: list[Any], others: list[Any], record: Record) -> None:
    """A key is that of its own scopes only, so that a budget is not shown with the balances of another."""
    assume(scopes != others)
    assert parts_of(tuple(others), key_in(tuple(scopes), record)) is None


@given(SCOPES, records(), st.text(max_size=5), st.sampled_from(["minute", "day", "month", "total"]))
def test_a_prefix_is_that_of_all_keys_of_a_window(scopes: Any, record: Record, name: str, per: Any) -> None:
    """The key of a ledger is the prefix of the budget's window and the key of the caller."""
    budget = Budget(requests=1, per=per, scope=scopes, name=name)
    at = window(per, "UTC", 1_800_000_000.0)
    assert budget.key(record, at) == budget.prefix(at) + key_in(tuple(scopes), record)
