"""Shortened conversations: what belongs together stays together, whatever kind it is of."""

import base64
import json
from collections.abc import Callable
from typing import Any, Literal

import pytest
from hypothesis import given, strategies as st

from ai_client import GuardrailError
from ai_client._models.decode import decode
from ai_client.control import trim_messages
from ai_client.control.guardrails import Guardrails
from ai_client.control.pricing.estimates import message_tokens, prompt_tokens
from ai_client.testing import Upstream
from ai_client.types.chat import ChatCompletionMessage
from ai_client.types.responses import Response
from tests.support.invoke import Invoke

Items = list[dict[str, Any]]
USER = {"role": "user", "content": "Hi"}


def call(kind: str, number: int, **members: Any) -> dict[str, Any]:
    """Return a call of a tool as an item."""
    return {"type": kind, "id": f"item_{number}", "call_id": f"call_{number}", **members}


def output(kind: str, number: int, **members: Any) -> dict[str, Any]:
    """Return the result of a call as an item."""
    return {"type": kind, "call_id": f"call_{number}", "output": "done", **members}


def said(number: int) -> dict[str, Any]:
    """Return a message of the model's as an item."""
    content = [{"type": "output_text", "text": "So it is."}]
    return {"type": "message", "role": "assistant", "id": f"msg_{number}", "content": content}


def thought(number: int) -> dict[str, Any]:
    """Return an item of reasoning."""
    return {"type": "reasoning", "id": f"rs_{number}", "summary": []}


PAIRS = {
    "function": ("function_call", "function_call_output"),
    "custom": ("custom_tool_call", "custom_tool_call_output"),
    "computer": ("computer_call", "computer_call_output"),
    "shell": ("shell_call", "shell_call_output"),
    "patch": ("apply_patch_call", "apply_patch_call_output"),
    "search": ("tool_search_call", "tool_search_output"),
    "program": ("program", "program_output"),
    "unknown": ("new_tool_call", "new_tool_result"),
    "unnamed": ("novelty", "novelty_seen"),
}


def approval(n: int) -> Items:
    """Return a list of tools, a call that was approved, and its end."""
    label, asked = f"label {n}", f"mcpr_{n}"
    return [
        {"type": "mcp_list_tools", "id": f"mcpl_{n}", "server_label": label},
        {"type": "mcp_approval_request", "id": asked, "server_label": label},
        {"type": "mcp_approval_response", "approval_request_id": asked, "approve": True},
        {"type": "mcp_call", "id": f"mcp_{n}", "approval_request_id": asked, "server_label": label},
    ]


def parallel(n: int) -> Items:
    """Return calls that were made at once, answered in another order."""
    first, second = 1000 + 2 * n, 1001 + 2 * n
    calls = [call("function_call", first), call("function_call", second)]
    return [thought(n), *calls, *(output("function_call_output", one) for one in (second, first))]


def program(n: int) -> Items:
    """Return a program with a function that it called."""
    caller = {"type": "program", "caller_id": f"call_{n}"}
    inner = call("function_call", 1000 + n, caller=caller)
    answered = output("function_call_output", 1000 + n, caller=caller)
    return [call("program", n, code="x"), inner, answered, output("program_output", n)]


def chat_tools(n: int) -> Items:
    """Return a message of a chat that calls three tools, and their results."""
    calls = [{"id": f"call_{n}_{one}", "type": "function"} for one in range(3)]
    results = [{"role": "tool", "tool_call_id": one["id"], "content": "done"} for one in calls]
    return [{"role": "assistant", "content": None, "tool_calls": calls}, *results]


UNITS: dict[str, Callable[[int], Items]] = {
    "thought": lambda n: [thought(n), said(n)],
    "search and message": lambda n: [{"type": "web_search_call", "id": f"ws_{n}"}, said(n)],
    "thoughts": lambda n: [
        thought(2 * n),
        {"type": "image_generation_call", "id": f"ig_{n}", "result": "AAAA"},
        thought(2 * n + 1),
        said(n),
    ],
    "local shell": lambda n: [
        call("local_shell_call", n),
        {"type": "local_shell_call_output", "id": f"call_{n}", "output": "done"},
    ],
    "approval": approval,
    "server's tools": lambda n: [
        {"type": "mcp_list_tools", "id": f"mcpl_{n}", "server_label": f"label {n}", "tools": []},
        {"type": "mcp_call", "id": f"mcp_{n}", "server_label": f"label {n}", "arguments": "{}"},
        said(n),
    ],
    "parallel": parallel,
    "program with calls": program,
    "chat tools": chat_tools,
    "chat function": lambda n: [
        {"role": "assistant", "content": None, "function_call": {"name": f"f{n}", "arguments": "{}"}},
        {"role": "function", "name": f"f{n}", "content": "done"},
    ],
    "nameless result": lambda n: [
        {"role": "assistant", "tool_calls": [{"index": n}]},
        {"role": "tool", "content": "done"},
    ],
    "references": lambda n: [
        {"type": "item_reference", "id": f"rs_{n}"},
        {"id": f"fc_{n}"},
        output("function_call_output", n),
    ],
}


def unit(kind: str, n: int) -> Items:
    """Return items that belong together, numbered by *n*; a single message where *kind* is a role."""
    if kind.startswith("thought about "):
        return [thought(n), *unit(kind.removeprefix("thought about "), n)]
    if kind in PAIRS:
        of_call, of_output = PAIRS[kind]
        return [call(of_call, n), output(of_output, n)]
    return UNITS[kind](n) if kind in UNITS else [{"role": kind, "content": f"{kind} {n}"}]


KINDS = [*PAIRS, *(f"thought about {kind}" for kind in PAIRS), *UNITS]


@pytest.mark.parametrize("keep", ["last", "first"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_unit_is_kept_or_dropped_as_one(kind: str, keep: Literal["last", "first"]) -> None:
    """At every bound, all items of a unit are there or none is, on either side of it."""
    whole = unit(kind, 1)
    items = [{"role": "user", "content": "Hello"}, *whole, USER, {"role": "user", "content": "And now?"}]
    seen = set()
    for limit in range(message_tokens(items[-1]), sum(map(message_tokens, items)) + 1):
        kept = trim_messages(items, limit, keep=keep)
        seen.add(tuple(any(one is item for one in kept) for item in whole))
        assert kept[-1] is items[-1]
    assert seen == {(True,) * len(whole), (False,) * len(whole)}


@pytest.mark.parametrize("kind", KINDS)
def test_the_newest_unit_is_kept_whole_or_refused(kind: str) -> None:
    """Where the newest item belongs to others, all of them are kept, and a bound below that is an error."""
    whole = unit(kind, 1)
    least = sum(map(message_tokens, whole))
    items = [{"role": "user", "content": "Hello " * 100}, *whole]
    assert trim_messages(items, least) == whole
    with pytest.raises(GuardrailError, match=f"need {least} tokens, {least - 1} are allowed"):
        trim_messages(items, least - 1)


@st.composite
def conversations(draw: st.DrawFn) -> list[Items]:
    """Return a conversation as a list of units; where a message follows a call at once, it belongs to that."""
    kinds = draw(st.lists(st.sampled_from([*KINDS, "system", "developer", "user", "user"]), max_size=12))
    units = []
    for number, kind in enumerate(kinds):
        units += [unit("user", 100 + number), unit(kind, number)]
    return units


@given(conversations(), st.floats(0, 1), st.sampled_from(["last", "first"]))
def test_a_conversation_stays_one(units: list[Items], share: float, keep: Literal["last", "first"]) -> None:
    """The rest fits, is in order, has all instructions and the newest unit, and each unit is whole or gone."""
    items = [item for one in units for item in one]
    limit = int(share * sum(map(message_tokens, items)))
    try:
        kept = trim_messages(iter(items), limit, keep=keep)
    except GuardrailError:
        needed = [item for item in items if item.get("role") in {"system", "developer"}]
        others = [one for one in units if one[0] not in needed]
        assert sum(map(message_tokens, [*needed, *(others[-1] if others else [])])) > limit
        return
    assert sum(map(message_tokens, kept)) <= limit
    positions = [next(index for index, one in enumerate(items) if one is item) for item in kept]
    assert positions == sorted(set(positions))
    for one in units:
        held = [any(item is other for other in kept) for item in one]
        assert all(held) or not any(held)
        if one[0].get("role") in {"system", "developer"}:
            assert all(held)
    spoken = [one for one in units if one[0].get("role") not in {"system", "developer"}]
    if spoken:
        assert any(spoken[-1][-1] is item for item in kept)


def test_ids_that_servers_use_again() -> None:
    """Calls whose ids come again in each turn belong to the result that follows them, not to those of other turns."""
    turn = [
        {"role": "assistant", "tool_calls": [{"id": "call_0"}]},
        {"role": "tool", "tool_call_id": "call_0", "content": "done"},
    ]
    items = [call("function_call", 0), output("function_call_output", 0)]
    for one in (turn, items):
        again = [dict(item) for _ in range(5) for item in (USER, *one)]
        kept = trim_messages(again, sum(map(message_tokens, again)) // 2)
        assert kept == again[-len(kept) :]
        assert 3 <= len(kept) < len(again) - 3


def test_the_tools_of_a_server_stay_with_what_is_kept_of_its_calls() -> None:
    """A list of tools is kept as long as one call of it is, without the older calls, and goes with the last."""
    listed = {"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "x", "tools": []}
    calls = [
        {"type": "mcp_call", "id": f"mcp_{n}", "server_label": "x", "output": "y" * 200} for n in range(6)
    ]
    items: Items = [listed, *(item for one in calls for item in (USER, one))]
    some = trim_messages(
        items, 2 * message_tokens(calls[0]) + 2 * message_tokens(USER) + message_tokens(listed)
    )
    assert some == [listed, *items[-4:]]
    only = [*items, {"role": "user", "content": "z" * 100}]
    assert trim_messages(only, message_tokens(only[-1]) + message_tokens(listed)) == only[-1:]


def test_results_of_calls_that_the_server_keeps() -> None:
    """Results whose calls are not in the list are items like others, and kept where they are the newest."""
    results = [output("function_call_output", n) for n in range(2)]
    items = [{"role": "user", "content": "Hello " * 50}, *results]
    assert trim_messages(items, sum(map(message_tokens, results))) == results


RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "output": [
        {"id": "rs_1", "type": "reasoning", "summary": []},
        {
            "id": "fc_1",
            "type": "function_call",
            "call_id": "call_1",
            "name": "f",
            "arguments": "{}",
            "status": "completed",
        },
    ],
}


def test_items_of_earlier_answers_are_paired() -> None:
    """Items that are models of an answer are kept with their results as plain ones are."""
    answered = decode(Response, json.dumps(RESPONSE).encode()).output
    items: list[Any] = [USER, *answered, output("function_call_output", 1)]
    least = sum(map(message_tokens, items[1:]))
    assert trim_messages(items, least) == items[1:]
    with pytest.raises(GuardrailError):
        trim_messages(items, least - 1)
    asked = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = decode(
        ChatCompletionMessage,
        json.dumps({"role": "assistant", "content": None, "tool_calls": [asked]}).encode(),
    )
    items = [USER, message, {"role": "tool", "tool_call_id": "call_1", "content": "done"}]
    assert trim_messages(items, sum(map(message_tokens, items[1:]))) == items[1:]


@pytest.mark.parametrize("name", ["messages", "input"])
def test_a_trimmed_call_fits(invoke: Invoke, upstream: Upstream, name: str) -> None:
    """A call that is trimmed fits, with its tools and instructions; one that cannot be names what is too large."""
    items = [
        item for n in range(20) for item in ({"role": "user", "content": "word " * 20}, *unit("function", n))
    ]
    tools = [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}]
    body = {"model": "m", name: items, "tools": tools, "instructions": "Be brief. " * 5}
    path = {"messages": "/chat/completions", "input": "/responses"}[name]
    upstream.always(json={})
    client = invoke.client(layers=[Guardrails(max_input_tokens=300, on_large="trim")])
    invoke(client.post, path, cast_to=object, body=body)
    sent = upstream.requests[-1].json()
    assert prompt_tokens(sent) <= 300
    assert sent[name] == items[-len(sent[name]) :]
    assert len(sent[name]) > 3
    client = invoke.client(layers=[Guardrails(max_input_tokens=20, on_large="trim")])
    with pytest.raises(GuardrailError, match="cannot be trimmed to the 20") as caught:
        invoke(client.post, path, cast_to=object, body=body)
    assert caught.value.param == name


def test_images_are_trimmed_by_what_their_model_counts(invoke: Invoke, upstream: Upstream) -> None:
    """A conversation with images fits after it is trimmed by the rule of the model that it is for."""
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (1024).to_bytes(4) * 2 + bytes(40)
    image = {"url": "data:image/png;base64," + base64.b64encode(header).decode()}
    messages = [
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": image}, {"type": "text", "text": "x"}],
        }
        for _ in range(6)
    ]
    upstream.always(json={})
    client = invoke.client(layers=[Guardrails(max_input_tokens=60_000, on_large="trim")])
    body = {"model": "gpt-4o-mini", "messages": messages}
    invoke(client.post, "/chat/completions", cast_to=object, body=body)
    sent = upstream.requests[-1].json()
    assert len(sent["messages"]) == 2
    assert 50_000 < prompt_tokens(sent) <= 60_000
