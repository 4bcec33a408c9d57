"""Content in the journal: kept where it is asked for, redacted, bounded, and put together of a stream's events."""

import json
from typing import Any

import pytest

from ai_client import BadRequestError
from ai_client.testing import Upstream
from tests.support import chat_scripts, response_scripts
from tests.support.invoke import KEY, Invoke
from tests.support.journals import Journalled

SECRET = "sk-proj-" + "a1B2" * 12
EVENTS = {"content-type": "text/event-stream"}


def asked(journal: Journalled, invoke: Invoke, *contents: Any, **options: Any) -> Any:
    """Make a call with messages of these contents, and return the content of its entry."""
    messages = [{"role": "user", "content": content} for content in contents or ("Hello",)]
    answer = invoke.chat(invoke.client(layers=journal.layers), messages=messages, **options)
    if options.get("stream"):
        invoke.collect(answer)
    return journal.content()


def test_content_is_what_was_sent_and_answered(invoke: Invoke) -> None:
    """With `content` both bodies are kept as JSON values."""
    journal = Journalled({"content": True})
    content = asked(journal, invoke, "Hello")
    assert content.request == {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
    assert content.answer["choices"][0]["message"]["role"] == "assistant"
    assert (content.request_cut, content.answer_cut) == (False, False)
    assert journal.only().has_content


def test_content_is_redacted(invoke: Invoke, upstream: Upstream) -> None:
    """Keys and the patterns of `redaction` are masked in both bodies, values of secret names whatever they are."""
    journal = Journalled({"content": True}, redaction={"patterns": ["email"]})
    upstream.reply(json={"text": f"You said {SECRET}", "token": "hush", "user": "ann@example.org"})
    content = asked(journal, invoke, f"My key is {SECRET}, I am ann@example.org", password="hush")
    shown = repr(content)
    for secret in (SECRET, "ann@example.org", "hush", KEY):
        assert secret not in shown
    assert "My key is" in shown


def test_no_secret_is_kept_anywhere(
    invoke: Invoke, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what a store keeps nor an entry has a key or a header, whether content is kept or not."""
    kept: list[Any] = []
    for content in (True, False):
        journal = Journalled({"content": content})
        backend: Any = journal.layers[0].store.backend  # type: ignore[attr-defined]
        append = backend.append_log
        monkeypatch.setattr(
            backend, "append_log", lambda *args, append=append: (kept.append(args), append(*args))
        )
        client = invoke.client(layers=journal.layers, default_headers={"X-Own": "secret-of-a-header"})
        upstream.reply(status=400, json={"error": {"message": f"not {SECRET}", "code": SECRET}})
        with pytest.raises(BadRequestError):
            invoke.chat(client, f"key {SECRET}", extra_headers={"X-Other": "secret-of-a-header"})
        shown = repr((journal.entries(), journal.book.content(journal.only().id)))
        assert SECRET not in shown
        assert KEY not in shown
        assert "secret-of-a-header" not in shown
    assert kept
    assert SECRET not in repr(kept)


def test_an_error_has_its_body_as_the_answer(invoke: Invoke, upstream: Upstream) -> None:
    """What the server said of a rejected call is its answer."""
    journal = Journalled({"content": True})
    upstream.reply(status=400, json={"error": {"message": "too long", "code": "long"}})
    with pytest.raises(BadRequestError):
        invoke.chat(invoke.client(layers=journal.layers))
    assert journal.content().answer == {"message": "too long", "code": "long"}


def test_large_bodies_are_cut_and_it_is_said(invoke: Invoke, upstream: Upstream) -> None:
    """Of more than 64 KiB the beginning is kept, up to the last word, so that no half of a secret is."""
    journal = Journalled({"content": True})
    filler = "word " * 13_100
    upstream.reply(json={"text": "äöü " * 20_000, "more": 3})
    content = asked(journal, invoke, "first", f"{filler[:65_430]}{SECRET}")
    assert (content.request_cut, content.answer_cut) == (True, True)
    assert content.request["messages"][0]["content"] == "first"
    assert content.request["messages"][1]["content"].startswith("word word")
    assert 60_000 < len(json.dumps(content.request)) < 66_000
    assert content.answer["text"].startswith("äöü äöü")
    assert "more" not in content.answer
    assert "sk-" not in repr(content)


def test_pictures_and_vectors_are_not_kept(invoke: Invoke, upstream: Upstream) -> None:
    """Long Base64 and long lists of numbers are named by their length."""
    journal = Journalled({"content": True})
    picture = "data:image/png;base64," + "iVBORw0KGgo" * 200
    upstream.reply(json={"data": [{"embedding": [0.5] * 1536}, {"embedding": "AAAA" * 1000}]})
    content = asked(journal, invoke, [{"type": "image_url", "image_url": {"url": picture}}])
    (part,) = content.request["messages"][0]["content"]
    assert part["image_url"]["url"] == "data:image/png;base64,[2200 characters]"
    assert content.answer["data"] == [
        {"embedding": [*[0.5] * 8, "[1528 more numbers]"]},
        {"embedding": "[4000 characters]"},
    ]


def test_the_text_of_a_stream_is_put_together(invoke: Invoke, upstream: Upstream) -> None:
    """Text, calls of tools and the end of each choice are those of an answer that is not streamed."""
    journal = Journalled({"content": True})
    pieces = [
        chat_scripts.piece({"role": "assistant", "content": "Hel"}),
        chat_scripts.piece({"content": "lo"}),
        chat_scripts.piece({"tool_calls": [chat_scripts.call(0, "", "look")]}),
        chat_scripts.piece({"tool_calls": [chat_scripts.call(0, '{"a":')]}),
        chat_scripts.piece({"tool_calls": [chat_scripts.call(0, "1}")]}, finish="tool_calls"),
        chat_scripts.piece({"content": "other"}, index=1, finish="stop"),
    ]
    chunks = map(chat_scripts.chunk, pieces)
    upstream.reply(headers=EVENTS, body=chat_scripts.body(chunks))
    content = asked(journal, invoke, stream=True, n=2)
    first, second = content.answer["choices"]
    assert first["finish_reason"] == "tool_calls"
    assert first["message"]["content"] == "Hello"
    (tool,) = first["message"]["tool_calls"]
    assert tool["function"] == {"name": "look", "arguments": '{"a":1}'}
    assert second == {"index": 1, "finish_reason": "stop", "message": {"content": "other"}}


def test_a_response_that_is_streamed_is_kept_whole(invoke: Invoke, upstream: Upstream) -> None:
    """Of the Responses API the response at the end is kept; of one that is left, the text so far."""
    journal = Journalled({"content": True})
    client = invoke.client(layers=journal.layers)
    message = response_scripts.message("Hello")
    events = [
        *response_scripts.created(),
        *response_scripts.say(["Hel", "lo"]),
        response_scripts.ended(message),
    ]
    for _ in range(2):
        upstream.reply(headers=EVENTS, body=response_scripts.body(events))
    invoke.collect(invoke(client.responses.create, model="gpt-5.5", input="Hi", stream=True))
    content = journal.content()
    assert content.request == {"model": "gpt-5.5", "input": "Hi", "stream": True}
    assert content.answer["output"][0]["content"][0]["text"] == "Hello"
    stream = invoke(client.responses.create, model="gpt-5.5", input="Hi", stream=True)
    while invoke.next(stream).type != "response.output_text.delta":
        pass
    invoke(stream.close)
    entry = journal.entries()[0]
    assert entry.outcome == "cancelled"
    left = journal.book.content(entry.id)
    assert left is not None
    assert left.answer == {"text": "Hel"}


def test_a_long_stream_is_cut(invoke: Invoke, upstream: Upstream) -> None:
    """Of a stream with much text 64 KiB are kept, up to the last word."""
    journal = Journalled({"content": True})
    upstream.reply(headers=EVENTS, body=chat_scripts.body(chat_scripts.texts(["some words "] * 8000)))
    content = asked(journal, invoke, stream=True)
    assert content.answer_cut
    text = content.answer["choices"][0]["message"]["content"]
    assert 65_000 < len(text) <= 65_536


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"plain text", "plain text"),
        (b"\xff\xfe\0binary", None),
        (b"a\0b", None),
        (b'{"broken": "sk', None),
        (b"[1, 2]", [1, 2]),
        (b"null", None),
    ],
)
def test_odd_answers(upstream: Upstream, sync: bool, body: bytes, answer: Any) -> None:
    """An answer of any kind is kept where it can be read, and fails no call and no other entry."""
    journal = Journalled({"content": True})
    invoke = Invoke(upstream, sync=sync)
    client = invoke.client(layers=journal.layers)
    upstream.reply(headers={"content-type": "application/octet-stream"}, body=body)
    invoke(client.post, "/odd", cast_to=bytes, body={"a": 1})
    invoke.chat(client)
    invoke.close()
    _, odd = journal.entries()
    content = journal.book.content(odd.id)
    assert content is not None
    assert (content.request, content.answer) == ({"a": 1}, answer)
