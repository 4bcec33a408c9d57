"""Tables of measured costs, from the last run of the benchmarks."""

from collections.abc import Mapping
from typing import Any

from tools.bench import bars as judged, results

TITLES = {
    "small call, in memory": "a small chat call, the network aside",
    "long request (100 messages, 100 kB), in memory": "a chat call with 100 messages",
    "small call, loopback, 50 in flight": "a chat call over loopback, 50 in flight",
    "chat chunk": "one chunk of a chat stream",
    "embeddings 256 x 1536 in base64, to lists": "256 embeddings of 1536 numbers",
    "import, client and first call": "import, build a client, first call",
}
COLUMNS = {
    "official": "official SDK 3.x",
    "official 2": "official SDK 2.x",
    "httpx": "httpx",
    "httpx2": "httpx2",
    "aiohttp": "aiohttp",
}
NO_BREAK = "\u00a0"
FRAMEWORKS = {
    "ours_shared": "`ai_client`, one shared",
    "official_shared": "official SDK, one shared",
    "ours_per_request": "`ai_client`, one a request",
    "official_per_request": "official SDK, one a request",
}

PITFALL = {
    "official_per_request": "the official SDK, a client per request",
    "official_shared": "the official SDK, one client",
    "ours_shared": "`ai_client`, one client",
}


def figures() -> str:
    """Return the short table."""
    found = results.read()
    rows = [
        "| CPU time of | ai_client | official SDK | httpx alone | official / ai_client |",
        "| --- |" + " ---: |" * 4,
    ]
    for case, title in TITLES.items():
        contenders = found["cases"][case]["contenders"]
        shown = [
            _time(contenders[name]["median"]) if name in contenders else ""
            for name in ("ours", "official", "httpx")
        ]
        rows.append(f"| {title} | {' | '.join(shown)} | {_times(contenders, 'official')} |")
    return "\n".join([*rows, "", _where(found)])


def pitfall() -> str:
    """Return the table of what a client per request costs an endpoint of FastAPI."""
    measured = results.read()["endpoints"]["frameworks"]["FastAPI"]
    rows = ["| | Requests/s | Connections | Memory |", "| --- | ---: | ---: | ---: |"]
    for kind, title in PITFALL.items():
        of = measured[kind]
        speed, memory = round(of["requests_per_second"]), round(of["resident_megabytes"])
        rows.append(f"| {title} | {speed} | {of['upstream_connections']} | {memory}{NO_BREAK}MB |")
    return "\n".join(rows)


def bars() -> str:
    """Return the table of targets."""
    rows = [
        "| Case | Compared | Median | Quartiles | Bar | Aim |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for bar in results.read()["bars"]:
        sign, unit = judged.SIGNS[bar["scale"]]
        cells = [
            bar["case"],
            judged.compared(bar),
            f"{bar['median']:.2f}{unit}",
            f"{bar['low']:.2f}..{bar['high']:.2f}",
            f"{sign} {bar['bound']:g} {_mark(bar['reached'])}",
            "" if bar["aim"] is None else f"{bar['aim']:g} {_mark(bar['aim_reached'])}",
        ]
        rows.append(
            f"| {cells[0]} | {cells[1]} | {' | '.join(cell.replace(' ', NO_BREAK) for cell in cells[2:])} |"
        )
    return "\n".join(rows)


def cases() -> str:
    """Return the table of every case in which this package is compared with others."""
    found = results.read()
    rows = [
        f"| Case | ai_client | {' | '.join(COLUMNS.values())} |",
        "| --- |" + " ---: |" * (len(COLUMNS) + 1),
    ]
    for name, case in found["cases"].items():
        contenders = case["contenders"]
        if "ours" not in contenders or "official" not in contenders:
            continue
        mine = contenders["ours"]
        show = _time if case["unit"] == "us" else _memory
        low, _, _ = show(mine["low"]).partition(" ")  # without its unit
        own = f"{show(mine['median'])} ({low}..{show(mine['high'])})".replace(" ", NO_BREAK)
        others = " | ".join(_times(contenders, column) for column in COLUMNS)
        rows.append(f"| {name} | {own} | {others} |")
    return "\n".join([*rows, "", _where(found)])


def endpoints() -> str:
    """Return the table of the frameworks' endpoints."""
    rows = [
        "| Endpoint | Client | Requests/s | Slowest..fastest | Connections | Memory |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for framework, ways in results.read()["endpoints"]["frameworks"].items():
        for key, title in FRAMEWORKS.items():
            way = ways[key]
            rows.append(
                f"| {framework} | {title} | {way['requests_per_second']:.0f}"
                f" | {way['slowest']:.0f}..{way['fastest']:.0f}"
                f" | {way['upstream_connections']:.0f} | {way['resident_megabytes']:.0f}{NO_BREAK}MB |"
            )
    return "\n".join(rows)


def _mark(reached: bool) -> str:
    return "✓" if reached else "✗"


def _times(contenders: Mapping[str, Any], name: str) -> str:
    """Return by how many times another contender's figure exceeds this package's."""
    if name not in contenders:
        return ""
    _, median, _ = judged.quartiles(contenders[name]["rounds"], contenders["ours"]["rounds"])
    shown = f"{median:.0f}" if median >= 20 else f"{median:.2g}" if median >= 1 else f"{median:.2f}"  # noqa: PLR2004
    return f"{shown}{NO_BREAK}x"


def _time(microseconds: float) -> str:
    if microseconds < 1000:  # noqa: PLR2004 - micro to milli
        return f"{microseconds:.0f} µs" if microseconds >= 10 else f"{microseconds:.1f} µs"  # noqa: PLR2004
    return f"{microseconds / 1000:.1f} ms"


def _memory(kilobytes: float) -> str:
    return f"{kilobytes / 1024:.1f} MB"


def _where(found: Mapping[str, Any]) -> str:
    machine, packages = found["machine"], found["packages"]
    official = f"openai {packages['openai']}, httpx {packages['httpx']}"
    return (
        f"Measured with `make bench` on {found['date']}: {machine['processor']}, {machine['cores']} cores,"
        f" Python {machine['python']}, {official}."
    )
