"""What sound, pictures and bodies that callers read by themselves have used and cost, on both clients."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from ai_client import BudgetExceeded
from ai_client.control import Call, Record, Usage
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.accounting.cost import Cost
from ai_client.control.pricing.billed import is_billed
from ai_client.control.pricing.media import expected
from ai_client.control.pricing.price import Price
from ai_client.control.pricing.prices import Prices
from ai_client.control.record import call_record
from ai_client.stores import open_store
from ai_client.testing import Upstream
from tests.support.accounts import held
from tests.support.invoke import Invoke
from tests.support.policies import async_io, finish, sync_io

PRICES = Prices(
    {
        "speaker": {"input": 0.6, "output": 12},
        "by-character": {"characters": 15},
        "listener": {"input": 2.5, "output": 10, "audio_input": 6},
        "by-minute": {"minute": 0.006},
        "painter": {"input": 5, "output": 40, "image_input": 10},
        "by-picture": {"image": 0.04},
        "gpt-4o-mini": {"input": 1, "output": 1},
    },
    library=False,
)
HELLO: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
SOUND = ("a.wav", b"\0" * 96_000)


class Books:
    """A client under a budget and the sums of cost."""

    def __init__(self, invoke: Invoke) -> None:
        self.invoke = invoke
        self.store = open_store()
        self.cost = Cost(PRICES, self.store)
        budgets = [Budget(usd=1000, per="total"), Budget(tokens=10**9, per="total")]
        self.client = invoke.client(layers=[Budgets(budgets, self.store, PRICES), self.cost])

    def call(self, method: Any, **options: Any) -> Record:
        """Make a call and give what is known of it."""
        result = self.invoke(method, **options)
        record = call_record(result)
        assert record is not None
        return record

    @property
    def spent(self) -> int:
        """What the budget in USD has settled, in nano-USD."""
        ledger = held(self.store, "usd")
        assert ledger.held == 0
        return ledger.used

    @property
    def sums(self) -> dict[str, int]:
        """The sums of all calls."""
        (row,) = self.cost.report()
        return dict(row.sums)


@pytest.fixture
def books(invoke: Invoke) -> Books:
    """Make a client whose calls are accounted for."""
    return Books(invoke)


def read_unread(invoke: Invoke, method: Any, *, pieces: int | None = None, **options: Any) -> Record:
    """Read a call's body piece by piece, all or some of them, and give what is known of the call."""

    async def asynchronously() -> Any:
        async with method(**options) as response:
            seen = 0
            async for _ in response.iter_bytes(100):
                seen += 1
                if seen == pieces:
                    break
            return response

    if not invoke.sync:
        response = invoke(asynchronously)
    else:
        with method(**options) as response:
            for seen, _ in enumerate(response.iter_bytes(100), 1):
                if seen == pieces:
                    break
    record = call_record(response)
    assert record is not None
    return record


def test_speech_is_estimated(books: Books, upstream: Upstream) -> None:
    """Speech, which reports nothing, has an estimated cost by its text, not none; of plain sound by its length."""
    upstream.reply(body=b"\0" * 5000, headers={"content-type": "audio/mpeg"})
    upstream.reply(body=b"\0" * 480_000, headers={"content-type": "audio/pcm"})
    create = books.client.audio.speech.create
    text = "Good morning. " * 15
    by_text = books.call(create, model="speaker", voice="alloy", input=text)
    by_length = books.call(create, model="speaker", voice="alloy", input=text, response_format="pcm")
    assert by_text.usage == Usage("estimated", 53, 294, audio_output=294, characters=210)
    assert by_length.usage is not None
    assert by_length.usage.output == 210  # ten seconds
    assert by_text.nano_usd == 53 * 600 + 294 * 12_000
    assert books.spent == (by_text.nano_usd or 0) + (by_length.nano_usd or 0)
    assert books.sums["estimated"] == 2
    assert books.sums["characters"] == 420


def test_speech_by_characters(books: Books, upstream: Upstream) -> None:
    """A model with a price for characters costs that, whether its sound is read at once or as it comes."""
    upstream.always(body=b"\0" * 5000, headers={"content-type": "audio/mpeg"})
    speech = books.client.audio.speech
    options = {"model": "by-character", "voice": "alloy", "input": "x" * 1000}
    whole = books.call(speech.create, **options)
    read = read_unread(books.invoke, speech.with_streaming_response.create, **options)
    left = read_unread(books.invoke, speech.with_streaming_response.create, pieces=1, **options)
    assert [record.nano_usd for record in (whole, read, left)] == [15_000_000] * 3
    assert books.spent == 3 * 15_000_000


def test_speech_in_events_reports(books: Books, upstream: Upstream) -> None:
    """Speech as events reports its tokens at the end, whoever reads them."""
    events = [
        {"type": "speech.audio.delta", "audio": "AAAA"},
        {
            "type": "speech.audio.done",
            "usage": {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115},
        },
    ]
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()
    upstream.always(body=body, headers={"content-type": "text/event-stream"})
    speech = books.client.audio.speech
    options = {"model": "speaker", "voice": "alloy", "input": "Hello", "stream_format": "sse"}
    whole = books.call(speech.with_raw_response.create, **options)
    read = read_unread(books.invoke, speech.with_streaming_response.create, **options)
    assert [record.usage for record in (whole, read)] == [Usage("reported", 14, 101)] * 2


def test_transcriptions(books: Books, upstream: Upstream) -> None:
    """A transcription costs what it reports, by tokens or by its length; one that reports nothing is unknown and
    counts as it was set aside.
    """  # noqa: D205 - one sentence
    tokens = {
        "type": "tokens",
        "input_tokens": 100,
        "output_tokens": 10,
        "input_token_details": {"audio_tokens": 90, "text_tokens": 10},
    }
    create = books.client.audio.transcriptions.create
    upstream.reply(json={"text": "Hi", "usage": tokens})
    by_tokens = books.call(create, model="listener", file=SOUND)
    assert by_tokens.usage == Usage("reported", 100, 10, audio_input=90)
    assert by_tokens.nano_usd == 10 * 2500 + 90 * 6000 + 10 * 10_000
    upstream.reply(json={"text": "Hi", "usage": {"type": "duration", "seconds": 90}})
    by_length = books.call(create, model="by-minute", file=SOUND)
    assert (by_length.usage, by_length.nano_usd) == (Usage("reported", seconds=90.0), 9_000_000)
    upstream.reply(json={"text": "Hi", "duration": 30.0, "segments": []})
    verbose = books.call(create, model="by-minute", file=SOUND, response_format="verbose_json")
    assert (verbose.usage, verbose.nano_usd) == (Usage("estimated", seconds=30.0), 3_000_000)
    before = books.spent
    upstream.reply(body=b"Hi", headers={"content-type": "text/plain"})
    raw = books.client.audio.transcriptions.with_raw_response.create
    plain = books.call(raw, model="by-minute", file=SOUND, response_format="text")
    assert plain.usage is not None
    assert (plain.usage.source, plain.nano_usd) == ("unknown", None)
    assert books.spent - before == round(96_000 / 4000 / 60 * 0.006 * 1e9)
    assert books.sums["seconds"] == 120
    assert books.sums["unpriced"] == 1


def test_a_streamed_transcription(books: Books, upstream: Upstream) -> None:
    """A transcription that is streamed reports its tokens in its last event."""
    usage = {"type": "tokens", "input_tokens": 20, "output_tokens": 4, "total_tokens": 24}
    events: list[dict[str, Any]] = [
        {"type": "transcript.text.delta", "delta": "Hi"},
        {"type": "transcript.text.done", "text": "Hi", "usage": usage},
    ]
    chunks = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    upstream.reply(chunks=chunks, headers={"content-type": "text/event-stream"})
    invoke = books.invoke
    stream = invoke(books.client.audio.transcriptions.create, model="listener", file=SOUND, stream=True)
    invoke.collect(stream)
    record = call_record(stream)
    assert record is not None
    assert record.usage == Usage("reported", 20, 4)
    assert books.spent == record.nano_usd


def test_pictures(books: Books, upstream: Upstream) -> None:
    """Pictures cost the tokens that are reported for them, or what each costs where none are."""
    usage = {
        "input_tokens": 50,
        "output_tokens": 4160,
        "total_tokens": 4210,
        "input_tokens_details": {"image_tokens": 40, "text_tokens": 10},
    }
    upstream.reply(json={"created": 1, "data": [{"b64_json": "AAAA"}], "usage": usage})
    generate = books.client.images.generate
    by_tokens = books.call(generate, model="painter", prompt="A house")
    assert by_tokens.usage == Usage("reported", 50, 4160, image_input=40)
    assert by_tokens.nano_usd == 10 * 5000 + 40 * 10_000 + 4160 * 40_000
    upstream.reply(json={"created": 1, "data": [{"url": "a"}, {"url": "b"}]})
    by_picture = books.call(generate, model="by-picture", prompt="A house", n=2)
    assert (by_picture.usage, by_picture.nano_usd) == (Usage("estimated", images=2), 80_000_000)
    upstream.reply(json={"created": 1, "data": [{"url": "a"}]})
    unknown = books.call(generate, model="painter", prompt="A house")
    assert unknown.nano_usd is None
    assert books.sums["images"] == 3


def test_a_streamed_picture(books: Books, upstream: Upstream) -> None:
    """A picture that is streamed reports its tokens in its last event."""
    usage = {"input_tokens": 5, "output_tokens": 100, "total_tokens": 105}
    events: list[dict[str, Any]] = [
        {"type": "image_generation.partial_image", "b64_json": "AA", "partial_image_index": 0},
        {"type": "image_generation.completed", "b64_json": "AAAA", "usage": usage},
    ]
    chunks = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    upstream.reply(chunks=chunks, headers={"content-type": "text/event-stream"})
    stream = books.invoke(books.client.images.generate, model="painter", prompt="x", stream=True)
    books.invoke.collect(stream)
    record = call_record(stream)
    assert record is not None
    assert record.usage == Usage("reported", 5, 100)


def test_what_is_free_or_uses_no_model_is_not_counted(books: Books, upstream: Upstream) -> None:
    """Moderations, uploads and lists pass a hard budget without a price, and are in no sum."""
    upstream.reply(json={"id": "file-1", "object": "file"})
    invoke, client = books.invoke, books.client
    invoke(client.files.create, file=SOUND, purpose="assistants")
    invoke(client.moderations.create, model="omni-moderation-latest", input="Hello")
    invoke(client.models.list)
    assert len(upstream.requests) == 3
    assert books.cost.report() == []
    assert books.spent == 0


def test_what_only_prepares_is_not_counted(books: Books, upstream: Upstream) -> None:
    """Counting tokens, training and assistants name a model and run none: they cost no tokens, and need no price."""
    invoke, client = books.invoke, books.client
    upstream.always(json={"object": "any", "id": "x", "input_tokens": 11})
    counted = invoke(client.responses.input_tokens.count, model="no-price", input="Hello")
    assert counted.input_tokens == 11
    invoke(client.fine_tuning.jobs.create, model="no-price", training_file="file-1")
    invoke(client.beta.assistants.create, model="no-price")
    assert (books.cost.report(), books.spent) == ([], 0)
    assert held(books.store, "tokens").used == 0


def test_a_video_is_no_tokens(books: Books, upstream: Upstream) -> None:
    """A video uses no tokens of a budget; its cost is known where the application has a price for each."""
    prices = Prices({"filmmaker": {"request": 0.8}}, library=False)
    budgets = [Budget(usd=1, per="total"), Budget(tokens=1, per="total")]
    cost = Cost(prices, books.store)
    client = books.invoke.client(layers=[Budgets(budgets, books.store, prices), cost])
    upstream.always(json={"id": "video_1", "object": "video", "status": "queued", "model": "filmmaker"})
    record = books.call(client.videos.create, model="filmmaker", prompt="A house")
    assert record.nano_usd == books.spent == 800_000_000
    assert held(books.store, "tokens").used == 0
    (row,) = cost.report()
    assert (row.usd, row.unpriced, row.sums["unknown"]) == (0.8, 0, 1)
    with pytest.raises(BudgetExceeded):
        books.invoke(client.videos.create, model="filmmaker", prompt="A house")


def test_embeddings(books: Books) -> None:
    """Embeddings cost the tokens that went in."""
    prices = Prices({"embedder": {"input": 0.02}}, library=False)
    client = books.invoke.client(layers=[Cost(prices)])
    record = books.call(client.embeddings.create, model="embedder", input="x y z", dimensions=2)
    assert record.usage is not None
    assert (record.usage.source, record.usage.output) == ("reported", 0)
    assert record.nano_usd == record.usage.input * 20


@pytest.mark.parametrize("pieces", [None, 3])
def test_an_unread_stream_is_estimated(books: Books, pieces: int | None) -> None:
    """A stream that the caller reads has an estimated cost; where it is left early, a budget counts the reservation."""
    chat = books.client.chat.completions.with_streaming_response.create
    record = read_unread(books.invoke, chat, pieces=pieces, **HELLO, stream=True)
    assert record.usage is not None
    assert record.usage.source == "estimated"
    assert record.usage.input > 0
    assert record.usage.output > 0 or pieces
    assert record.nano_usd
    assert (books.spent > record.nano_usd) if pieces else (books.spent == record.nano_usd)


@pytest.mark.parametrize("packed", [False, True])
def test_an_unread_answer_reports(books: Books, upstream: Upstream, packed: bool) -> None:
    """An answer whose bytes the caller reads costs what it reports, in whatever encoding it comes."""
    usage = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}
    body = json.dumps({"id": "x", "model": "gpt-4o-mini", "choices": [], "usage": usage}).encode()
    headers = {"content-type": "application/json"}
    if packed:
        upstream.reply(body=gzip.compress(body), headers={**headers, "content-encoding": "gzip"})
    else:
        upstream.reply(body=body, headers=headers)
    record = read_unread(books.invoke, books.client.chat.completions.with_streaming_response.create, **HELLO)
    assert record.usage == Usage("reported", 30, 20, model="gpt-4o-mini")
    assert books.spent == 50_000


def test_an_unread_answer_that_is_left_counts_as_set_aside(books: Books, upstream: Upstream) -> None:
    """An answer of which the caller reads only a part is of unknown cost, and settles at its reservation."""
    upstream.reply(
        chunks=[b'{"id": "x", ', b" " * 200_000, b'"choices": []}'],
        headers={"content-type": "application/json"},
    )
    chat = books.client.chat.completions.with_streaming_response.create
    record = read_unread(books.invoke, chat, pieces=1, **HELLO, max_tokens=500)
    assert record.usage is not None
    assert record.usage.source == "unknown"
    assert books.spent > 500_000


def test_a_call_about_media_is_reserved_by_its_kind(
    invoke: Invoke, upstream: Upstream, tmp_path: Path
) -> None:
    """What is set aside follows the text to speak, the size of the recording, and the number of pictures."""
    sound = tmp_path / "a.wav"
    sound.write_bytes(bytes(40_000))

    def needs(path: str, body: dict[str, Any], file: Any = None) -> Usage:
        files = [("file", file)] if file is not None else None
        return expected(Call(sync_io(), "POST", path, None, body=body, files=files))

    assert needs("/audio/speech", {"input": "x" * 800}).output == 2100
    for file in (bytes(40_000), ("a.wav", bytes(40_000)), sound, io.BytesIO(bytes(40_000))):
        found = needs("/audio/transcriptions", {}, file)
        assert found.seconds == (1500 if isinstance(file, io.BytesIO) else 10)
        assert found.total == found.seconds * 21
    with sound.open("rb") as opened:
        assert needs("/audio/translations", {}, opened).seconds == 10
    assert needs("/images/generations", {"prompt": "x", "n": 3}).output == 3 * 6500
    assert needs("/images/edits", {"prompt": "x"}, bytes(5)).image_input == 1500
    client = invoke.client(layers=[Budgets([Budget(usd=0.01, per="total")], open_store(), PRICES)])
    with pytest.raises(BudgetExceeded):
        invoke(client.images.generate, model="painter", prompt="x")
    assert not upstream.requests


def test_what_is_billed() -> None:
    """Billed is what asks a model and is not free; a response may have its model from a stored prompt."""

    def billed(path: str, method: str = "POST", **body: Any) -> bool:
        return is_billed(Call(async_io(), method, path, None, body=body))

    assert billed("/chat/completions", model="m")
    assert billed("/responses", prompt={"id": "p"})
    assert billed("/images/generations", prompt="x")
    assert billed("/responses/compact", model="m")
    assert billed("/responses?beta=true", prompt={"id": "p"})
    assert billed("/threads/thread_1/runs", assistant_id="a")
    assert billed("https://rerank.example/v1/rerank", model="m")
    for free in (
        "/moderations",
        "/responses/input_tokens",
        "/responses/input_tokens?beta=true",
        "/assistants",
        "/assistants/asst_1",
        "/fine_tuning/jobs",
        "/realtime/client_secrets",
        "/realtime/calls/rtc_1/accept",
        "/audio/voices",
    ):
        assert not billed(free, model="m"), free
    assert not billed("/files")
    assert not billed("/models", "GET")


def test_prices_of_the_library_by_length_and_by_characters() -> None:
    """The library's prices for minutes and characters are used where a model has them."""
    prices = Prices()
    finish(prices.ready(sync_io()))
    assert prices.nano_usd(Usage("reported", seconds=60.0), "whisper-1") == 6_000_000
    assert prices.nano_usd(Usage("estimated", 250, 900, characters=1_000_000), "tts-1") == 15_000_000_000
    assert prices.nano_usd(Usage("reported", seconds=60.0), "gpt-4o-mini") is None


def test_a_price_below_nothing_is_refused() -> None:
    """A price that is negative or no number fails where it is made."""
    from ai_client import ConfigError

    for amount in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="price: output must be 0 or more"):
            Price(1, amount)
