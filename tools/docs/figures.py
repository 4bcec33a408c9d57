"""The tables of measured costs, out of the benchmarks' last run."""

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
FRAMEWORKS = {
    "ours_shared": "`ai_client`, one shared",
    "official_shared": "official SDK, one shared",
    "ours_per_request": "`ai_client`, one a request",
    "official_per_request": "official SDK, one a request",
}


def figures() -> str:
    """Make the short table."""
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


def bars() -> str:
    """Make the table of what is to be reached."""
    rows = [
        "| Case | Compared | Median | Quartiles | Bar | Aim | |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for bar in results.read()["bars"]:
        sign, unit = judged.SIGNS[bar["scale"]]
        spread = f"{bar['low']:.2f} to {bar['high']:.2f}"
        aim = "" if bar["aim"] is None else f"{bar['aim']:g}"
        verdict = "aim reached" if bar["aim_reached"] else "reached" if bar["reached"] else "**not reached**"
        rows.append(
            f"| {bar['case']} | {judged.compared(bar)} | {bar['median']:.2f}{unit} | {spread} | {sign} {bar['bound']:g}"
            f" | {aim} | {verdict} |"
        )
    return "\n".join(rows)


def cases() -> str:
    """Make the table of every case in which this package meets others."""
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
        own = f"{show(mine['median'])} ({show(mine['low'])} to {show(mine['high'])})"
        others = " | ".join(_times(contenders, column, spread=True) for column in COLUMNS)
        rows.append(f"| {name} | {own} | {others} |")
    return "\n".join([*rows, "", _where(found)])


def endpoints() -> str:
    """Make the table of the frameworks' endpoints."""
    rows = [
        "| Endpoint | Client | Requests/s | slowest to fastest | Connections | Memory |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for framework, ways in results.read()["endpoints"]["frameworks"].items():
        for key, title in FRAMEWORKS.items():
            way = ways[key]
            rows.append(
                f"| {framework} | {title} | {way['requests_per_second']:.0f}"
                f" | {way['slowest']:.0f} to {way['fastest']:.0f}"
                f" | {way['upstream_connections']:.0f} | {way['resident_megabytes']:.0f} MB |"
            )
    return "\n".join(rows)


def _times(contenders: Mapping[str, Any], name: str, *, spread: bool = False) -> str:
    """Tell how many times this package's figure another's is."""
    if name not in contenders:
        return ""
    low, median, high = judged.quartiles(contenders[name]["rounds"], contenders["ours"]["rounds"])
    text = _multiple(median)
    return f"{text} x ({_multiple(low)} to {_multiple(high)})" if spread else f"{text} x"


def _multiple(value: float) -> str:
    return f"{value:.0f}" if value >= 20 else f"{value:.2g}" if value >= 1 else f"{value:.2f}"  # noqa: PLR2004


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
