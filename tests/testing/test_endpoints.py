"""What the upstream's endpoints answer, seen by a plain HTTP client."""

import base64
import json
import struct
from typing import Any

import httpx
import pytest

from ai_client.testing import Upstream

USER = {"role": "user", "content": "What is the weather in Paris?"}
CHAT = {"model": "gpt-5.5", "messages": [USER]}
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 3}},
    "required": ["city", "days"],
}
WEATHER = {"name": "get_weather", "parameters": PARAMETERS}
TIME = {"name": "get_time", "parameters": {"type": "object", "properties": {}}}
ARGUMENTS = {"city": "city", "days": 3}
CHAT_TOOLS = [{"type": "function", "function": WEATHER}, {"type": "function", "function": TIME}]
TOOLS = [{"type": "function", **WEATHER}, {"type": "function", **TIME}]


def post(http: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    """Post JSON and return the decoded answer, which must be a success."""
    return http.post(path, json=body).raise_for_status().json()


def events(http: httpx.Client, path: str, **body: Any) -> list[dict[str, Any]]:
    """Post JSON and return the decoded events of the streamed answer."""
    response = http.post(path, json={**body, "stream": True}).raise_for_status()
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    frames = response.text.removesuffix("data: [DONE]\n\n").removesuffix("\n\n").split("\n\n")
    return [json.loads(frame.partition("data: ")[2]) for frame in frames]


def test_equal_requests_get_equal_answers(http: httpx.Client) -> None:
    """Only the identifier differs between two answers to the same request."""
    first, second = (post(http, "chat/completions", **CHAT) for _ in range(2))
    assert first.pop("id") != second.pop("id")
    assert first == second
    other = post(http, "chat/completions", **CHAT | {"messages": [{"role": "user", "content": "Else"}]})
    assert other["choices"] != first["choices"]


def test_the_answer_repeats_the_question_in_some_sentences(http: httpx.Client) -> None:
    """The text is long enough to watch, and shows that the request was understood."""
    answer = post(http, "chat/completions", **CHAT)
    text = answer["choices"][0]["message"]["content"]
    assert "“What is the weather in Paris?”" in text
    assert text.count(".") > 4
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] == len(text.split())
    assert answer["usage"]["total_tokens"] == 12 + len(text.split())


def test_a_stream_says_the_same_word_by_word(http: httpx.Client) -> None:
    """The deltas of a stream add up to the text of the plain answer, a word at a time."""
    whole = post(http, "chat/completions", **CHAT)["choices"][0]["message"]["content"]
    first, *middle, last = events(http, "chat/completions", **CHAT)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    words = [chunk["choices"][0]["delta"]["content"] for chunk in middle]
    assert "".join(words) == whole
    assert len(words) == len(whole.split())
    assert (last["choices"][0]["delta"], last["choices"][0]["finish_reason"]) == ({}, "stop")
    assert {chunk["object"] for chunk in (first, *middle, last)} == {"chat.completion.chunk"}
    assert "usage" not in first


def test_a_stream_ends_with_its_mark(http: httpx.Client) -> None:
    """The last event of a chat stream is `[DONE]`."""
    response = http.post("chat/completions", json=CHAT | {"stream": True})
    assert response.text.endswith("}\n\ndata: [DONE]\n\n")


def test_usage_is_streamed_where_it_is_asked_for(http: httpx.Client) -> None:
    """With `include_usage` a last chunk without choices has the usage of the plain answer."""
    usage = post(http, "chat/completions", **CHAT)["usage"]
    *chunks, last = events(http, "chat/completions", **CHAT, stream_options={"include_usage": True})
    assert {chunk["usage"] for chunk in chunks} == {None}
    assert (last["choices"], last["usage"]) == ([], usage)


def test_several_choices_differ(http: httpx.Client) -> None:
    """`n` choices have their own index and text, plain and streamed."""
    choices = post(http, "chat/completions", **CHAT, n=3)["choices"]
    texts = [choice["message"]["content"] for choice in choices]
    assert len(set(texts)) == 3
    assert [choice["index"] for choice in choices] == [0, 1, 2]
    streamed = ["", "", ""]
    for chunk in events(http, "chat/completions", **CHAT, n=3):
        choice = chunk["choices"][0]
        streamed[choice["index"]] += choice["delta"].get("content", "")
    assert streamed == texts


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_cuts_the_text(http: httpx.Client, name: str) -> None:
    """An answer longer than its limit ends there and says so."""
    answer = post(http, "chat/completions", **CHAT, **{name: 4})
    (choice,) = answer["choices"]
    assert len(choice["message"]["content"].split()) == answer["usage"]["completion_tokens"] == 4
    assert choice["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ("required", "get_weather"),
        ({"type": "function", "function": {"name": "get_time"}}, "get_time"),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": CHAT_TOOLS[1:]}},
            "get_time",
        ),
    ],
)
def test_a_tool_is_called_where_the_request_asks_for_it(http: httpx.Client, choice: Any, name: str) -> None:
    """A required or named tool is called with arguments that fit its parameters."""
    answer = post(http, "chat/completions", **CHAT, tools=CHAT_TOOLS, tool_choice=choice)["choices"][0]
    assert (answer["finish_reason"], answer["message"]["content"]) == ("tool_calls", None)
    (call,) = answer["message"]["tool_calls"]
    assert call["function"]["name"] == name
    assert json.loads(call["function"]["arguments"]) == (ARGUMENTS if name == "get_weather" else {})


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_a_tool_is_not_called_unasked(http: httpx.Client, choice: str | None) -> None:
    """Where the model may decide, it speaks."""
    answer = post(http, "chat/completions", **CHAT, tools=CHAT_TOOLS, tool_choice=choice)
    assert answer["choices"][0]["finish_reason"] == "stop"


def test_a_tool_call_is_streamed_in_pieces(http: httpx.Client) -> None:
    """The first delta names the call, the next ones spell its arguments."""
    chunks = events(http, "chat/completions", **CHAT, tools=CHAT_TOOLS, tool_choice="required")
    first, *rest = [chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in chunks[:-1]]
    assert (first["index"], first["function"]) == (0, {"name": "get_weather", "arguments": ""})
    assert json.loads("".join(delta["function"]["arguments"] for delta in rest)) == ARGUMENTS
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_response_format_is_kept(http: httpx.Client) -> None:
    """A JSON schema gets JSON that fits it, `json_object` some object."""
    schema = {"type": "json_schema", "json_schema": {"name": "w", "strict": True, "schema": PARAMETERS}}
    answer = post(http, "chat/completions", **CHAT, response_format=schema)
    assert json.loads(answer["choices"][0]["message"]["content"]) == ARGUMENTS
    answer = post(http, "chat/completions", **CHAT, response_format={"type": "json_object"})
    assert isinstance(json.loads(answer["choices"][0]["message"]["content"]), dict)


def test_content_can_be_given_in_parts(http: httpx.Client) -> None:
    """Text parts are understood, and others passed over."""
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    parts = [{"type": "text", "text": "Look here"}, image]
    answer = post(http, "chat/completions", model="m", messages=[{"role": "user", "content": parts}])
    assert "“Look here”" in answer["choices"][0]["message"]["content"]


def test_a_test_can_give_the_words(upstream: Upstream, http: httpx.Client) -> None:
    """`content` replaces the text in whichever form the request asks for."""
    upstream.always(content="Just this.")
    assert post(http, "chat/completions", **CHAT)["choices"][0]["message"]["content"] == "Just this."
    chunks = events(http, "chat/completions", **CHAT)
    assert [chunk["choices"][0]["delta"].get("content") for chunk in chunks] == ["", "Just", " this.", None]
    answer = post(http, "responses", model="m", input="Hello")
    assert answer["output"][0]["content"][0]["text"] == "Just this."


def test_embeddings_are_unit_vectors_by_input(http: httpx.Client) -> None:
    """Each input has its vector: of length one, the same for the same input, of the default dimensions."""
    answer = post(http, "embeddings", model="text-embedding-3-small", input=["a", "b", "a"])
    first, second, third = (item["embedding"] for item in answer["data"])
    assert first == third != second
    assert len(first) == 1536
    assert sum(value * value for value in second) == pytest.approx(1)
    assert [item["index"] for item in answer["data"]] == [0, 1, 2]
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_base64_embeddings_hold_the_same_floats(http: httpx.Client) -> None:
    """`encoding_format` changes the form, not the values."""
    body = {"model": "text-embedding-3-large", "input": "a", "dimensions": 5}
    floats = post(http, "embeddings", **body)["data"][0]["embedding"]
    packed = post(http, "embeddings", **body, encoding_format="base64")["data"][0]["embedding"]
    assert list(struct.unpack("<5f", base64.b64decode(packed))) == floats


@pytest.mark.parametrize(("given", "count"), [([1, 2, 3], 1), ([[1, 2], [3]], 2), ("text", 1)])
def test_embeddings_take_tokens_too(http: httpx.Client, given: Any, count: int) -> None:
    """A list of numbers is one input, a list of lists several."""
    assert len(post(http, "embeddings", model="m", input=given, dimensions=2)["data"]) == count


def test_models_are_listed_and_retrieved(http: httpx.Client) -> None:
    """What is listed can be retrieved; what is not is not found."""
    models = http.get("models").json()["data"]
    assert http.get(f"models/{models[0]['id']}").json() == models[0]
    missing = http.get("models/none-such")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")


def test_a_response_repeats_its_parameters(http: httpx.Client) -> None:
    """A response has the parameters of its request, or their defaults, and a message."""
    answer = post(http, "responses", model="gpt-5.5", input="Hello", metadata={"a": "b"}, store=False)
    assert (answer["object"], answer["status"], answer["metadata"]) == ("response", "completed", {"a": "b"})
    assert answer["store"] is False
    (message,) = answer["output"]
    text = message["content"][0]["text"]
    assert "“Hello”" in text
    assert answer["usage"]["output_tokens"] == len(text.split())


def test_a_response_streams_typed_events(http: httpx.Client) -> None:
    """The events come in the API's order, numbered, and add up to the plain response."""
    body = {"model": "gpt-5.5", "input": [{"role": "user", "content": "Hello"}]}
    whole = post(http, "responses", **body)
    streamed = events(http, "responses", **body)
    deltas = [event["delta"] for event in streamed if event["type"] == "response.output_text.delta"]
    assert [event["type"].removeprefix("response.") for event in streamed] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        *["output_text.delta"] * len(deltas),
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in streamed] == list(range(len(streamed)))
    assert "".join(deltas) == streamed[-4]["text"] == whole["output"][0]["content"][0]["text"]
    final = streamed[-1]["response"]
    assert final | {"id": 0, "output": 0} == whole | {"id": 0, "output": 0}
    assert final["output"] == [streamed[-2]["item"]]


def test_response_events_are_named(http: httpx.Client) -> None:
    """Each event has an `event:` line with its type, and no `[DONE]` follows."""
    text = http.post("responses", json={"model": "m", "input": "a", "stream": True}).text
    assert text.startswith('event: response.created\ndata: {"type":"response.created"')
    assert "[DONE]" not in text


def test_a_response_stops_at_its_limit(http: httpx.Client) -> None:
    """`max_output_tokens` leaves a response incomplete, and a stream ends with that event."""
    body = {"model": "m", "input": "Hello", "max_output_tokens": 3}
    answer = post(http, "responses", **body)
    assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert len(answer["output"][0]["content"][0]["text"].split()) == 3
    assert events(http, "responses", **body)[-1]["type"] == "response.incomplete"


def test_a_response_calls_a_tool(http: httpx.Client) -> None:
    """A required function becomes a `function_call` item, whole and in events."""
    body = {"model": "m", "input": "Hello", "tools": TOOLS, "tool_choice": "required"}
    (call,) = post(http, "responses", **body)["output"]
    assert (call["type"], call["name"]) == ("function_call", "get_weather")
    assert json.loads(call["arguments"]) == ARGUMENTS
    streamed = events(http, "responses", **body)
    deltas = [event["delta"] for event in streamed if event["type"].endswith("arguments.delta")]
    assert "".join(deltas) == call["arguments"]


def test_a_response_keeps_a_text_format(http: httpx.Client) -> None:
    """A JSON schema in `text.format` gets JSON that fits it."""
    text = {"format": {"type": "json_schema", "name": "w", "schema": PARAMETERS}}
    answer = post(http, "responses", model="m", input="Hello", text=text)
    assert json.loads(answer["output"][0]["content"][0]["text"]) == ARGUMENTS


def test_a_moderation_flags_what_is_mentioned(http: httpx.Client) -> None:
    """A text that names a category is flagged for it; others are not."""
    kind, harsh = post(http, "moderations", input=["Kind words", "Plain violence"])["results"]
    assert not kind["flagged"]
    assert [name for name, flagged in harsh["categories"].items() if flagged] == ["violence"]
    assert harsh["category_scores"]["violence"] > 0.5


def test_a_moderation_takes_parts(http: httpx.Client) -> None:
    """A list of parts is one input, with the kinds each category was applied to."""
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    (result,) = post(http, "moderations", input=[{"type": "text", "text": "hate"}, image])["results"]
    assert result["categories"]["hate"]
    assert result["category_applied_input_types"]["sexual"] == ["text", "image"]
    assert result["category_applied_input_types"]["hate"] == ["text"]


@pytest.mark.parametrize("prefix", ["/openai/v1/", "/openai/deployments/my-gpt/"])
def test_azure_paths_lead_to_the_same_endpoints(upstream: Upstream, prefix: str) -> None:
    """Azure's paths and `api-key` header work as the usual ones do."""
    with httpx.Client(base_url=upstream.url, headers={"api-key": "any"}) as http:
        path = f"{prefix}chat/completions?api-version=2024-10-21"
        answer = post(http, path, **CHAT)
        assert (answer["object"], answer["model"]) == ("chat.completion", "gpt-5.5")


def test_a_deployment_stands_for_a_model(upstream: Upstream) -> None:
    """On a deployment's path the body needs no model."""
    with httpx.Client(base_url=upstream.url, headers={"api-key": "any"}) as http:
        answer = post(http, "/openai/deployments/my%20gpt/embeddings", input="a", dimensions=2)
    assert answer["model"] == "my gpt"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b"\xff", None),
        (b"[]", None),
        (b'{"messages": [{"role": "user", "content": "a"}]}', "model"),
        (b'{"model": "m"}', "messages"),
        (b'{"model": "m", "messages": []}', "messages"),
        (b'{"model": "m", "messages": ["a"]}', "messages"),
        (b'{"model": "m", "messages": [{}], "n": 0}', "n"),
    ],
)
def test_a_bad_request_is_refused_in_the_format_of_the_api(
    http: httpx.Client, body: bytes, param: str | None
) -> None:
    """What is no JSON object, or lacks what is required, gets a 400 that names the parameter."""
    response = http.post("chat/completions", content=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


def test_a_request_of_an_odd_shape_is_refused_and_logged(
    http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """What the upstream cannot read is the client's fault, and its log tells where it failed."""
    response = http.post("chat/completions", json=CHAT | {"tools": ["odd"]})
    assert response.status_code == 400
    assert "AttributeError" in caplog.text


def test_a_long_question_is_cut_in_the_answer(http: httpx.Client) -> None:
    """Only the beginning of a long question is repeated."""
    messages = [{"role": "user", "content": "word " * 1000}]
    text = post(http, "chat/completions", model="m", messages=messages)["choices"][0]["message"]["content"]
    assert "word…”" in text
    assert len(text) < 1000


def test_other_endpoints_refuse_what_lacks_their_parameters(http: httpx.Client) -> None:
    """Embeddings, responses and moderations want their input."""
    for path in ("embeddings", "responses", "moderations"):
        assert http.post(path, json={"model": "m"}).status_code == 400
    assert http.post("embeddings", json={"model": "m", "input": []}).json()["error"]["param"] == "input"


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer"}, {"Authorization": "Basic x"}, {"api-key": ""}]
)
def test_a_key_is_wanted(upstream: Upstream, headers: dict[str, str]) -> None:
    """Without a key every endpoint answers 401 `invalid_api_key`."""
    response = httpx.get(f"{upstream.base_url}/models", headers=headers)
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"


def test_what_there_is_not_is_not_found(http: httpx.Client) -> None:
    """An unknown path gets a 404, an unknown method a 405, both in the API's format."""
    unknown = http.get("/nothing")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_url")
    refused = http.delete("/models")
    assert (refused.status_code, refused.json()["error"]["code"]) == (405, "method_not_supported")


def test_every_answer_has_the_headers_of_the_api(http: httpx.Client) -> None:
    """Each answer, errors too, has a request id of its own and a processing time."""
    responses = [http.get("models"), http.get("nothing"), http.post("embeddings", content=b"")]
    identifiers = {response.headers["x-request-id"] for response in responses}
    assert len(identifiers) == 3
    assert all(identifier.startswith("req_") for identifier in identifiers)
    assert all(response.headers["openai-processing-ms"].isdigit() for response in responses)
