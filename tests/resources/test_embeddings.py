"""Embeddings: packed on the wire, numbers for the caller."""

import base64
import copy
import pickle
import struct
import sys
from typing import Any

import openai
import pytest

import ai_client
from ai_client._models.decode import decode
from ai_client._params.encoding import encode
from ai_client.control.assembly import make_layers
from ai_client.lib._embeddings import EncodedEmbedding
from ai_client.types import CreateEmbeddingResponse, Embedding

CALL: dict[str, Any] = {"model": "m", "input": ["a", "b"], "dimensions": 4}


def answer(*vectors: Any) -> dict[str, Any]:
    """Give an answer with these vectors."""
    data = [{"object": "embedding", "index": index, "embedding": each} for index, each in enumerate(vectors)]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return {"object": "list", "model": "m", "data": data, "usage": usage, "more": 1}


@pytest.mark.parametrize("options", [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}])
@pytest.mark.parametrize("strict", [False, True])
def test_like_the_official_client(invoke: Any, options: dict[str, Any], strict: bool) -> None:
    """The caller gets what the official client gives, and asks for it in the same way."""
    with openai.OpenAI(base_url=invoke.upstream.base_url, api_key="any") as client:
        theirs = client.embeddings.create(**CALL, **options)
    client = invoke.client(_strict_response_validation=strict)
    ours = invoke(client.embeddings.create, **CALL, **options)
    assert ours.to_dict(warnings=False) == theirs.to_dict(warnings=False)
    assert ours._request_id is not None
    mine, official = reversed(invoke.upstream.requests)
    assert mine.json() == official.json()


def test_types(invoke: Any) -> None:
    """The result is of the public types, also through the raw response, with unknown members kept."""
    invoke.upstream.always(json=answer(base64.b64encode(b"\0\0\x80\x3f").decode()))
    embeddings = invoke.client().embeddings
    plain = invoke(embeddings.create, **CALL)
    raw = invoke(embeddings.with_raw_response.create, **CALL).parse()
    for result in (plain, raw):
        assert type(result) is CreateEmbeddingResponse
        assert type(result.data[0]) is Embedding
        assert result.data[0].embedding == [1.0]
        assert result.more == 1


@pytest.mark.parametrize("encoding", [None, ai_client.omit, ai_client.not_given])
def test_not_saying_is_packed(invoke: Any, encoding: Any) -> None:
    """An encoding that is not given is base64."""
    invoke(invoke.client().embeddings.create, **CALL, encoding_format=encoding)
    assert invoke.upstream.requests[0].json()["encoding_format"] == "base64"


def test_a_server_that_sends_numbers(invoke: Any) -> None:
    """A server that knows no base64 is understood, also where it mixes."""
    invoke.upstream.reply(json=answer([1, 0.5], base64.b64encode(b"\0\0\x80\x3f").decode()))
    result = invoke(invoke.client(_strict_response_validation=True).embeddings.create, **CALL)
    assert [each.embedding for each in result.data] == [[1.0, 0.5], [1.0]]


def test_odd_shapes(invoke: Any) -> None:
    """An answer that lacks usage is read all the same; one without vectors, or of odd bytes, is an error."""
    create = invoke.client().embeddings.create
    odd = answer(base64.b64encode(b"\0\0\x80\x3f").decode())
    del odd["usage"]
    invoke.upstream.reply(json=odd)
    assert invoke(create, **CALL).data[0].embedding == [1.0]
    invoke.upstream.reply(json=answer())
    with pytest.raises(ValueError, match="No embedding data received"):
        invoke(create, **CALL)
    invoke.upstream.reply(json=answer(base64.b64encode(b"abc").decode()))
    with pytest.raises(ValueError, match="does not consist of 32-bit floats"):
        invoke(create, **CALL)


def test_unpacked_in_one_pass() -> None:
    """A packed vector is decoded by the validator itself, not kept as text."""
    from ai_client.lib._embeddings import PackedResponse

    packed = decode(PackedResponse, encode(answer(base64.b64encode(b"\xfb\xff\xfe\x00").decode())))
    assert packed.data[0].embedding == b"\xfb\xff\xfe\x00"


FORMS: list[dict[str, Any]] = [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}]


@pytest.mark.parametrize("options", FORMS)
def test_buffer(invoke: Any, options: dict[str, Any]) -> None:
    """The buffer of an embedding holds its floats, read-only, whatever form was requested."""
    sent = [0.5, -2.0, 0.25]
    packed = base64.b64encode(struct.pack("<3f", *sent)).decode()
    invoke.upstream.reply(json=answer(sent if options.get("encoding_format") == "float" else packed))
    (embedding,) = invoke(invoke.client().embeddings.create, **CALL, **options).data
    for buffer in (embedding.buffer, embedding.buffer):
        assert (buffer.format, buffer.itemsize, buffer.readonly, buffer.shape) == ("f", 4, True, (3,))
        assert buffer.tolist() == sent
    assert embedding.embedding == (packed if options.get("encoding_format") == "base64" else sent)


def test_buffer_of_a_cached_answer(invoke: Any) -> None:
    """A cached answer offers the same buffer."""
    client = invoke.client(layers=make_layers({"cache": {"scope": "all"}}))
    invoke.upstream.reply(json=answer(base64.b64encode(struct.pack("<2f", 0.5, 1)).decode()))
    for _ in range(2):
        (embedding,) = invoke(client.embeddings.create, **CALL, encoding_format="base64").data
        assert embedding.buffer.tolist() == [0.5, 1]
    assert len(invoke.upstream.requests) == 1


@pytest.mark.parametrize("vector", [[0.5, 1.0], base64.b64encode(struct.pack("<2f", 0.5, 1)).decode()])
def test_reading_a_buffer_changes_nothing(vector: Any) -> None:
    """An embedding whose buffer was read is compared, copied, pickled and dumped like one whose was not."""
    untouched, read = (decode(EncodedEmbedding, encode(answer(vector)["data"][0])) for _ in range(2))
    assert read.buffer.tolist() == [0.5, 1]
    assert read == untouched
    assert read.model_dump(warnings=False) == untouched.model_dump(warnings=False)
    assert repr(read) == repr(untouched)
    thawed = pickle.loads(pickle.dumps(read))  # noqa: S301 - its own
    twins = (copy.copy(read), copy.deepcopy(read), read.model_copy(), thawed)
    for twin in twins:
        assert twin == untouched
        assert twin.buffer == read.buffer


def test_buffer_of_text_in_lines() -> None:
    """Base64 that is broken into lines is read all the same, to the buffer as to a list."""
    text = base64.encodebytes(struct.pack("<40f", *range(40))).decode()
    assert "\n" in text.strip()
    assert Embedding.model_construct(embedding=text).buffer.tolist() == list(range(40))


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (base64.b64encode(b"abc").decode(), "3 bytes does not consist of 32-bit floats"),
        ("not base64", "not valid base64"),
        ("\u00e9\u00e9\u00e9\u00e9", "not valid base64"),
        ([1.0, 1e300], "cannot be packed"),
        ([1.0, "secret"], "cannot be packed"),
        (None, "cannot be packed"),
        (7, "cannot be packed"),
    ],
)
def test_no_floats(vector: Any, message: str) -> None:
    """The buffer of what is no vector of 32-bit floats is an error of the package, which quotes none of it."""
    with pytest.raises(ai_client.EmbeddingError, match=message) as caught:
        _ = Embedding.model_construct(embedding=vector).buffer
    assert isinstance(caught.value, ai_client.OpenAIError)
    assert isinstance(caught.value, ValueError)
    assert "secret" not in str(caught.value)


def test_a_vector_that_is_no_base64(invoke: Any) -> None:
    """A vector of other characters than base64's is an error, not a list of those that are left."""
    invoke.upstream.reply(json=answer("!!!!"))
    with pytest.raises(ai_client.InvalidResultError, match="not valid base64"):
        invoke(invoke.client().embeddings.create, **CALL)


def test_the_other_byte_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a big-endian machine the bytes of each float are reversed, once."""
    sent = base64.b64encode(struct.pack("<2f", 0.5, -3)).decode()
    monkeypatch.setattr(sys, "byteorder", "big")
    swapped = Embedding.model_construct(embedding=sent).buffer
    assert swapped.tobytes() == struct.pack(">2f", 0.5, -3)
