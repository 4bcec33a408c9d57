"""What logs, traces and hooks may see."""

import string
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ai_client import ConfigError
from ai_client.control.redaction import MASK, PRESETS, SECRET_NAMES, Redaction

PLAIN = Redaction()
ALL = Redaction(content=True, patterns=list(PRESETS))
KEY = st.text(string.ascii_letters + string.digits + "_-", min_size=8).map(lambda text: "sk-" + text)
WORDS = st.text(string.ascii_letters + " .,\n", max_size=30)


@given(WORDS, KEY, WORDS)
def test_keys_are_never_shown(before: str, key: str, after: str) -> None:
    """A key is masked wherever it stands in a text or a structure, under whatever name."""
    text = f"{before} {key} {after}"
    assert key not in PLAIN.text(text)
    assert key not in str(PLAIN.value({"a": [text, {"b": (text,)}], text: 1}))


@given(
    st.sampled_from(sorted(SECRET_NAMES)),
    st.text(string.ascii_letters, min_size=6).map(lambda text: "~" + text),
)
def test_secret_members_are_masked(name: str, value: str) -> None:
    """The value of a header or member with a secret's name is masked, whatever it is and however it is spelt."""
    shown = PLAIN.value({"headers": {name.upper(): value, "other": 1}})
    assert shown == {"headers": {name.upper(): MASK, "other": 1}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_redaction_keeps_the_shape(value: Any) -> None:
    """Redacting any JSON value gives one of the same shape, and doing it again changes nothing."""

    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return len(value)
        return [shape(item) for item in value] if isinstance(value, list) else type(value)

    once = ALL.value(value)
    assert shape(once) == shape(value) or isinstance(value, dict)
    assert ALL.value(once) == once


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mail a.b+c@example.co.uk now", f"mail {MASK} now"),
        ("card 4111 1111 1111 1111.", f"card {MASK}."),
        ("card 4111-1111-1111-1111", f"card {MASK}"),
        ("order 4111111111111112", "order 4111111111111112"),
        ("call +49 (30) 1234-5678!", f"call {MASK}!"),
        ("IBAN DE89 3704 0044 0532 0130 00", f"IBAN {MASK}"),
        ("from 192.168.0.1", f"from {MASK}"),
        ("Authorization: Bearer abc.def-ghi==", f"Authorization: {MASK}"),
        ("https://x/?api-key=abc123&a=1", f"https://x/?api-key={MASK}&a=1"),
        ("redis://user:pass@host/0", f"redis://{MASK}@host/0"),
        ("a plain text with 12 numbers 3.14", "a plain text with 12 numbers 3.14"),
    ],
)
def test_presets(text: str, shown: str) -> None:
    """What each preset masks, and what it leaves."""
    assert ALL.text(text) == shown


@given(st.integers(10**11, 10**17))
def test_every_valid_card_number_is_masked(number: int) -> None:
    """A number with a right check digit is masked, with and without blanks between its groups."""
    digits = [int(digit) for digit in str(number)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-1::-2])
    check = -(sum(digits[-2::-2]) + sum(doubled)) % 10
    card = f"{number}{check}"
    assert ALL.text(card) == MASK
    assert ALL.text(" ".join(card[at : at + 4] for at in range(0, len(card), 4))) == MASK


def test_own_patterns() -> None:
    """A regular expression of the application is masked, and one that is none is refused."""
    assert Redaction(patterns=[r"ACME-\d+"]).text("see ACME-123") == f"see {MASK}"
    with pytest.raises(ConfigError, match="neither one of email, card"):
        Redaction(patterns=["("])
