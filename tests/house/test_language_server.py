"""What editors offer and show while one writes a call: pyright's language server, and jedi."""

from collections.abc import Iterator

import pytest

from tests.support.editors import SERVER, Editor, Jedi, pyright
from tests.support.surface import SURFACE

OPTIONS = ("extra_headers", "extra_query", "extra_body", "timeout")
CALLS = {
    "chat.completions.create": ("model='m', messages=[]", "choices id usage"),
    "chat.completions.parse": ("model='m', messages=[]", "choices id usage"),
    "chat.completions.stream": ("model='m', messages=[]", ""),
    "responses.create": ("model='m', input='x'", "output output_text status usage"),
    "responses.parse": ("model='m', input='x'", "output output_parsed status"),
    "responses.stream": ("model='m', input='x'", ""),
    "embeddings.create": ("model='m', input='x'", "data model usage"),
    "images.generate": ("prompt='x'", "created data usage"),
    "images.edit": ("prompt='x', image=b''", "created data usage"),
    "audio.speech.create": ("model='m', input='x', voice='v'", "content iter_bytes"),
    "audio.transcriptions.create": ("model='m', file=b''", "text"),
    "audio.translations.create": ("model='m', file=b''", "text"),
    "files.create": ("file=b'', purpose='batch'", "id filename purpose"),
    "files.retrieve": ("'f'", "id filename purpose"),
    "files.list": ("", "data has_more"),
    "files.content": ("'f'", "content iter_bytes"),
    "moderations.create": ("input='x'", "id model results"),
    "models.list": ("", "data"),
    "models.retrieve": ("'m'", "id created owned_by"),
    "models.delete": ("'m'", "deleted id"),
}
"""Twenty calls, each with what it needs, and what its result has."""
CONSTRUCTORS = {"OpenAI": 15, "AzureOpenAI": 18, "client.with_options": 17, "AsyncAzureOpenAI": 18}
"""Calls that make a client, and how many of their keywords the official SDK names."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["pyright", "jedi"])
def editor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """Yield an editor of each kind."""
    if request.param == "jedi":
        pytest.importorskip("jedi")
        yield Jedi(tmp_path_factory.mktemp("jedi"))
        return
    if not SERVER.exists():
        pytest.skip("there is no language server")
    with pyright() as found:
        yield found


def official(call: str) -> set[str]:
    """Return the keywords that the official SDK has in a call."""
    *names, _result = SURFACE[call]
    return {name.rstrip("!") for name in names if not name.endswith("/")}.union(OPTIONS)


def keywords(offered: set[str]) -> set[str]:
    """Return those of the names offered that are keywords of a call."""
    return {name.removesuffix("=") for name in offered if name.endswith("=")}


@pytest.mark.parametrize("client", ["client", "AsyncOpenAI()"])
@pytest.mark.parametrize("call", CALLS)
def test_every_keyword_is_offered(editor: Editor, client: str, call: str) -> None:
    """All keywords of a call are offered, as many as those of the official SDK, on both clients."""
    offered = keywords(editor.completions(f"{client}.{call}("))
    print(f"{call}: {len(offered)} keywords, official {len(official(call))}")  # noqa: T201 - shown with -rP
    assert official(call) <= offered


@pytest.mark.parametrize("call", CONSTRUCTORS)
def test_every_option_is_offered(editor: Editor, call: str) -> None:
    """All options of a client are offered where it is made or copied, more than those of the official SDK."""
    offered = {name for name in keywords(editor.completions(f"{call}(")) if not name.startswith("_")}
    print(f"{call}: {len(offered)} keywords, official {CONSTRUCTORS[call]}")  # noqa: T201 - shown with -rP
    assert len(offered) >= CONSTRUCTORS[call]
    assert {"api_key", "base_url", "timeout", "max_retries", "deadline", "layers", "credentials"} <= offered


@pytest.mark.parametrize("call", [*(f"client.{call}" for call in CALLS), *CONSTRUCTORS])
def test_every_keyword_is_described(editor: Editor, call: str) -> None:
    """What is shown of a call says what each of its keywords means."""
    offered = {name for name in keywords(editor.completions(f"{call}(")) if not name.startswith("_")}
    described = editor.described(f"{call}(")
    assert offered
    assert [name for name in offered if f"{name}: " not in described] == []


@pytest.mark.parametrize("call", CALLS)
def test_hover(editor: Editor, call: str) -> None:
    """Over the name of a call stands what it does, what it takes and what it returns."""
    shown = editor.hover(f"client.{call}")
    assert "Args:" in shown
    assert "timeout: " in shown


@pytest.mark.parametrize("call", [call for call, (_, fields) in CALLS.items() if fields])
def test_fields_of_results(editor: Editor, call: str) -> None:
    """The fields of a result are offered."""
    arguments, fields = CALLS[call]
    assert set(fields.split()) <= editor.completions(f"client.{call}({arguments}).")


def test_hover_over_a_field(editor: Editor) -> None:
    """Over a field of a result stands what it means."""
    assert "Identifier" in editor.hover('client.chat.completions.create(model="m", messages=[]).id')


@pytest.mark.parametrize(
    "client", ["client", "AsyncOpenAI()", "client.with_options(timeout=3)", "AzureOpenAI()"]
)
def test_signatures_are_of_the_client(editor: Editor, client: str) -> None:
    """The signatures shown are those of the client at hand: no other client's, and no raw view's."""
    found = editor.signatures(f"{client}.chat.completions.create(")
    assert found
    for signature in found:
        assert "messages: Iterable[ChatCompletionMessageParam]" in signature
        assert "Response[" not in signature
        assert "ResponseContextManager" not in signature
        assert ("AsyncStream" in signature) is ("Async" in client and "ChatCompletionChunk" in signature)


def test_items_of_a_list(editor: Editor) -> None:
    """The fields of a list's items are offered, as one iterates over it or takes one from a page."""
    fields = {"id", "created", "owned_by"}
    assert fields <= editor.completions("for model in client.models.list():\n    model.")
    page = "(await AsyncOpenAI().models.list())"
    assert fields <= editor.completions(f"async def f() -> None:\n    {page}.data[0].")


def test_resources_and_methods(editor: Editor) -> None:
    """Resources and their methods are offered."""
    assert {"chat", "responses", "files", "vector_stores"} <= editor.completions("client.")
    assert {"create", "list", "retrieve", "with_raw_response"} <= editor.completions("client.batches.")
