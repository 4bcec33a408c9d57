"""The most that a prompt may have: images by their size, files, sounds, schemas, and what a request refers to."""

import base64
import io
import json
import math
import struct
import wave
import zipfile
import zlib
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ai_client import BudgetExceeded, not_given, omit
from ai_client._models.decode import decode
from ai_client.control import Call
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.pricing.estimates import input_tokens, prompt_tokens, size_of
from ai_client.control.pricing.image_size import pixels_of
from ai_client.control.pricing.media import expected
from ai_client.control.pricing.prices import Prices
from ai_client.control.pricing.sound import seconds_in
from ai_client.stores import open_store
from ai_client.testing import Upstream
from ai_client.types.responses import Response
from tests.support.accounts import held
from tests.support.invoke import Invoke
from tests.support.policies import sync_io


def call(path: str = "/chat/completions", **body: Any) -> Call:
    """Describe a call."""
    return Call(sync_io(), "POST", path, None, body=body, timeout=not_given)


def most(unseen: int = 0, **body: Any) -> int:
    """Return the most tokens that a prompt is taken to have."""
    return size_of(call("/responses", **body)).most(unseen)


def png(width: int, height: int) -> bytes:
    """Return the beginning of a PNG."""
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + bytes(64)


def gif(width: int, height: int) -> bytes:
    """Return the beginning of a GIF."""
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(64)


def jpeg(width: int, height: int, before: int = 0) -> bytes:
    """Return the beginning of a JPEG with a thumbnail in its header, and segments of *before* bytes."""
    frame = b"\xff\xc2\0\x11\x08" + struct.pack(">HH", height, width) + bytes(64)
    thumbnail = b"\xff\xd8\xff\xc0\0\x11\x08\0\1\0\1" + bytes(12)
    segments = [thumbnail, *(bytes(60_000) for _ in range(before // 60_000))]
    parts = [b"\xff\xe1" + struct.pack(">H", len(one) + 2) + one for one in segments]
    return b"\xff\xd8" + b"".join(parts) + b"\xff" + frame


def webp(width: int, height: int) -> bytes:
    """Return the beginning of a lossy WebP."""
    return b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(64)


def webp_lossless(width: int, height: int) -> bytes:
    """Return the beginning of a lossless WebP."""
    bits = (width - 1) | (height - 1) << 14
    return b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", bits) + bytes(64)


def webp_extended(width: int, height: int) -> bytes:
    """Return the beginning of an extended WebP."""
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + size + bytes(64)


FORMATS = [png, gif, jpeg, webp, webp_lossless, webp_extended]


def url(data: bytes, kind: str = "image/png") -> str:
    """Return a data URL."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def seen(source: str, detail: str | None = None) -> list[Any]:
    """Return a prompt of the Responses API that is one image."""
    part = {"type": "input_image", "image_url": source}
    return [{"role": "user", "content": [part if detail is None else {**part, "detail": detail}]}]


FRAME = 10
"""The most tokens of the message around a part."""


@pytest.mark.parametrize("make", FORMATS)
def test_the_size_of_an_image_is_in_its_header(make: Any) -> None:
    """PNG, GIF, JPEG and WebP tell their size, whatever type the address names, in plain base64 too."""
    data = make(1234, 567)
    assert pixels_of(url(data)) == (1234, 567)
    assert pixels_of(url(data, "image/jpeg;charset=x")) == (1234, 567)
    assert pixels_of(base64.b64encode(data).decode()) == (1234, 567)
    lines = base64.encodebytes(data).decode()
    assert pixels_of("data:image/png;base64," + lines) == (1234, 567)


def test_a_long_header_of_a_jpeg_is_read() -> None:
    """A frame after hundreds of kilobytes of other segments is found."""
    assert pixels_of(url(jpeg(300, 200, before=600_000))) == (300, 200)


@given(st.binary(max_size=80), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"GIF89a", b"RIFF"]))
def test_no_header_is_an_unknown_size(data: bytes, magic: bytes) -> None:
    """Bytes that are no image have a size of at least 1 by 1, or none."""
    found = pixels_of(url(magic + data))
    assert found is None or min(found) > 0


@pytest.mark.parametrize(
    ("model", "size", "detail", "tokens"),
    [
        ("gpt-4o", (1024, 1024), "high", 765),
        ("gpt-4o", (2048, 4096), "high", 1105),
        ("gpt-4o", (4096, 8192), "low", 85),
        ("gpt-4o-2024-08-06", (512, 512), None, 255),
        ("gpt-4.1", (1024, 1024), None, 765),
        ("gpt-4o-mini", (1024, 1024), "auto", 25_501),
        ("gpt-4o-mini-2024-07-18", (768, 1300), None, 36_835),
        ("ft:gpt-4o-mini-2024-07-18:acme::1", (768, 1300), None, 36_835),
        ("openai/gpt-4o-mini", (100, 100), "low", 2833),
        ("o1", (1024, 1024), None, 675),
        ("o3-2025-04-16", (1024, 1024), None, 675),
        ("computer-use-preview", (1024, 1024), None, 581),
        ("gpt-5", (1024, 1024), None, 630),
        ("gpt-5-chat-latest", (1024, 1024), None, 630),
        ("gpt-4.1-mini", (1024, 1024), None, math.ceil(1024 * 1.62)),
        ("gpt-4.1-nano", (1800, 2400), None, math.ceil(1536 * 2.46)),
        ("o4-mini", (1024, 1024), "low", math.ceil(1024 * 1.72)),
        ("gpt-5-mini", (1024, 1024), None, math.ceil(1024 * 1.62)),
        ("gpt-5-nano", (1024, 1024), None, math.ceil(1024 * 2.46)),
        ("gpt-5.5", (256, 256), None, 77),
        ("gpt-5.5", (1024, 1024), None, 1229),
        ("gpt-5.5", (1920, 1080), "auto", 2448),
        ("gpt-5.5", (3840, 2160), "auto", 9792),
        ("gpt-5.5", (4032, 3024), "auto", 12_000),
        ("gpt-5.5", (4032, 3024), "high", 3000),
        ("gpt-6", (4032, 3024), "auto", 14_364),
    ],
)
def test_images_have_the_tokens_of_their_models(
    model: str, size: tuple[int, int], detail: str | None, tokens: int
) -> None:
    """The rules of each model give what is published of them."""
    prompt = seen(url(png(*size)), detail)
    assert most(model=model, input=prompt) == tokens + FRAME
    chat = [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": url(png(*size)), "detail": detail or "auto"}}
            ],
        }
    ]
    assert size_of(call(model=model, messages=chat)).most(0) == tokens + FRAME


def tiles(width: int, height: int, base: int, tile: int) -> int:
    """Count the tokens of an image as the documentation tells, one step after the other."""
    w, h = float(width), float(height)
    if max(w, h) > 2048:
        w, h = w * 2048 / max(w, h), h * 2048 / max(w, h)
    if min(w, h) > 768:
        w, h = w * 768 / min(w, h), h * 768 / min(w, h)
    return base + tile * math.ceil(round(w, 6) / 512) * math.ceil(round(h, 6) / 512)


def patches(width: int, height: int, factor: float, budget: int) -> int:
    """Count the tokens of an image that is covered by patches, scaled down to fit a number of them."""
    if math.ceil(width / 32) * math.ceil(height / 32) > budget:
        shrink = math.sqrt(budget * 32**2 / (width * height))
        w, h = width * shrink / 32, height * shrink / 32
        shrink *= min(math.floor(w) / w, math.floor(h) / h) if min(w, h) >= 1 else 1
        width, height = max(1, int(width * shrink)), max(1, int(height * shrink))
    return math.ceil(min(budget, math.ceil(width / 32) * math.ceil(height / 32)) * factor)


COUNTS = {
    "gpt-4o": lambda w, h: tiles(w, h, 85, 170),
    "gpt-4o-mini": lambda w, h: tiles(w, h, 2833, 5667),
    "o1": lambda w, h: tiles(w, h, 75, 150),
    "gpt-5": lambda w, h: tiles(w, h, 70, 140),
    "gpt-4.1-mini": lambda w, h: patches(w, h, 1.62, 1536),
    "gpt-4.1-nano": lambda w, h: patches(w, h, 2.46, 1536),
    "o4-mini": lambda w, h: patches(w, h, 1.72, 1536),
    "gpt-5-mini": lambda w, h: patches(w, h, 1.62, 1536),
    "gpt-5.5": lambda w, h: patches(w, h, 1.2, 10_000),
}
SIDE = st.integers(1, 6000)


@given(st.sampled_from(sorted(COUNTS)), st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=4), st.text())
def test_a_prompt_has_no_more_than_its_estimate(model: str, sizes: list[tuple[int, int]], text: str) -> None:
    """A prompt of text and images has no more tokens than are set aside, and not far less where sizes are known."""
    counted = sum(COUNTS[model](*size) for size in sizes)
    content: list[Any] = [{"type": "input_text", "text": text}]
    for index, size in enumerate(sizes):
        content += seen(url(FORMATS[index](*size)))[0]["content"]
    body = {"model": model, "input": [{"role": "user", "content": content}]}
    words = len(text.split())
    assert counted + words <= most(**body) <= 1.3 * counted + len(text.encode()) + 100
    assert counted <= input_tokens(call("/responses", **body))
    hidden = [{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"} for _ in sizes]}]
    assert counted <= most(model=model, input=hidden)


@given(st.text(max_size=20), SIDE, SIDE)
def test_a_model_without_a_rule_has_the_dearest(model: str, width: int, height: int) -> None:
    """Of a deployment with any name, an image has no fewer tokens than one of OpenAI's models could take."""
    known = seen(url(png(width, height)))
    assert most(model=f"my {model}", input=known) >= tiles(width, height, 2833, 5667)
    assert most(model=f"my {model}", input=known) >= patches(width, height, 1.2, 10_000)
    assert most(model=f"my {model}", input=seen("https://images.example/x.png")) >= 48_169


@pytest.mark.parametrize(
    ("model", "tokens"), [("claude-opus-5-5", 4005), ("gemini-3-pro", 1101), ("qwen3-vl", 9000)]
)
def test_models_of_others_have_bounds_of_their_own(model: str, tokens: int) -> None:
    """Models that count images otherwise have less set aside than the dearest of OpenAI's, and enough."""
    found = most(model=f"vendor/{model}", input=seen(url(png(4032, 3024))))
    assert tokens <= found < 20_000


def test_an_image_is_set_aside_as_it_is_reported(invoke: Invoke, upstream: Upstream) -> None:
    """A hard budget has set aside no less than the 36,848 tokens that the model then reports for an image."""
    usage = {"prompt_tokens": 36_848, "completion_tokens": 10, "total_tokens": 36_858}
    upstream.always(json={"model": "gpt-4o-mini", "choices": [], "usage": usage})
    content = [
        {"type": "text", "text": "What is in this image?"},
        {"type": "image_url", "image_url": {"url": url(png(768, 1300))}},
    ]
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}], "max_tokens": 10}
    for limit, fits in ((36_857, False), (37_000, True)):
        store = open_store()
        client = invoke.client(layers=[Budgets([Budget(tokens=limit, per="total")], store, Prices())])
        if fits:
            invoke(client.chat.completions.create, **asked)
            assert held(store, "tokens").used == 36_858
        else:
            with pytest.raises(BudgetExceeded):
                invoke(client.chat.completions.create, **asked)
    assert len(upstream.requests) == 1


SCREEN = {"type": "computer_screenshot", "image_url": url(png(1280, 720) + bytes(200_000))}
DRAWN = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "A" * 1_000_000}


@pytest.mark.parametrize(
    "item",
    [
        {"type": "computer_call_output", "call_id": "c", "output": SCREEN},
        {
            "type": "function_call_output",
            "call_id": "c",
            "output": seen(url(png(9, 9) + bytes(10**6)))[0]["content"],
        },
        DRAWN,
        decode(Response, json.dumps({"id": "r", "output": [DRAWN]}).encode()).output[0],
        {
            "type": "code_interpreter_call",
            "id": "ci_1",
            "code": "x",
            "outputs": [{"type": "image", "url": url(png(9, 9) + bytes(10**6))}],
        },
    ],
)
def test_images_within_items_are_no_text(item: Any) -> None:
    """An image in any item counts by its size, and not by the length of its base64."""
    assert most(model="gpt-5.5", input=[{"role": "user", "content": "Go on"}, item]) < 15_000


SCHEMA = {"type": "object", "properties": {f"a_rather_long_name_{n}": {"type": "string"} for n in range(200)}}


@pytest.mark.parametrize(
    "members",
    [
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
        {"text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}},
        {"tools": [{"type": "function", "name": "f", "parameters": SCHEMA}]},
        {"functions": [{"name": "f", "parameters": SCHEMA}]},
        {"instructions": "a_rather_long_name" * 500},
        {"prediction": {"type": "content", "content": "a_rather_long_name" * 500}},
        {"something_new": SCHEMA},
    ],
)
@pytest.mark.parametrize("prompt", ["Hi", seen(url(png(9, 9)), "low")])
def test_all_that_a_model_reads_counts(members: dict[str, Any], prompt: Any) -> None:
    """Schemas, tools and instructions count beside a prompt of text and beside one of images."""
    without = {"model": "gpt-4o", "input": prompt, "metadata": {"key": "x" * 500}, "user": "x" * 60}
    size = len(json.dumps(members)) // 3
    assert most(**without, **members) - most(**without) >= size
    assert prompt_tokens({**without, **members}) - prompt_tokens(without) >= size // 2
    image = {**without, "input": seen(url(png(9, 9)))}
    assert prompt_tokens(image) < 500


@pytest.mark.parametrize(
    ("body", "things"),
    [
        ({"input": "Hi"}, 0),
        ({"input": "Hi", "previous_response_id": "resp_1"}, 1),
        ({"input": "Hi", "previous_response_id": None}, 0),
        ({"input": "Hi", "conversation": {"id": "conv_1"}}, 1),
        ({"prompt": {"id": "pmpt_1", "variables": {"a": "b"}}}, 1),
        ({"input": "Hi", "prompt": {"id": "pmpt_1"}, "conversation": "conv_1"}, 2),
        ({"input": [{"type": "item_reference", "id": f"rs_{n}"} for n in range(9)]}, 1),
        ({"input": [{"id": "rs_1"}, {"role": "user", "content": "Hi"}]}, 1),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]}, 1),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://x/y"}] * 2}]},
            2,
        ),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]}, 1),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "video_url", "video_url": {"url": "https://x"}}]}
                ]
            },
            1,
        ),
    ],
)
def test_what_is_only_referred_to_counts_as_set(body: dict[str, Any], things: int) -> None:
    """Each thing that a request refers to has the tokens that the application sets for it."""
    assert most(1_000_000, model="gpt-5.5", **body) // 1_000_000 == things
    assert input_tokens(call("/responses", model="gpt-5.5", **body)) < 5000


def test_a_run_reads_its_thread() -> None:
    """A run has its thread set aside as a thing of unknown size, or by the limit that it sets."""
    for path in ("/threads/thread_1/runs", "/threads/runs", "/threads/runs?beta=true"):
        assert size_of(call(path, assistant_id="asst_1")).most(1000) >= 1000
        assert size_of(call(path, assistant_id="asst_1", max_prompt_tokens=50_000)).most(10**6) in range(
            50_000, 51_000
        )


def test_what_is_set_for_unseen_things_is_reserved(invoke: Invoke, upstream: Upstream) -> None:
    """A budget reserves `unseen_tokens` for an earlier response."""
    asked = {"model": "gpt-5.5", "input": "Hi", "previous_response_id": "resp_1", "max_output_tokens": 10}
    for tokens, fits in ((900, True), (1100, False)):
        budgets = Budgets([Budget(tokens=1000, per="total")], open_store(), Prices(), unseen_tokens=tokens)
        client = invoke.client(layers=[budgets])
        if fits:
            invoke(client.responses.create, **asked)
        else:
            with pytest.raises(BudgetExceeded):
                invoke(client.responses.create, **asked)
    assert len(upstream.requests) == 1


def document(data: bytes | str, kind: str = "application/pdf") -> list[Any]:
    """Return a prompt that is one file."""
    given = data if isinstance(data, str) else url(data, kind)
    return [{"role": "user", "content": [{"type": "input_file", "filename": "x", "file_data": given}]}]


def pdf(pages: int, *, packed: bool) -> bytes:
    """Return a PDF of empty pages, their objects plain or compressed."""
    objects = b"<</Type /Pages /Count 9>>" + b"<< /Type /Page /Parent 1 0 R >>\n" * pages
    if packed:
        inside = zlib.compress(objects)
        objects = b"1 0 obj <</Type /ObjStm /N 1 /First 5>> stream\r\n" + inside + b"\r\nendstream endobj"
    return b"%PDF-1.7\n" + objects + b"\n%%EOF"


@pytest.mark.parametrize("packed", [False, True])
def test_a_pdf_counts_by_its_pages(packed: bool) -> None:
    """Each page of a PDF has the tokens of an image and of a full page of text, not those of its base64."""
    for pages in (1, 7):
        found = most(model="gpt-4o", input=document(pdf(pages, packed=packed) + bytes(500_000)))
        assert pages * 1500 <= found <= pages * 4000 + FRAME
    assert most(10**6, model="gpt-4o", input=document(b"%PDF-1.7 nothing known")) >= 10**6


def test_other_files_count_by_their_text() -> None:
    """Plain text counts by its bytes, an office document by its XML, and what is no base64 by what it is."""
    text = b"word " * 10_000
    assert 20_000 <= most(model="gpt-4o", input=document(text, "text/plain")) <= 30_000
    plain = "Words, more words; and none of it is base64. " * 1000
    assert most(model="gpt-4o", input=document(plain)) >= 10_000
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "<t>word</t>" * 10_000)
        archive.writestr("word/media/image1.png", bytes(10**6))
    assert 10_000 <= most(model="gpt-4o", input=document(packed.getvalue())) <= 60_000
    assert most(10**6, model="gpt-4o", input=document(b"PK\x03\x04 broken")) >= 10**6


def wav(seconds: float, rate: int = 16_000) -> bytes:
    """Return silence as WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(bytes(2 * int(seconds * rate)))
    return file.getvalue()


def mp3(frames: int, tag: int = 0) -> bytes:
    """Return frames of MPEG 1, layer III, 128 kbit/s, 44.1 kHz, after an ID3 tag of some bytes."""
    size = bytes(tag >> shift & 0x7F for shift in (21, 14, 7, 0))
    frame = b"\xff\xfb\x90\x00" + bytes(413)
    return (b"ID3\x04\0\0" + size + bytes(tag) if tag else b"") + frame * frames


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (wav(10), 10),
        (wav(3, 8000), 3),
        (mp3(100), 100 * 1152 / 44_100),
        (mp3(100, tag=30_000), 100 * 1152 / 44_100),
        (bytes(40_000), 10),
        (b"\xff\xf3\x40\xc0" + bytes(100), 576 / 22_050),
    ],
)
def test_a_recording_is_as_long_as_its_frames(data: bytes, seconds: float) -> None:
    """The length of a WAV or MP3 is known; of another, the longest that its size allows."""
    assert seconds <= seconds_in(data) + 1e-9
    assert seconds_in(data) == pytest.approx(seconds, rel=0.01)


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"RIFF....WAVE", b"RIFF....WAVEfmt \x10\0\0\0", b"ID3", b"\xff\xfb"]),
)
def test_no_recording_is_without_a_length(data: bytes, magic: bytes) -> None:
    """Bytes of any kind have a length that is a number, and not negative."""
    assert 0 <= seconds_in(magic + data) < 10**6


def test_sound_in_a_prompt_counts_by_its_length() -> None:
    """A recording has tokens by the second, not by the length of its base64."""
    part = {
        "type": "input_audio",
        "input_audio": {"data": base64.b64encode(wav(60)).decode(), "format": "wav"},
    }
    size = size_of(call(model="gpt-audio", messages=[{"role": "user", "content": [part]}]))
    assert 600 <= size.tokens() <= 700
    assert 1900 <= size.most(0) <= 2000


@pytest.mark.parametrize(
    ("body", "made"),
    [
        ({}, 6500),
        ({"model": "gpt-image-1", "size": "1536x1024", "n": "2", "partial_images": 3}, 13_600),
        ({"model": "gpt-image-2", "size": "1024x1024", "quality": "high"}, 7024),
        ({"model": "gpt-image-2", "size": "1536x1024"}, 5488),
        ({"model": "gpt-image-2", "size": "3584x2048", "quality": "auto", "n": 2}, 24_658),
        ({"model": "gpt-image-2-2026-04-21", "quality": "high"}, 23_719),
        ({"model": "gpt-image-2", "size": "1024x1024", "quality": "low"}, 196),
    ],
)
def test_images_are_made_at_their_size(body: dict[str, Any], made: int) -> None:
    """An image has the most output tokens of its model, or those of its size and quality where these are free."""
    usage = expected(call("/images/generations", prompt="x", **body))
    assert (usage.output, usage.image_output, usage.image_input) == (made, made, 0)


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ({"model": "gpt-image-1"}, 65 + 129),
        ({"model": "gpt-image-1", "input_fidelity": "high"}, 65 + 129 + 6240),
        ({"model": "gpt-image-2"}, 65 + 129 + 6240),
    ],
)
def test_images_to_edit_count_by_their_size(options: dict[str, Any], given: int) -> None:
    """Each image to edit has the tokens of its tiles, and more where its details are kept."""
    data = png(1024, 1024)
    files = [("image[]", data), ("image[]", ("x.png", data)), ("mask", data)]
    form = Call(sync_io(), "POST", "/images/edits", None, body={"prompt": "x", **options}, files=files)
    assert expected(form).image_input == 3 * given
    named = call("/images/edits", prompt="x", images=[{"image_url": url(data)}], **options)
    assert expected(named).image_input == given
    hidden = call("/images/edits", prompt="x", images=[{"file_id": "file-1"}], **options)
    assert expected(hidden).image_input == given - 194 + 1500


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({"max_tokens": 100_000, "max_completion_tokens": 5}, 100_000),
        ({"max_completion_tokens": "50"}, 50),
        ({"max_completion_tokens": 50.5}, 51),
        ({"max_tokens": -1}, 77),
        ({"max_tokens": True}, 77),
        ({"max_tokens": 10, "n": "3"}, 30),
        ({"max_tokens": 10, "n": 2, "best_of": 5}, 50),
        ({"max_tokens": 10, "prompt": ["a", "b", "c"]}, 30),
        ({"prompt": ["a", "b", "c"]}, 231),
        ({"max_tokens": 10, "prompt": [1, 2, 3]}, 10),
    ],
)
def test_the_most_that_may_be_written(body: dict[str, Any], tokens: int) -> None:
    """The answer is taken to be as long as any limit of the request allows, for each choice and prompt."""
    assert size_of(call("/completions", **body)).answer(77) == tokens


def test_a_body_in_bytes_counts() -> None:
    """A body in bytes, or from a generator, counts as the mapping that it stands for."""
    body = {"model": "gpt-4o", "input": seen(url(png(1024, 1024))), "max_output_tokens": 9}
    plain = size_of(call("/responses", **body))
    for given_ in (
        Call(sync_io(), "POST", "/responses", None, body=json.dumps(body).encode(), timeout=not_given),
        call("/responses", **{**body, "input": (item for item in body["input"])}),  # type: ignore[attr-defined]
    ):
        assert (size_of(given_).most(0), size_of(given_).answer(1)) == (plain.most(0), 9)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_file", "file_data": " " * 300_000 + "!"},
        {"type": "input_file", "file_data": url(b"%PDF-1.7 " + b"/ObjStm stream " * 50_000)},
        {"type": "input_file", "file_data": url(b"%PDF-1.7 " + b"/ObjStm " * 100_000)},
        {"type": "input_image", "image_url": url(b"\xff\xd8" + b"\xff" * 3_000_000)},
        {"type": "input_image", "image_url": "data:" + ";base64" * 100_000},
        {
            "type": "input_audio",
            "input_audio": {"data": base64.b64encode(b"ID3" + b"\xff" * 3_000_000).decode()},
        },
    ],
)
def test_no_input_takes_long_to_measure(part: dict[str, Any]) -> None:
    """Parts that are made to be looked at again and again are measured in a pass or two."""
    assert most(10**6, model="gpt-5.5", input=[{"role": "user", "content": [part]}]) >= 10_000


@pytest.mark.parametrize("pages", [1, 60])
def test_a_pdf_of_many_parts_counts_all_of_its_pages(pages: int) -> None:
    """Pages are counted in every compressed part of a PDF, and in what is plain."""
    parts = [
        pdf(2, packed=packed).removeprefix(b"%PDF-1.7\n") for packed in (True, False) for _ in range(pages)
    ]
    found = most(model="gpt-4o", input=document(b"%PDF-1.7\n" + b"\n".join(parts)))
    assert found // (4 * pages) == pytest.approx(765 + 2000, abs=10)


def test_what_is_left_out_of_a_body_has_no_size() -> None:
    """A member that a caller or a helper leaves open is not sent, and so counts for nothing."""
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    open_ones = {"response_format": omit, "tools": not_given}
    sizes = [
        input_tokens(Call(sync_io(), "POST", "/chat/completions", None, body=one))
        for one in (body, {**body, **open_ones})
    ]
    assert sizes[0] == sizes[1]
