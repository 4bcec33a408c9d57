"""Embeddings: packed on the wire, numbers for the caller."""

import base64
from typing import Any

import openai
import pytest

import ai_client
from ai_client._models.decode import decode
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
    from ai_client._params.encoding import encode
    from ai_client.lib._embeddings import PackedResponse

    packed = decode(PackedResponse, encode(answer(base64.b64encode(b"\xfb\xff\xfe\x00").decode())))
    assert packed.data[0].embedding == b"\xfb\xff\xfe\x00"
