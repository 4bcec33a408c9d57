"""Audio: speech into files, transcriptions in the form that was asked for."""

from pathlib import Path
from typing import Any

import openai
import pytest

from ai_client.testing import Reply, sse

FILE = ("a.wav", b"RIFF", "audio/wav")
SPEECH: dict[str, Any] = {"model": "tts-1", "input": "Hello", "voice": "alloy"}
SEGMENT = {
    "id": "s",
    "type": "transcript.text.segment",
    "speaker": "A",
    "start": 0.0,
    "end": 1.0,
    "text": "Hi",
}
ANSWERS: dict[Any, Any] = {
    None: {"text": "Hi", "usage": {"type": "duration", "seconds": 1}},
    "json": {"text": "Hi", "logprobs": [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}]},
    "verbose_json": {
        "text": "Hi",
        "language": "english",
        "duration": 1.0,
        "words": [{"word": "Hi", "start": 0.0, "end": 1.0}],
    },
    "diarized_json": {"task": "transcribe", "text": "Hi", "duration": 1.0, "segments": [SEGMENT]},
    "text": "Hi\n",
    "srt": "1\n00:00:00,000 --> 00:00:01,000\nHi\n",
    "vtt": "WEBVTT\n",
}


def answer(content: Any) -> Reply:
    """Answer with JSON or with text."""
    if isinstance(content, str):
        return Reply(body=content.encode(), headers={"content-type": "text/plain"})
    return Reply(json=content)


def outcome(result: Any) -> Any:
    """Give a result with the name of its type."""
    return type(result).__name__, result if isinstance(result, str) else result.to_dict()


@pytest.mark.filterwarnings("ignore:deprecated")  # the official SDK's translations are
@pytest.mark.parametrize("resource", ["transcriptions", "translations"])
@pytest.mark.parametrize("response_format", ANSWERS)
def test_formats(invoke: Any, resource: str, response_format: str | None) -> None:
    """Each format gives the official client's type and content."""
    if resource == "translations" and response_format == "diarized_json":
        pytest.skip("translations know no speakers")
    invoke.upstream.always(answer(ANSWERS[response_format]))
    options: dict[str, Any] = {"model": "whisper-1", "file": FILE}
    if response_format is not None:
        options["response_format"] = response_format
    with openai.OpenAI(base_url=invoke.upstream.base_url, api_key="any") as client:
        theirs = getattr(client.audio, resource).create(**options)
    ours = invoke(getattr(invoke.client().audio, resource).create, **options)
    assert outcome(ours) == outcome(theirs)
    parts = [each.body.split(b"Content-Disposition: ") for each in invoke.upstream.requests]
    assert [len(each) for each in parts] == [3 + (response_format is not None)] * 2


def test_transcription_piece_by_piece(invoke: Any) -> None:
    """A streamed transcription gives its text in pieces, then whole."""
    events = [
        {"type": "transcript.text.delta", "delta": "H"},
        {"type": "transcript.text.delta", "delta": "i"},
        {"type": "transcript.text.done", "text": "Hi"},
    ]
    invoke.upstream.reply(
        body=b"".join([*map(sse, events), sse("[DONE]")]), headers={"content-type": "text/event-stream"}
    )
    create = invoke.client().audio.transcriptions.create
    stream = invoke(create, model="gpt-4o-transcribe", file=FILE, stream=True)
    assert [event.to_dict() for event in invoke.collect(stream)] == events


def test_speech_into_a_file(invoke: Any, tmp_path: Path) -> None:
    """Speech is written to a file in each of the official SDK's ways."""
    invoke.upstream.always(body=b"\0\1\2", headers={"content-type": "audio/mpeg"})
    speech = invoke.client().audio.speech
    binary = invoke(speech.create, **SPEECH)
    ways = {
        "write": binary.write_to_file,
        "stream": binary.stream_to_file,
        "async": binary.astream_to_file,
    }
    if invoke.sync:
        del ways["async"]
    for name, write in ways.items():
        invoke(write, tmp_path / name)
    with invoke.within(speech.with_streaming_response.create(**SPEECH)) as response:
        invoke(response.stream_to_file, tmp_path / "as it comes")
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"\0\1\2"}
    assert len(list(tmp_path.iterdir())) == len(ways) + 1
    assert b"".join(binary.iter_bytes(2)) == binary.content
