"""Tables of measured costs, from the last run of the benchmarks."""

from collections.abc import Callable, Mapping
from typing import Any

from tools.bench import bars as judged, gateways as ways_to_controls, results, threads as in_threads
from tools.bench.drawing import machine, time_of

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
    "official over ours": "official SDK on ai_client",
    "httpx": "httpx",
    "httpx2": "httpx2",
    "aiohttp": "aiohttp",
    "pyreqwest": "pyreqwest",
    "wreq": "wreq",
    "bare socket": "bare socket",
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


_EVENT_ALONE = (
    "an event that comes alone wakes the event loop for itself, which costs either client the same; the model"
    " comes on top of that."
)
_CONTROLS = (
    "reserving and settling in budgets, costs and limits is two thirds of it, a log record of the standard "
    "library a tenth to a fifth. Of what recording takes, keeping the facts of a call and reading its usage are a "
    "half; where one call is in flight at a time, its code has left the processor's caches."
)
WHY = {
    "small call, loopback, 200 in flight": (
        "with more calls in flight, aiohttp and this package take less for each; building the model does not."
    ),
    "small call, real heads, chunked, loopback, 50 in flight": (
        "two dozen headers are read and looked through, and the parts of the body put together."
    ),
    "small call, gzip, loopback, 50 in flight": "inflating the body is most of what it costs above a plain call.",
    "chat event, loopback, one event a packet": _EVENT_ALONE,
    "Responses event, loopback, one event a packet": _EVENT_ALONE,
    "controls, loopback, 1 in flight": _CONTROLS,
    "controls, loopback, 50 in flight": _CONTROLS,
    "embeddings 256 x 1536 in base64, to lists": (
        "creating and freeing 393,216 floats is most of what is left, a third of it the operating system's allocation"
        " of memory. Packed floats avoid them."
    ),
    "resident memory after a first call": "most of it is httpx and pydantic, which are imported either way.",
    "import, client and first call": (
        "136 modules of this package are loaded, each small; half of the time is theirs, half httpx's and pydantic's."
    ),
    "instructions of a small call, 50 in flight": "50,000 of them are pydantic's, as with any client that is typed.",
}
"""Why a bar is missed, by case; written by hand."""
WAYS = {
    ways_to_controls.OFFICIAL.name: "official SDK, no controls",
    ways_to_controls.ALL_ON: "`ai_client`, all controls on",
    ways_to_controls.OVER_OURS_ALL_ON: "official SDK on `ai_client`, all controls on",
    **{each.contender: f"official SDK through {each.name}" for each in reversed(ways_to_controls.GATEWAYS)},
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
            time_of(contenders[name]["median"]) if name in contenders else ""
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
            f"{judged.shown(bar['median'])}{unit}",
            f"{judged.shown(bar['low'])}..{judged.shown(bar['high'])}",
            f"{sign} {_round(bar['bound'])} {_mark(bar['reached'])}",
            "" if bar["aim"] is None else f"{_round(bar['aim'])} {_mark(bar['aim_reached'])}",
        ]
        rows.append(
            f"| {cells[0]} | {cells[1]} | {' | '.join(cell.replace(' ', NO_BREAK) for cell in cells[2:])} |"
        )
    return "\n".join(rows)


def missed() -> str:
    """Return why targets are missed, where that is known."""
    judged_bars = results.read()["bars"]
    if all(bar["reached"] for bar in judged_bars):
        return "Every bar is reached."
    missing = dict.fromkeys(bar["case"] for bar in judged_bars if not bar["reached"])
    return "\n".join(
        ["Why bars are missed:", "", *(f"- *{case}*: {WHY[case]}" for case in missing if case in WHY)]
    )


def cases() -> str:
    """Return the table of every case in which this package is compared with others."""
    found = results.read()
    measured = {name for case in found["cases"].values() for name in case["contenders"]}
    columns = {name: title for name, title in COLUMNS.items() if name in measured}
    rows = [
        f"| Case | ai_client | {' | '.join(columns.values())} |",
        "| --- |" + " ---: |" * (len(columns) + 1),
    ]
    for name, case in found["cases"].items():
        contenders = case["contenders"]
        if case["unit"] == "wall" or not {"ours", "official"} <= contenders.keys():
            continue
        mine = contenders["ours"]
        show = _memory if case["unit"] == "kB" else time_of
        own = _spread(mine, show).replace(" ", NO_BREAK)
        others = " | ".join(_times(contenders, column) for column in columns)
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


def gateways() -> str:
    """Return the table of the ways to controls."""
    found = results.read()
    one, many, latency = (
        found["cases"].get(case, {"contenders": {}})["contenders"]
        for case in (*map(ways_to_controls.name, ways_to_controls.IN_FLIGHT), ways_to_controls.LATENCY)
    )
    rows = [
        "| Way | CPU time, 1 in flight | CPU time, 50 in flight | Latency, 1 in flight | Added latency |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, title in WAYS.items():
        if name in one and name in many and name in latency:
            cells = [_spread(of[name]) for of in (one, many, latency)]
            more = latency[name]["median"] - latency[ways_to_controls.OFFICIAL.name]["median"]
            cells.append("-" * (more < 0) + time_of(abs(more)) if more else "")
            rows.append(f"| {title} | {' | '.join(cell.replace(' ', NO_BREAK) for cell in cells)} |")
    packages = found["packages"]
    versions = [f"{name} {packages[name]}" for name in ("litellm", "@portkey-ai/gateway") if name in packages]
    return "\n".join(
        [*rows, "", f"{_where(found).removesuffix('.')}{''.join(f', {one}' for one in versions)}."]
    )


def threads() -> str:
    """Return the table of the rate of sync calls by threads."""
    found = results.read()
    cases = [
        found["cases"].get(case, {"contenders": {}})["contenders"] for case in in_threads.SCALING.values()
    ]
    rows = [
        "| Calls a second | 1 thread on one core | 2 threads on a core each | 32 threads |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, title in {"ours": "ai_client", **COLUMNS}.items():
        if all(name in case for case in cases):
            rates = [
                f"{_rate(case[name]['median'])} ({_rate(case[name]['high'])}..{_rate(case[name]['low'])})"
                for case in cases
            ]
            rows.append(f"| {title} | {' | '.join(rates)} |")
    return "\n".join(rows)


def _rate(microseconds: float) -> str:
    return f"{1e6 / microseconds:,.0f}"


def _spread(one: Mapping[str, float], show: Callable[[float], str] = time_of) -> str:
    """Return median and quartiles; the unit of the lower stands only where it is another than that of the upper."""
    low, high = show(one["low"]), show(one["high"])
    if low.split()[1] == high.split()[1]:
        low = low.split()[0]
    return f"{show(one['median'])} ({low}..{high})"


def _round(bound: float) -> str:
    return f"{bound:,.0f}" if bound >= judged.LARGE else f"{bound:g}"


def _mark(reached: bool) -> str:
    return "✓" if reached else "✗"


def _times(contenders: Mapping[str, Any], name: str) -> str:
    """Return by how many times another contender's figure exceeds this package's."""
    if name not in contenders:
        return ""
    _, median, _ = judged.quartiles(contenders[name]["rounds"], contenders["ours"]["rounds"])
    shown = f"{median:.0f}" if median >= 20 else f"{median:.2g}" if median >= 1 else f"{median:.2f}"  # noqa: PLR2004
    return f"{shown}{NO_BREAK}x"


def _memory(kilobytes: float) -> str:
    return f"{kilobytes / 1024:.1f} MB"


def _where(found: Mapping[str, Any]) -> str:
    packages = found["packages"]
    return f"Measured with `make bench`: {machine(found)}, openai {packages['openai']}, httpx {packages['httpx']}."
