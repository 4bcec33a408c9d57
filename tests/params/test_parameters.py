"""What goes over the wire: keywords, paths, query strings, JSON."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Required, TypedDict

import pytest

from ai_client import AsyncAzureOpenAI, AzureOpenAI, BaseModel, ClientConfig, ConfigError, not_given, omit
from ai_client._params.encoding import encode
from ai_client._params.keywords import check_keywords
from ai_client._params.query import merge, path, query_items, query_string
from tests.support.invoke import CHAT, Invoke


class Params(TypedDict, total=False):
    """Keywords of a made-up method."""

    model: Required[str]
    temperature: float


class Part(BaseModel):
    """A result that is sent back."""

    name: str
    size: int | None = None


def test_unknown_keyword_is_refused_with_the_nearest() -> None:
    """A misspelt keyword is a `TypeError` that names what was meant."""
    with pytest.raises(TypeError, match=r"temprature.*Did you mean 'temperature'.*extra_body"):
        check_keywords({"model": "m", "temprature": 1}, Params, "/x")


def test_missing_keyword_is_refused() -> None:
    """A missing required keyword is a `TypeError` that names it."""
    with pytest.raises(TypeError, match="missing required keyword arguments: 'model'"):
        check_keywords({"temperature": 1}, Params, "/x")


def test_stream_is_a_keyword_only_where_a_method_streams() -> None:
    """`stream` is accepted by methods that can stream and by no other."""
    check_keywords({"model": "m", "stream": True}, Params, "/x", streams=True)
    with pytest.raises(TypeError, match="'stream'"):
        check_keywords({"model": "m", "stream": True}, Params, "/x")


@pytest.mark.parametrize(
    ("part", "quoted"),
    [
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("...", "..."),
        (".hidden", ".hidden"),
        ("a..b/c.d", "a..b%2Fc.d"),
        ("100%", "100%25"),
        ("ft:gpt-5:x", "ft:gpt-5:x"),
        ("é?#", "%C3%A9%3F%23"),
    ],
)
def test_path_parts_are_quoted(part: str, quoted: str) -> None:
    """A part of a path cannot leave its segment."""
    assert path("/models/{model}", model=part) == f"/models/{quoted}"


def test_empty_path_part_is_refused() -> None:
    """An empty id would name the list in place of an item."""
    with pytest.raises(ValueError, match="non-empty value for `model`"):
        path("/models/{model}", model="")


CLIMBING = [
    ".",
    "..",
    "%2e",
    "%2E%2e",
    ".%2E",
    "%252e%252e",
    "%25252E.",
    "../models",
    "a/..",
    "a/./b",
    "a%2F..%2fb",
    "..\\x",
    "..;x=1",
    "%" + "25" * 100,
    "..;/x",
    " ..",
    "org/%2e%2e/model",
]


@pytest.mark.parametrize("part", [*CLIMBING, " ", "\t\n", "\ud800", "\ud800.."])
def test_path_part_that_names_another_resource_is_refused(part: str) -> None:
    """An id that a server could read as another place, plain or encoded, is refused, as are blanks and halves."""
    with pytest.raises(ConfigError, match="for `model`"):
        path("/models/{model}", model=part)


@pytest.mark.parametrize("part", CLIMBING)
def test_nothing_is_sent_for_such_a_part(invoke: Invoke, part: str) -> None:
    """Neither an id nor a deployment's name of Azure leads anywhere else: the call is refused before it is sent."""
    with pytest.raises(ConfigError):
        invoke(invoke.client().models.retrieve, part)
    cls = AzureOpenAI if invoke.sync else AsyncAzureOpenAI
    azure = {"base_url": None, "azure_endpoint": invoke.upstream.url, "api_version": "v"}
    with pytest.raises(ConfigError):
        invoke(invoke.client(cls, **azure).embeddings.create, model=part, input="x")
    with pytest.raises(ConfigError):
        invoke.client(cls, **azure, azure_deployment=part)
    with pytest.raises(ConfigError, match="azure_deployment"):
        ClientConfig.make(azure | {"azure_deployment": part})
    assert not invoke.upstream.requests


def test_path_part_of_another_type_is_refused() -> None:
    """An id that is no string is a `TypeError`."""
    with pytest.raises(TypeError, match="Expected a string for `model`"):
        path("/models/{model}", model=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("params", "items"),
    [
        ({"a": 1, "b": 1.5, "c": "x"}, [("a", "1"), ("b", "1.5"), ("c", "x")]),
        ({"a": True, "b": False}, [("a", "true"), ("b", "false")]),
        ({"a": None, "b": omit, "c": not_given, "d": 1}, [("d", "1")]),
        ({"a": ["x", "y"]}, [("a[]", "x"), ("a[]", "y")]),
        ({"a": {"b": {"c": 1}, "d": [2, 3]}}, [("a[b][c]", "1"), ("a[d][]", "2"), ("a[d][]", "3")]),
        ({"a": []}, []),
    ],
)
def test_query_is_flattened(params: Mapping[str, object], items: list[tuple[str, str]]) -> None:
    """Nested parameters take brackets, lists empty ones, and nothing is sent for what is not given."""
    assert query_items(params) == items


def test_query_string_is_encoded() -> None:
    """Names and values are percent-encoded."""
    assert query_string({"metadata": {"a b": "ä&="}}) == "metadata%5Ba+b%5D=%C3%A4%26%3D"


def test_body_is_compact_json() -> None:
    """Text outside ASCII is sent as it is, without blanks."""
    assert encode({"a": [1, "ä"], "b": None}) == '{"a":[1,"ä"],"b":null}'.encode()


def test_models_are_sent_by_the_fields_that_were_set() -> None:
    """A model in a body does not gain fields that nobody gave it."""
    assert json.loads(encode({"part": Part(name="x")})) == {"part": {"name": "x"}}


def test_sentinels_are_left_out_at_any_depth() -> None:
    """`omit` and `not_given` are dropped from mappings and lists."""
    body = {"a": omit, "b": {"c": not_given, "d": 1}, "e": [omit, 2]}
    assert json.loads(encode(body)) == {"b": {"d": 1}, "e": [2]}


def test_iterators_and_mappings_are_encoded() -> None:
    """A generator and a mapping that is no dict are sent as list and object."""

    class Own(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            return {"x": 1}[key]

        def __iter__(self) -> Iterator[str]:
            return iter(["x"])

        def __len__(self) -> int:
            return 1

    assert json.loads(encode({"a": (n for n in range(3)), "b": Own()})) == {"a": [0, 1, 2], "b": {"x": 1}}


def test_what_has_no_json_is_refused() -> None:
    """A body with an object of no JSON form is a `TypeError` that names its type."""
    with pytest.raises(TypeError, match="object"):
        encode({"a": object()})


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_lacks_is_rejected(invoke: Invoke, number: float) -> None:
    """A number that is infinite or not a number is a `ValueError`, wherever it stands, and never becomes `null`."""
    client = invoke.client()
    for given in ({"temperature": number}, {"extra_body": {"deep": [{"in": (number,)}]}}):
        with pytest.raises(ValueError, match="finite"):
            invoke(lambda given=given: client.chat.completions.create(**CHAT, **given))


def test_texts_that_name_such_numbers_are_sent() -> None:
    """Texts and keys may hold the words that stand for numbers outside JSON."""
    body = {"NaN": ["NaN, -Infinity", '"Infinity"'], "temperature": 0.5}
    assert json.loads(encode(body)) == body
    assert len(encode({"text": "NaN", "number": 10**5000})) > 5000


@pytest.mark.parametrize(
    "body", [{"a": object()}, {"a": [object()]}, {"a": int}], ids=["value", "item", "class"]
)
def test_body_of_no_json_form_is_named_once(body: object) -> None:
    """The message about a value of no JSON form does not begin with the name of the error."""
    with pytest.raises(TypeError, match=r"^(Object of type object|The class int) is not JSON serializable"):
        encode(body)


def test_merge_changes_neither_side() -> None:
    """Laying one mapping over another leaves both as they were."""
    base, extra = {"a": 1, "b": 1}, {"b": 2}
    assert merge(base, extra) == {"a": 1, "b": 2}
    assert (base, extra) == ({"a": 1, "b": 1}, {"b": 2})


@pytest.mark.parametrize("sentinel", [omit, not_given])
def test_sentinels_are_false(sentinel: object) -> None:
    """`if value:` treats a sentinel as nothing."""
    assert not sentinel
