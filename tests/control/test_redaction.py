"""What logs, traces and hooks may see."""

import re
import string
import time
from pathlib import Path
from typing import Any

import pydantic
import pytest
from hypothesis import given, strategies as st

from ai_client import ConfigError
from ai_client.control.observability.redaction.keys import is_secret
from ai_client.control.observability.redaction.masking import masked
from ai_client.control.observability.redaction.personal import RULES
from ai_client.control.observability.redaction.policy import MASK, PRESETS, SECRET_NAMES, Redaction

PLAIN = Redaction()
ALL = Redaction(content=True, patterns=list(PRESETS))
KEY = st.text(string.ascii_letters + string.digits + "_-", min_size=8).map(lambda text: f"sk-{text}7")
WORDS = st.text(string.ascii_letters + " .,\n", max_size=30)


def test_answers_that_do_not_validate_are_not_quoted() -> None:
    """The error of an answer that is not of the caller's type shows nothing of it, unless contents are shown."""

    class Answer(pydantic.BaseModel):
        number: int
        counts: dict[str, int]

    with pytest.raises(pydantic.ValidationError) as raised:
        Answer.model_validate_json('{"number": "a secret", "counts": {"another secret": "x"}}')
    assert "secret" not in PLAIN.error(raised.value)
    assert PLAIN.error(raised.value) == "2 validation error(s) for Answer: int_parsing, int_parsing"
    assert "a secret" in ALL.error(raised.value)


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
            return {
                ALL.text(name): str if is_secret(name) else shape(member) for name, member in value.items()
            }
        return [shape(item) for item in value] if isinstance(value, list) else type(value)

    once = ALL.value(value)
    assert shape(once) == shape(value)
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


CORPUS = [
    line.replace("\\n", "\n").replace("\u00a6", "")
    for line in (Path(__file__).parent / "redaction_corpus.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("# ")
]
MARKED = re.compile("\u27e6(.*?)\u27e7", re.DOTALL)


def test_the_corpus_is_large_and_goes_both_ways() -> None:
    """There are hundreds of lines that hold something to mask, and hundreds that only look like it."""
    marked = [line for line in CORPUS if MARKED.search(line)]
    assert len(marked) > 200
    assert len(CORPUS) - len(marked) > 150


@pytest.mark.parametrize("line", CORPUS)
def test_the_corpus(line: str) -> None:
    """Of each line just what is marked is masked, alone, within a text and in a structure, and once and for all."""
    text, shown = MARKED.sub(r"\1", line), MARKED.sub(MASK, line)
    assert ALL.text(text) == shown
    assert ALL.text(shown) == shown
    assert ALL.value({"said": [text]}) == {"said": [shown]}
    assert ALL.text(f"before\n{text}\nafter") == f"before\n{shown}\nafter" or "cut off" in line


@pytest.mark.parametrize("line", [line for line in CORPUS if MARKED.search(line)])
def test_what_is_a_key_is_masked_without_presets(line: str) -> None:
    """Keys are masked whatever is asked for; what tells of a person only where that is asked for."""
    text = MARKED.sub(r"\1", line)
    personal = CORPUS.index(line) >= CORPUS.index(next(one for one in CORPUS if one.startswith("mail ")))
    assert (PLAIN.text(text) == text) is personal


@pytest.mark.parametrize(
    "name",
    [
        "apiKey",
        "API-KEY",
        "refresh_token",
        "refreshToken",
        "clientSecret",
        "DB_PASSWORD",
        "X-Api-Key",
        "privateKey",
    ],
)
def test_names_of_secrets_however_they_are_written(name: str) -> None:
    """A member's value is masked by its name in any spelling, and others by theirs are not."""
    assert PLAIN.value({name: "plain words"}) == {name: MASK}
    others = {
        "max_tokens": 5,
        "tokenizer": "x",
        "key": "k",
        "primary_key": 1,
        "secretary": "Jane",
        "author": "me",
    }
    assert PLAIN.value(others) == others


PIECES = [
    "sk-", "sk-aa-", "org-", "eyJ", "eyJa.", "a.", "-", "_", ".", ":", "@", "a@", "a@a.", "=", " ", "1", "1 ", "1-",
    "4111 ", "1.", "1:", "::", "ab:", "://", "://a:", "DE89 ", "DE89", "+1 ", "password", "password=", "password: ",
    '"password": "', "password\\", "token", "Bearer ", "Authorization: ", "authorization:bearer ", "cookie: a",
    "cookie", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "-----", "xoxa-aa-", "SG.", "SG.aaaaaaaaaaaaaaaaaaaa",
    "ghp_", "gl-", "github_pat_", "ssn ", "123-45-", "123-", "0:AA", "12345678:AA", "\u00e9", "a", "aA1", "AKIA",
    "'", '"', "{", "\n",
]  # fmt: skip


@pytest.mark.parametrize("group", ["1", "12", "1234", "12345", "1234567890123"])
@pytest.mark.parametrize("gap", [" ", "-"])
def test_a_number_is_looked_at_where_it_may_begin(group: str, gap: str) -> None:
    """Of many digits, only groups with which a card's number may begin are looked at, once each."""
    rule, looks = RULES["card"], 0

    def look(match: re.Match[str]) -> tuple[int, int] | None:
        nonlocal looks
        looks += 1
        return rule.check(match)

    masked(gap.join([group] * 1000), [rule._replace(check=look)])
    assert looks <= (1000 if len(group) in {4, 13} else 0)


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("end", ["", "!"])
def test_it_takes_time_in_proportion_to_the_text(piece: str, end: str) -> None:
    """No text, however it repeats what patterns look for, takes more than its share of the time."""

    def seconds(size: int) -> float:
        text = (piece * (size // len(piece) + 1))[:size] + end
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            ALL.text(text)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(40_000) < 40 * seconds(4_000) + 0.1, "ten times the text takes a hundred times as long"
