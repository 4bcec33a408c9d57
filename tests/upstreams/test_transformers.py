"""Calls of `transformers serve` with a tiny random model: its streams have no end mark, its models a state."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ai_client.control.accounting.cost import Cost
from ai_client.control.pricing.prices import Prices
from ai_client.stores import open_store
from tests.support.servers import serving
from tests.upstreams.conftest import Caller, interpreter

pytestmark = pytest.mark.slow

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
TOKENS = 12


@dataclass
class Model:
    """A model that is served.

    Attributes:
        base_url: Where.
        name: What it is called, a path.
    """

    base_url: str
    name: str

    def ask(self, **more: Any) -> dict[str, Any]:
        """Return the keywords of a chat call."""
        message = {"role": "user", "content": "Hello"}
        return {"model": self.name, "messages": [message], "max_tokens": TOKENS, **more}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """Make a model and serve it for all tests."""
    python = interpreter("transformers")
    folder = str(tmp_path_factory.mktemp("model"))
    subprocess.run([python, Path(__file__).with_name("tiny_model.py"), folder], check=True, timeout=300)
    command = ["transformers.cli.transformers", "serve", folder, "--host", "127.0.0.1", "--port", "{port}"]
    with serving(*command, "--device", "cpu", python=python, patience=300, **OFFLINE) as served:
        yield Model(f"{served.url}/v1", folder)


def said(chunks: list[Any]) -> str:
    """Return the text of a stream."""
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_chat(caller: Caller, model: Model) -> None:
    """A whole and a streamed answer have the same text and usage, though the stream ends without a mark."""
    client = caller.client(model.base_url)
    whole = caller.invoke(client.chat.completions.create, **model.ask())
    chunks = caller.invoke.collect(caller.invoke(client.chat.completions.create, **model.ask(stream=True)))
    assert said(chunks) == whole.choices[0].message.content != ""
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason == "length"
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens == TOKENS


def test_completions(caller: Caller, model: Model) -> None:
    """A text completion is the same whole and streamed."""
    client = caller.client(model.base_url)
    asked = {"model": model.name, "prompt": "Hello", "max_tokens": TOKENS}
    whole = caller.invoke(client.completions.create, **asked)
    chunks = caller.invoke.collect(caller.invoke(client.completions.create, **asked, stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text != ""
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens


def test_responses(caller: Caller, model: Model) -> None:
    """A response is the same whole, streamed, and as its stream's helper puts it together."""
    client = caller.client(model.base_url)
    asked = {"model": model.name, "input": "Hello", "max_output_tokens": TOKENS}
    whole = caller.invoke(client.responses.create, **asked, stream=False)
    events = caller.invoke.collect(caller.invoke(client.responses.create, **asked, stream=True))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == whole.output_text != ""
    assert events[-1].response.usage.output_tokens == whole.usage.output_tokens == TOKENS
    with caller.invoke.within(client.responses.stream(**asked)) as stream:
        caller.invoke.collect(stream)
        final = caller.invoke(stream.get_final_response)
    assert final.output_text == whole.output_text


def test_models(caller: Caller, model: Model) -> None:
    """Models are listed, with a state that the API does not have."""
    [found] = caller.invoke.collect(caller.client(model.base_url).models.list())
    assert found.id == model.name
    assert found.status == {"value": "loaded"}


def test_left_stream(caller: Caller, model: Model) -> None:
    """A stream that is left early is cancelled, and the next call is served."""
    client = caller.client(model.base_url)
    stream = caller.invoke(client.chat.completions.create, **model.ask(stream=True, max_tokens=1000))
    assert caller.invoke.next(stream).choices
    caller.invoke(stream.close)
    assert caller.invoke(client.chat.completions.create, **model.ask()).usage.completion_tokens == TOKENS


def test_errors(caller: Caller, model: Model) -> None:
    """What the server rejects, or fails at, is an error of its status, and the next call is served."""
    client = caller.client(model.base_url, max_retries=0)
    for name, more in {
        "UnprocessableEntityError": {"extra_body": {"nonsense": 1}},
        "BadRequestError": {"model": "nope"},
        "InternalServerError": {"messages": "nonsense"},
    }.items():
        for stream in (False, True):
            with pytest.raises(getattr(caller.errors, name)):
                caller.invoke(client.chat.completions.create, **model.ask(**more, stream=stream))
            assert caller.invoke(client.chat.completions.create, **model.ask()).choices
    with pytest.raises(caller.errors.NotFoundError):
        caller.invoke(client.embeddings.create, model=model.name, input="Hello")


def test_cost(caller: Caller, model: Model) -> None:
    """Whole and streamed calls are counted by the usage that the server reports."""
    cost = Cost(Prices({model.name: {"input": 5, "output": 30}}, library=False), open_store())
    client = caller.client(model.base_url, layers=[cost])
    usage = caller.invoke(client.chat.completions.create, **model.ask()).usage
    caller.invoke.collect(caller.invoke(client.chat.completions.create, **model.ask(stream=True)))
    [row] = cost.report()
    assert row.calls == 2
    assert row.usd == pytest.approx(2 * (usage.prompt_tokens * 5 + usage.completion_tokens * 30) / 1e6)
