"""Answers that came whole and are odd: no body, other encodings, JSON that is no object."""

import codecs
from typing import Any

import openai
import pytest

from ai_client import APIResponseValidationError, ClientProvider
from ai_client.control.record import call_record
from ai_client.types import Model
from tests.support.hostile.framing import events, head, script
from tests.support.hostile.shapes import chat_events, encoded
from tests.support.hostile.wire import Wire
from tests.support.invoke import CHAT, KEY, Invoke

CALLS: dict[str, Any] = {
    "model": lambda client: client.models.retrieve("x"),
    "page": lambda client: client.models.list(),
    "cursor page": lambda client: client.files.list(),
    "deletion": lambda client: client.models.delete("x"),
    "chat": lambda client: client.chat.completions.create(**CHAT),
    "response": lambda client: client.responses.create(model="m", input="x"),
    "embeddings": lambda client: client.embeddings.create(model="m", input="x"),
    "moderation": lambda client: client.moderations.create(input="x"),
    "parsed": lambda client: client.chat.completions.parse(**CHAT, response_format=Model),
    "dict": lambda client: client.get("/x", cast_to=dict[str, object]),
    "list": lambda client: client.get("/x", cast_to=list[Model]),
}
NO_OBJECT = [b"null", b'"a"', b"5", b"1.5", b"true", b"[[]]"]


@pytest.mark.parametrize("body", [*NO_OBJECT, b"[]"])
@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_object_is_no_result(wire: Wire, invoke: Invoke, name: str, body: bytes) -> None:
    """JSON of another kind than a method gives is an error, and never what it returns."""
    if name == "list" and body == b"[]":
        pytest.skip("that is one")
    wire.play(script([body]))
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    with pytest.raises(APIResponseValidationError):
        invoke(CALLS[name], client)


@pytest.mark.parametrize("data", [{"a": 1}, "abc", 5, True, [None], [1], ["a"], [[]], [{"id": "x"}, None]])
@pytest.mark.parametrize("name", ["page", "cursor page"])
def test_a_page_of_no_objects_is_no_page(wire: Wire, invoke: Invoke, name: str, data: Any) -> None:
    """A page whose `data` is no list of objects is an error, and nobody iterates over its letters."""
    wire.play(script([encoded({"object": "list", "data": data})]))
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    with pytest.raises(APIResponseValidationError):
        invoke(CALLS[name], client)


@pytest.mark.parametrize("body", [{"object": "list", "data": None}, {"object": "list"}, {}])
@pytest.mark.parametrize("name", ["page", "cursor page"])
def test_a_page_without_data_is_empty(wire: Wire, invoke: Invoke, name: str, body: Any) -> None:
    """A page without `data` has no items, as with the official SDK."""
    wire.play(script([encoded(body)]))
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    assert invoke.collect(invoke(CALLS[name], client)) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_json_in_other_encodings(wire: Wire, invoke: Invoke, encoding: str) -> None:
    """JSON is read in the encodings that RFC 8259 and its forerunners know: results, errors and usage."""
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    choice = {"index": 0, "message": {"role": "assistant", "content": "Grüße 🎈"}, "finish_reason": "stop"}
    answer = {"id": "c", "object": "chat.completion", "model": "gpt-5.5", "choices": [choice], "usage": usage}
    wire.play(script([encoded(answer).decode().encode(encoding)]))
    provider = ClientProvider({"api_key": KEY, "base_url": wire.base_url, "controls": {"cost": True}})
    try:
        client = provider.client if invoke.sync else provider.async_client
        result = invoke(client.chat.completions.create, **CHAT)
        assert result.choices[0].message.content == "Grüße 🎈"
        record = call_record(result)
        assert record is not None
        assert record.usage is not None
        assert (record.usage.input, record.usage.output) == (3, 4)
        wire.play(
            script(
                [encoded({"error": {"message": "Größe", "code": "c"}}).decode().encode(encoding)], status=400
            )
        )
        with pytest.raises(Exception, match="Größe") as raised:
            invoke(client.chat.completions.create, **CHAT)
        assert getattr(raised.value, "code", None) == "c"
    finally:
        provider.close()


def test_a_byte_order_mark_alone_is_no_json(wire: Wire, invoke: Invoke) -> None:
    """A body of nothing but a mark, or of half a character, is refused."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    for body in (
        codecs.BOM_UTF8,
        codecs.BOM_UTF16,
        codecs.BOM_UTF16_LE + b"{",
        codecs.BOM_UTF32_BE + b"{}",
        b"\xff",
    ):
        wire.play(script([body]))
        with pytest.raises(APIResponseValidationError):
            invoke(client.models.retrieve, "x")


@pytest.mark.parametrize("status", [200, 202, 204, 205])
def test_a_deletion_without_a_word(wire: Wire, invoke: Invoke, status: int) -> None:
    """A deletion that is answered without a body has succeeded, and gives what the official SDK gives."""
    length = "" if status == 204 else "Content-Length: 0\r\n"
    wire.play([head(status, content_type=None, reason="Done") + length.encode() + b"\r\n"])
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    with openai.OpenAI(api_key=KEY, base_url=wire.base_url) as official:
        expected: Any = official.models.delete("x")
        assert invoke(client.models.delete, "x") == expected
        assert invoke(client.files.delete, "x") == expected
        assert invoke(client.models.with_raw_response.delete, "x").parse() == expected


def test_no_body_where_a_result_belongs(wire: Wire, invoke: Invoke) -> None:
    """Nothing at all is no result of a call that is for one."""
    wire.play([head(204, content_type=None) + b"\r\n"])
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    for name in ("model", "page", "chat", "response"):
        with pytest.raises(APIResponseValidationError):
            invoke(CALLS[name], client)


HALVES = {
    rb"a\ud83d": "a\ufffd",
    rb"\uDE00a": "\ufffda",
    rb"\ud83d\ud83d\ude00": "\ufffd😀",
    rb"\ude00\ud83d": "\ufffd\ufffd",
    rb"\ud83dx\ude00\u00e9": "\ufffdx\ufffdé",
    rb"\\ud83d \ud83d": "\\ud83d \ufffd",
    rb"\\\ud83d": "\\\ufffd",
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("cost", [False, True])
def test_halves_of_characters(wire: Wire, invoke: Invoke, streamed: bool, cost: bool) -> None:
    """A text that is cut within a character is read, and what it used is counted; only the half is lost."""
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    choice = {"index": 0, "finish_reason": "stop", "delta" if streamed else "message": {"content": "here"}}
    answer = {"id": "c", "object": "x", "model": "gpt-5.5", "choices": [choice], "usage": usage}
    options = {"api_key": KEY, "base_url": wire.base_url, "controls": {"cost": True} if cost else {}}
    provider = ClientProvider(options)
    try:
        client = provider.client if invoke.sync else provider.async_client
        for escaped, text in HALVES.items():
            body = encoded(answer).replace(b"here", escaped)
            wire.play(script([*events(body, end=None)] if streamed else [body], content_type=None))
            result = invoke(client.chat.completions.create, **CHAT, stream=streamed)
            choices = invoke.collect(result)[0].choices if streamed else result.choices
            assert (choices[0].delta if streamed else choices[0].message).content == text
            record = call_record(result)
            if cost:
                assert record is not None
                assert record.usage is not None
                assert (record.usage.source, record.usage.output) == ("reported", 4)
    finally:
        provider.close()


@pytest.mark.parametrize("more", [{"choices": []}, {"choices": None}, {}])
def test_a_report_of_usage_that_the_caller_did_not_ask_for(wire: Wire, invoke: Invoke, more: Any) -> None:
    """A chunk that only reports usage is hidden from who did not ask, however it says that it has no choices."""
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    report = encoded(
        {"id": "c", "object": "chat.completion.chunk", "model": "gpt-5.5", **more, "usage": usage}
    )
    wire.play(script([*events(*chat_events(), report)], content_type="text/event-stream"))
    provider = ClientProvider({"api_key": KEY, "base_url": wire.base_url, "controls": {"cost": True}})
    try:
        client = provider.client if invoke.sync else provider.async_client
        stream = invoke(client.chat.completions.create, **CHAT, stream=True)
        assert all(chunk.choices for chunk in invoke.collect(stream))
        record = call_record(stream)
        assert record is not None
        assert record.usage is not None
        assert record.usage.output == 4
    finally:
        provider.close()
