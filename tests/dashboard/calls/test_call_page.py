"""The page of one call: its facts, time line, attempts, content and links, all of them text."""

import json
import re
from typing import Any

import pytest

from ai_client.dashboard import DashboardPage, PageRequest
from ai_client.operations.journal import JournalContent
from tests.support.journal import MadeUpJournal, ProviderWithJournal, attempt, call

EVIL = "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>'\"&\u202e\x00"
CHAT = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "What is up?"}]}
ANSWER = {"choices": [{"message": {"role": "assistant", "content": "Not much."}}]}


def shown(journal: MadeUpJournal, path: str = "calls/00000001", **options: Any) -> str:
    """Return the page of a call."""
    provider = ProviderWithJournal(journal, **options)
    answer = DashboardPage(public=True).answer(provider, PageRequest("GET", path, base="/ai"))
    assert answer.status == 200
    return answer.body.decode()


def kept(body: Any, answer: Any = ANSWER, **changes: Any) -> MadeUpJournal:
    """Return a journal with a call whose content is kept."""
    content = JournalContent(request=body, answer=answer)
    return MadeUpJournal([call(1, has_content=True, **changes)], {"00000001": content})


def test_all_facts_are_there() -> None:
    """Each fact of the entry is on the page, and the links lead to the calls that share it."""
    tried = (
        attempt(1, error="RateLimitError", status=429, pause=1.5, target="a"),
        attempt(2, 1.9, target="b"),
    )
    entry = call(
        1,
        request="r1",
        user="anna",
        target="azure/llama",
        outcome="error",
        error="APIStatusError",
        status=503,
        message="Error code: 503",
        cached_tokens=64,
        reasoning_tokens=32,
        stream=True,
        first_item=1.25,
        seconds=3.5,
        attempts=tried,
    )
    text = shown(MadeUpJournal([entry, call(2, request="r1"), call(3)]))
    for part in (
        *(
            "gpt-5.5",
            "azure/llama",
            "/chat/completions",
            "default",
            "POST /chat",
            "503 APIStatusError",
            "Error code: 503",
        ),
        *("120", "45", "64", "32", "reported", "$0.0012", "anna", "web-1:4711", "req_0123", "00000001"),
        *("1.25\u202fs", "3.50\u202fs", "1.50\u202fs", "429 RateLimitError", "<svg"),
        *('"/ai/calls?request=r1"', '"/ai/calls?endpoint=%2Fask%2F%7Btopic%7D"', '"/ai/calls?model=gpt-5.5"'),
        *('"/ai/calls?tenant=acme"', '"/ai/calls/00000002"'),
    ):
        assert part in text
    assert '"/ai/calls/00000003"' not in text


def test_content_is_shown_where_it_is_kept() -> None:
    """Conversation, request and answer are shown where they are kept, else one line says how to keep them."""
    text = shown(kept(CHAT))
    for part in ("What is up?", "Not much.", "Request as JSON", "Answer as JSON", "curl "):
        assert part in text
    without = shown(MadeUpJournal([call(1)]))
    assert '{"journal": {"content": True}}' in without
    assert "curl " not in without
    assert "Conversation" not in without


def test_what_is_redacted_or_cut_is_marked() -> None:
    """Parts that are redacted are marked in conversation, JSON and command, and what was cut is said."""
    text = shown(kept({"messages": [{"role": "user", "content": "Mail [redacted] please"}]}))
    assert text.count("Mail <mark>[redacted]</mark> please") == 3
    assert "Parts are redacted" in text
    content = JournalContent(request=CHAT, answer=ANSWER, request_cut=True, answer_cut=True)
    text = shown(MadeUpJournal([call(1, has_content=True)], {"00000001": content}))
    assert "Not all is kept of its request and answer" in text
    assert "not what was sent" in text


def test_the_command_has_no_key() -> None:
    """The command names the address of the client and a variable for the key, and no secret of the configuration."""
    text = shown(
        kept(CHAT),
        api_key="sk-planted-0123456789abcdef",
        base_url="https://user:hunter2@gateway.example/v1",
        default_headers={"x-secret": "hunter2"},
        organization="org-planted",
    )
    assert "https://gateway.example/v1/chat/completions" in text
    assert "Authorization: Bearer $OPENAI_API_KEY" in text
    for secret in ("sk-planted", "hunter2", "org-planted"):
        assert secret not in text


@pytest.mark.parametrize("request_body", [None, "text", [1, 2], 5])
def test_a_body_that_is_no_object_has_no_command(request_body: Any) -> None:
    """Of a call that sent no JSON object, the page says that there is no command."""
    assert "There is no command" in shown(kept(request_body))


def test_other_calls_have_no_command() -> None:
    """Of a call that sent a file, or had another method than POST, the page says that there is no command."""
    assert "There is no command" in shown(kept(CHAT, method="PUT"))
    assert "There is no command" in shown(kept({"model": "whisper-1"}, path="/audio/transcriptions"))


def test_hostile_content_is_inert() -> None:
    """Texts of prompts, answers, labels and errors are text in every place of the page."""
    sent = {"model": EVIL, "messages": [{"role": EVIL, "content": EVIL, EVIL: [EVIL]}]}
    answer = {"choices": [{"message": {"role": EVIL, "content": EVIL, "refusal": EVIL}}], EVIL: EVIL}
    names = ("endpoint", "tenant", "user", "model", "target", "error", "message", "cache", "request")
    entry = dict.fromkeys((*names, "request_id", "process"), EVIL)
    tried = (attempt(1, target=EVIL, error=EVIL),)
    text = shown(kept(sent, answer, **entry, attempts=tried))
    tags = re.findall(r"<[^>]*>", re.sub(r'"[^"]*"', '""', text))
    assert not any(part in one for one in tags for part in ("alert", "onerror", "<img"))
    assert text.count("<script") == 1
    assert "\x00" not in text


def test_very_long_content_is_bounded() -> None:
    """A text of a megabyte does not make a page of several, and the JSON has all of it."""
    journal = kept({"messages": [{"role": "user", "content": "x" * 1_000_000}]})
    text = shown(journal)
    assert len(text) < 700_000
    assert "more characters" in text
    assert "x" * 1_000_000 in shown(journal, "calls/00000001/data.json")


def test_the_call_is_there_as_json() -> None:
    """The call and its content are there as JSON, for programs."""
    found = json.loads(shown(kept(CHAT), "calls/00000001/data.json"))
    assert found["call"]["id"] == "00000001"
    assert found["call"]["usd"] == 0.00123
    assert found["content"]["request"] == CHAT
    assert json.loads(shown(MadeUpJournal([call(1)]), "calls/00000001/data.json"))["content"] is None


def test_only_a_page_in_development_sends() -> None:
    """Outside of development the page has no form that sends the call again."""
    assert "Send again" not in shown(kept(CHAT))
    assert 'method="post"' not in shown(kept(CHAT))
