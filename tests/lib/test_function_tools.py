"""Function tools made of models, and their arguments parsed."""

from typing import Any

import openai
import pydantic
import pytest
from pydantic import BaseModel

import ai_client
from ai_client.lib._tools import Tools, given_tools, require_strict


class Search(BaseModel):
    """Search the archive."""

    text: str
    limit: int | None = None


class Bare(BaseModel):  # noqa: D101 - what a tool of a class without docstring is called
    text: str


PLAIN: dict[str, Any] = {"name": "plain", "parameters": {"type": "object", "properties": {}}}
STRICT: dict[str, Any] = {**PLAIN, "name": "strict", "strict": True}


@pytest.mark.parametrize("more", [{}, {"name": "find"}, {"description": "Find"}, {"description": ""}])
@pytest.mark.parametrize("model", [Search, Bare])
def test_like_the_official_sdk(model: type[BaseModel], more: dict[str, Any]) -> None:
    """Tools for both APIs read as the official SDK's."""
    assert ai_client.pydantic_function_tool(model, **more) == openai.pydantic_function_tool(model, **more)
    ours: Any = ai_client.pydantic_responses_function_tool(model, **more)
    official: Any = openai.pydantic_function_tool(model, **more)
    assert ours == {"type": "function", **official["function"]}


def test_deferred_loading() -> None:
    """A tool for `client.responses` may be left for a tool search to find."""
    tool: Any = ai_client.pydantic_responses_function_tool(Bare, defer_loading=True)
    assert tool["defer_loading"] is True


@pytest.mark.parametrize(
    "tools",
    [
        [
            ai_client.pydantic_function_tool(Search),
            {"type": "function", "function": PLAIN},
            {"type": "function", "function": STRICT},
            {"type": "custom", "custom": {"name": "c"}},
        ],
        [
            ai_client.pydantic_responses_function_tool(Search),
            {"type": "function", **PLAIN},
            {"type": "function", **STRICT},
            {"type": "web_search"},
        ],
    ],
    ids=["chat", "responses"],
)
def test_parse(tools: list[Any]) -> None:
    """Arguments become instances of models, decoded JSON for other strict tools, and stay alone for the rest."""
    parser = Tools(tools)
    assert parser.parseable
    assert parser.parse("Search", '{"text": "x", "limit": 2}') == Search(text="x", limit=2)
    assert parser.parse("strict", '{"a": 1}') == {"a": 1}
    assert parser.parse("plain", "{}") is None
    assert parser.parse("unknown", "{}") is None
    assert parser.parse_partial("Search", '{"text": "x", "lim') == {"text": "x"}
    assert parser.parse_partial("plain", "{") is None
    with pytest.raises(pydantic.ValidationError):
        parser.parse("Search", "{}")
    with pytest.raises(ValueError, match="EOF"):
        parser.parse("strict", "{")


def test_nothing_to_parse() -> None:
    """Tools that are not strict, and none at all, have nothing to parse."""
    assert not Tools([{"type": "function", "function": PLAIN}]).parseable
    assert not Tools().parseable


def test_given_tools() -> None:
    """Tools become a list, and `None` where none were given."""
    assert given_tools(iter([1])) == [1]
    for absent in (None, ai_client.omit, ai_client.not_given):
        assert given_tools(absent) is None


def test_require_strict() -> None:
    """Tools that cannot be parsed are refused by name."""
    require_strict([ai_client.pydantic_function_tool(Search), {"type": "function", "function": STRICT}])
    with pytest.raises(ValueError, match="`plain` is not strict"):
        require_strict([{"type": "function", "function": PLAIN}])
    with pytest.raises(ValueError, match="Received `custom`"):
        require_strict([{"type": "custom", "custom": {"name": "c"}}])
