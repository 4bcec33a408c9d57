"""The time that examinations take: bounded, whatever hangs, and no process is kept alive."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ai_client.doctor import Check, Subject, bounds, examination, examine_all
from ai_client.doctor.bounds import COLLECTING, SECONDS, Bound, within
from ai_client.doctor.threads import InThread, guarded
from tests.support.broken import KEY, Scene

LONGEST = 5.0
"""Seconds within which the doctor answers."""


def test_the_bounds_add_up() -> None:
    """All examinations, which run side by side, and collecting the last results take under five seconds."""
    assert SECONDS + COLLECTING < LONGEST


@pytest.mark.parametrize(
    "step", ["RESOLVING", "CONNECTING", "TUNNELLING", "SHAKING_HANDS", "ASKING_PLAINLY", "STORING", "PRICING"]
)
def test_no_step_goes_beyond_the_end(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """A step is granted its own seconds, and less where less is left for all of them."""
    now = 100.0
    monkeypatch.setattr(bounds, "monotonic", lambda: now)
    bound = Bound()
    most: float = getattr(bounds, step)
    assert bound.left(most) == most < SECONDS
    now += SECONDS - most / 2
    assert bound.left(most) == pytest.approx(most / 2)
    now += SECONDS
    assert 0 < bound.left(most) < 0.01
    assert bound.is_over


def test_what_hangs_is_left_behind() -> None:
    """Work that hangs is waited for no longer than its bound, in a thread that keeps no process alive."""
    over = threading.Event()
    began = threading.Event()
    daemon: list[bool] = []

    def hang() -> None:
        daemon.append(threading.current_thread().daemon)
        began.set()
        over.wait()

    with pytest.raises(TimeoutError):
        within(0.01, hang)
    assert began.wait(30)
    over.set()
    assert daemon == [True]


def test_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started, examinations run one after the other."""

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    found = list(examine_all(Subject({"default": {"api_key": KEY, "base_url": "http://127.0.0.1:9/v1"}})))
    assert [check.name for check in found if check.status == "fault"] == ["tcp"]


def test_an_examination_that_hangs_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an examination has found is yielded, and that it did not end."""
    monkeypatch.setattr("ai_client.doctor.threads.COLLECTING", 0.05)
    with ExitStack() as stack:
        over = threading.Event()
        stack.callback(over.set)
        yielded = threading.Event()

        def examination() -> Iterator[Check]:
            yield Check("network", "dns", "ok", "Found.")
            yielded.set()
            over.wait()

        running = InThread("network", "default", examination)
        assert yielded.wait(30)
        found = list(running.found(Bound(0)))
    assert [(check.name, check.status, check.client) for check in found] == [
        ("dns", "ok", "default"),
        ("doctor", "fault", "default"),
    ]
    assert "not finished in time" in found[1].message


def test_an_examination_that_crashes_is_a_fault() -> None:
    """The crash of an examination is a check, without the error's message, which may hold a secret."""

    def examination() -> Iterator[Check]:
        yield Check("network", "dns", "ok", "Found.")
        raise LookupError(KEY)

    found = list(guarded("network", "default", examination))
    assert [check.status for check in found] == ["ok", "fault"]
    assert "LookupError" in found[1].message
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    "name",
    ["examine_versions", "examine_environment", "examine_key", "examine_process", "effective", "configure"],
)
def test_no_crash_ends_the_report(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whichever examination crashes, the others are reported."""

    def crash(*_: Any) -> Any:
        raise LookupError(KEY)

    monkeypatch.setattr(examination, name, crash)
    found = list(examine_all(Subject({"default": {"api_key": KEY}}), offline=True))
    assert [check.status for check in found if "LookupError" in check.message] == ["fault"]
    assert len({check.area for check in found}) >= 4
    assert KEY not in repr(found)


def test_options_that_hang(monkeypatch: pytest.MonkeyPatch, scene: Scene) -> None:
    """A function of the application's that hangs while options are read is named, and nothing is sent after that."""
    upstream = scene.upstream()
    monkeypatch.setattr(examination, "Bound", lambda: Bound(0.05))
    options = {"base_url": upstream.base_url, "workload_identity": scene.hang()}
    found = list(examine_all(Subject({"default": options, "other": scene.good()})))
    assert any(
        "a function that they name hangs" in check.message for check in found if check.status == "fault"
    )
    assert not upstream.requests


HANGING = """
import socket, sys, threading
real = socket.getaddrinfo
def hang(host, *args, **given):
    if host == "api.broken.test":
        threading.Event().wait()
    return real(host, *args, **given)
socket.getaddrinfo = hang
from ai_client.commands.main import main
sys.exit(main(["doctor"]))
"""


def test_a_resolver_that_hangs_keeps_no_process_alive() -> None:
    """The command ends by itself, with the fault, though a thread of it hangs in the resolver for ever."""
    done = subprocess.run(
        [sys.executable, "-c", HANGING],
        env={**os.environ, "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://api.broken.test/v1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "Looking up api.broken.test took longer" in done.stdout
