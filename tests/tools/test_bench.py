"""The benchmarks measure what the bars ask for, and what they left is of one piece."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from ai_client import OpenAI
from tools.bench import (
    bars,
    dashboard,
    gateways,
    instructions,
    measure,
    payloads,
    plots,
    references,
    results,
    same,
    server,
    wire,
)
from tools.bench.cases import all_cases
from tools.bench.contenders import CHAT
from tools.docs import figures


def test_each_bar_has_its_case() -> None:
    """Each bar is about contenders of a case that is measured, and each case has a name of its own."""
    cases = {case.name: set(case.contenders) for case in all_cases()}
    assert len(cases) == len(all_cases())
    cases[instructions.NAME] = set(instructions.CONTENDERS)
    cases |= {dashboard.name(store): set(dashboard.VIEWS) for store in dashboard.STORES}
    for bar in bars.all_bars():
        assert {bar.subject, bar.against, bar.less} - {""} <= cases[bar.case]


def test_verdicts_are_computed() -> None:
    """What the results say of the bars follows from the figures beside them."""
    found = results.read()
    assert found["bars"] == bars.judge(found["cases"])


def test_what_was_not_measured_has_no_verdict() -> None:
    """A bar is judged where all of its contenders were measured, and passed over elsewhere."""
    bar = next(bar for bar in bars.all_bars() if bar.less)
    rounds = {
        name: {"rounds": [cost] * 3} for name, cost in (("all on", 90), ("all off", 60), ("aiohttp", 100))
    }
    extra = [
        one for one in bars.judge({bar.case: {"contenders": rounds}}) if one["subject"] == "all on - all off"
    ]
    assert [one["median"] for one in extra] == [0.3]
    del rounds["all off"]
    assert [one["subject"] for one in bars.judge({bar.case: {"contenders": rounds}})] == ["all on"]
    assert bars.judge({}) == []


def test_what_was_not_measured_is_named() -> None:
    """A target of which a contender was not measured is named with that contender, and one that was is not."""
    bar = next(bar for bar in bars.all_bars() if bar.less)
    rounds = {name: {"rounds": [1, 2]} for name in (bar.subject, bar.less)}
    lost = bars.unmeasured({bar.case: {"contenders": rounds}})
    assert f"{bar.case}: {bar.against}" in lost
    rounds[bar.against] = {"rounds": [1, 2]}
    assert not [
        line
        for line in bars.unmeasured({bar.case: {"contenders": rounds}})
        if line == f"{bar.case}: {bar.against}"
    ]


def test_one_figure_has_no_spread() -> None:
    """A figure that was measured once, such as a count of instructions, is its own median and quartiles."""
    bar = bars.Bar("case", 100, against="", unit="instructions")
    verdict = bars.verdict(bar, {"ours": {"rounds": [90]}})
    assert (verdict["low"], verdict["median"], verdict["high"]) == (90, 90, 90)
    assert verdict["scale"] == "instructions"
    assert verdict["reached"]


def test_the_work_is_checked() -> None:
    """An answer that lacks a part of what the server sent is found, whether it is typed, parsed or packed."""
    body = payloads.completion(tools=True)
    same.check(json.loads(body), body)
    for cut in ("content", "tool_calls"):
        answer = json.loads(payloads.completion())
        answer["choices"][0]["message"][cut] = None if cut == "content" else [{"id": "1", "function": {}}]
        with pytest.raises(RuntimeError, match="not what was sent"):
            same.check(answer, payloads.completion())
    floats, packed = payloads.embeddings(2, 8), payloads.embeddings(2, 8, encoded=True)
    same.check(json.loads(packed), floats)
    with pytest.raises(RuntimeError):
        same.check(json.loads(payloads.embeddings(1, 8)), floats)


def test_shortened_cases_run() -> None:
    """A shortened case makes at least one call, and as many as its contenders need at once."""
    for case in all_cases():
        short = case.shortened()
        assert short.calls >= short.step
        assert short.calls % short.step == 0
        assert short.rounds == 2


def test_a_contender_that_hangs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of a contender that says nothing is ended, and the error names it."""
    monkeypatch.setattr(measure, "SECONDS_A_TURN", 0)
    case = next(iter(all_cases()))
    with (
        measure.Worker(case, "ours", "http://127.0.0.1:1/v1") as worker,
        pytest.raises(RuntimeError, match="'ours'"),
    ):
        worker.run(10**9)


def test_the_servers_answers() -> None:
    """What the server sends as the API does is read by a client as the small answer, and a stream whole."""
    with server.running() as base_url:
        for place in ("/v1", server.REAL, server.GZIP):
            with OpenAI(api_key="any", base_url=base_url.removesuffix("/v1") + place) as client:
                answer = client.chat.completions.create(**payloads.SMALL)
                assert answer.to_dict() == json.loads(payloads.completion())
        for place in (server.IN_PACKETS, server.ONE_BY_ONE):
            with OpenAI(api_key="any", base_url=base_url.removesuffix("/v1") + place) as client:
                for path, request in wire.STREAMS.values():
                    create = client.chat.completions.create if path == CHAT else client.responses.create
                    assert len(list(create(**request))) == wire.ITEMS


@pytest.mark.parametrize(
    ("times", "mine", "other", "median", "reached"),
    [
        (False, [10, 20, 30], [100, 100, 100], 0.2, True),
        (False, [40, 20, 50], [100, 10, 100], 0.5, False),
        (True, [10, 20, 50], [100, 100, 100], 5, True),
        (True, [50, 60, 70], [100, 100, 100], 1.667, False),
    ],
)
def test_a_verdict(times: bool, mine: list[int], other: list[int], median: float, reached: bool) -> None:
    """A share is to be small and a multiple large, round by round."""
    bar = bars.Bar("case", 3 if times else 0.3, times=times)
    verdict = bars.verdict(bar, {"ours": {"rounds": mine}, "official": {"rounds": other}})
    assert verdict["median"] == median
    assert verdict["reached"] is reached


LOG = """\
==41== I   refs:      1,000,000
==42== I   refs:      3,000,000
==43== I   refs:      2,000,000
==44== I   refs:      7,000,000
==40== I   refs:      9,000,000
"""


def test_instructions_of_a_call() -> None:
    """The instructions of a call are the difference of two children of the same contender, by their calls."""
    few, many = instructions.CALLS
    said = f"ours {few} 41\nours {many} 42\naiohttp {few} 43\naiohttp {many} 44\n"
    counts = instructions.per_call(said, LOG)
    assert counts == {"ours": 2_000_000 / (many - few), "aiohttp": 5_000_000 / (many - few)}
    for lost in (said.replace("44", "45"), ""):
        with pytest.raises(RuntimeError):
            instructions.per_call(lost, LOG)


def test_instructions_without_valgrind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where valgrind is missing, or cannot run this Python, nothing is counted, and the reason is said."""
    monkeypatch.setattr(instructions, "VALGRIND", ("false",))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert instructions.main() == 0
    monkeypatch.setattr(shutil, "which", str)
    assert instructions.main() == 0
    assert capsys.readouterr().out.splitlines() == [
        "Skipped: valgrind is not installed.",
        "Skipped: valgrind cannot run this Python.",
    ]


def whole_run() -> dict[str, Any]:
    """Return results in which everything was measured, each contender's figures some times the first's."""
    found = results.read()
    names = {case.name: [case.unit, list(case.contenders)] for case in all_cases()}
    for name in (gateways.LATENCY, *map(gateways.name, gateways.IN_FLIGHT)):
        names[name][1] = gateways.EVERYTHING
    for name in (plots.BASE, "small call, loopback, 1 in flight"):
        names[name][1] = list(dict.fromkeys([*names[name][1], *references.RUST]))
    names[instructions.NAME] = ["instructions", list(instructions.CONTENDERS)]
    names |= {dashboard.name(store): ["wall", list(dashboard.VIEWS)] for store in dashboard.STORES}
    cases = {
        name: {
            "unit": unit,
            "contenders": {
                each: asdict(measure.sample([n * 100.0 + 5, n * 100.0, n * 100.0 - 5]))
                for n, each in enumerate(contenders, 1)
            },
        }
        for name, (unit, contenders) in names.items()
    }
    return {**found, "cases": cases, "bars": bars.judge(cases)}


def test_tables_and_plots_of_a_whole_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run that measured everything, each target has a verdict, each table its rows, each plot its marks."""
    found = whole_run()
    assert bars.unmeasured(found["cases"]) == []
    bars.show(found["bars"])
    monkeypatch.setattr(results, "read", lambda: found)
    assert figures.gateways().count("\n|") == 1 + len(gateways.EVERYTHING)
    assert figures.threads().count("\n") == 1 + 3
    assert figures.bars().count("\n") == 1 + len(list(bars.all_bars()))
    assert figures.missed()
    assert "pyreqwest" in figures.cases()
    drawn = plots.one_call(found)
    for title in (row[0] for rows in plots.ONE_CALL.values() for row in rows):
        assert f">{title}<" in drawn
    for draw in plots.DRAWN:
        ET.fromstring(draw(found))  # noqa: S314 - our own


@pytest.mark.parametrize("draw", plots.DRAWN, ids=lambda draw: draw.__name__)
def test_plots_are_current(draw: plots.Draw) -> None:
    """Each plot is that of the last run, and well-formed."""
    file: Path = plots.FOLDER / f"{draw.__name__}.svg"
    assert file.read_text() == draw(results.read())
    ET.fromstring(file.read_text())  # noqa: S314 - our own


@pytest.mark.slow
def test_pages_of_the_dashboard_are_measured() -> None:
    """Each page is rendered over calls that were made for it, and the size of what they left is known."""
    found = dashboard.measured_case("SQLite", quick=True)
    assert found["contenders"].keys() == dashboard.VIEWS.keys()
    assert all(size > 0 for size in found["bytes"])
