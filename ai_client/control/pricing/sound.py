"""Length of a recording in a prompt, from its frames."""

SOUND_BYTES = 4000
"""Bytes per second of recorded audio, at least, where its format does not tell."""
_MOST_GAPS = 1000
"""Gaps between frames after which the rest is taken for something else."""
_RIFF_HEADER = 12
_CHUNK_HEADER = 8
_BITRATES = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""kbit/s of a frame by MPEG version (2 and 2.5 alike) and layer (2 and 3 alike in version 2)."""
_RATES = {0: (11_025, 12_000, 8000), 2: (22_050, 24_000, 16_000), 3: (44_100, 48_000, 32_000)}
"""Samples per second by the version's bits in a frame header."""
_FIRST_VERSION = 3


def seconds_in(data: bytes) -> float:
    """Return the length of a WAV or MP3 recording in seconds; of another, the longest that its size allows."""
    if data.startswith(b"RIFF") and data[8:12] == b"WAVE":
        return _wav(data)
    if data.startswith(b"ID3"):
        size = sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=False))
        return _mp3(data, 10 + size if 10 + size < len(data) else 0)
    return _mp3(data, 0) if _frame(data, 0) is not None else len(data) / SOUND_BYTES


def _wav(data: bytes) -> float:
    """Return the length by the bytes per second that the format chunk names."""
    at, per_second = _RIFF_HEADER, 0
    while at + _CHUNK_HEADER <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind == b"fmt ":
            per_second = int.from_bytes(data[at + 16 : at + 20], "little")
        elif kind == b"data":
            break
        at += _CHUNK_HEADER + size + size % 2
    return (len(data) - _RIFF_HEADER) / (per_second or SOUND_BYTES)


def _mp3(data: bytes, at: int) -> float:
    """Return the length of all frames; bytes that belong to none count as `SOUND_BYTES` say."""
    seconds, lost, gaps = 0.0, 0, 0
    while at + 4 <= len(data):
        frame = _frame(data, at)
        if frame is None:
            gaps += 1
            if gaps > _MOST_GAPS:
                lost += len(data) - at
                break
            following = data.find(b"\xff", at + 1)
            following = len(data) if following < 0 else following
            lost += following - at
            at = following
        else:
            size, length = frame
            seconds += length
            at += size
    return seconds + lost / SOUND_BYTES


def _frame(data: bytes, at: int) -> tuple[int, float] | None:
    """Return the bytes and the seconds of the MPEG frame that begins at a position, `None` where none does."""
    header = data[at : at + 4]
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:  # noqa: PLR2004 - a frame's first 11 bits
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    rates = _RATES.get(version)
    kinds = _BITRATES.get(
        (1 if version == _FIRST_VERSION else 2, layer if version == _FIRST_VERSION else min(layer, 2))
    )
    bitrate, rate = header[2] >> 4, header[2] >> 2 & 3
    if rates is None or kinds is None or rate == len(rates) or not 0 < bitrate < len(kinds):
        return None
    samples = 384 if layer == 1 else 576 if layer == 3 and version != _FIRST_VERSION else 1152  # noqa: PLR2004 - layer III
    padding = (header[2] >> 1 & 1) * (4 if layer == 1 else 1)
    size = samples * kinds[bitrate] * 125 // rates[rate] + padding
    return size, samples / rates[rate]
