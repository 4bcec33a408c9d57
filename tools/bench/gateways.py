"""Controls in the client's process, and by a gateway in one of its own: CPU time of both, and the latency of a call."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from . import payloads
from .contenders import BUILD, OFFICIAL, OURS, Contender, sdk
from .interop import OVER_OURS, official_over
from .loopback import FEW, controlled, opener
from .measure import Case, Opener, Run
from .serving import await_start, free_port
from .threads import timed

IN_FLIGHT = (1, FEW)
LATENCY = "latency of a chat call with controls, 1 in flight"
ALL_ON, OVER_OURS_ALL_ON = "ours, all on", f"{OVER_OURS}, all on"
SECONDS_TO_START = 120
KEY = "key"
FEATURES = {"rpm": 10**9, "tpm": 10**12}
"""Limits that no call reaches."""


@dataclass(frozen=True)
class Gateway:
    """A gateway that speaks the OpenAI API.

    Attributes:
        name: The name in the tables.
        program: What runs.
        ready: The file that `make` leaves once all of it is installed.
        command: Returns its command line, of its port, the upstream and a folder for a configuration.
        headers: Returns the headers with which a call names the upstream.
    """

    name: str
    program: Path
    ready: Path
    command: Callable[[int, str, Path], list[str]]
    headers: Callable[[str], dict[str, str]]

    @property
    def contender(self) -> str:
        """The name of the contender: the official client through this gateway."""
        return f"official through {self.name}"


def _litellm(port: int, upstream: str, folder: Path) -> list[str]:
    parameters = {"model": f"openai/{payloads.MODEL}", "api_base": upstream, "api_key": "any", **FEATURES}
    configuration = folder / "configuration.yaml"  # of which JSON is a part
    configuration.write_text(
        json.dumps(
            {
                "model_list": [{"model_name": payloads.MODEL, "litellm_params": parameters}],
                "general_settings": {"master_key": KEY},
            }
        )
    )
    return [str(LITELLM.program), "--config", str(configuration), "--host", "127.0.0.1", "--port", str(port)]


def _portkey(port: int, _upstream: str, _folder: Path) -> list[str]:
    return [shutil.which("node") or "node", str(PORTKEY.program), f"--port={port}"]


LITELLM = Gateway(
    "LiteLLM proxy",
    BUILD / "litellm" / "bin" / "litellm",
    BUILD / "litellm" / ".ready",
    _litellm,
    lambda _: {},
)
PORTKEY = Gateway(
    "Portkey gateway",
    BUILD / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js",
    BUILD / "portkey" / ".ready",
    _portkey,
    lambda upstream: {"x-portkey-provider": "openai", "x-portkey-custom-host": upstream},
)
GATEWAYS = (LITELLM, PORTKEY)
EVERYTHING = (
    OFFICIAL.name,
    ALL_ON,
    OVER_OURS_ALL_ON,
    *(gateway.contender for gateway in GATEWAYS),
)
"""The contenders, in the order of the tables."""


def cases() -> list[Case]:
    """Return the cases, in which only those gateways take part that are installed."""
    return [*(_cpu(count) for count in IN_FLIGHT), _latency()]


def missing() -> list[Gateway]:
    """Return the gateways that cannot run here: only Linux tells a process the CPU time of another."""
    return [each for each in GATEWAYS if not (each.ready.exists() and sys.platform == "linux")]


def name(count: int) -> str:
    """Return the name of the case with so many calls in flight."""
    return f"chat call with controls, client and gateway, {count} in flight"


def _cpu(count: int) -> Case:
    contenders = _in_process(count) | {
        each.contender: partial(_through, each, count, _with_gateway) for each in _present()
    }
    return Case(name(count), 100, contenders, 9, settle=count)


def _latency() -> Case:
    contenders = _in_process(1) | {each.contender: partial(_through, each, 1, _alone) for each in _present()}
    latencies = {one: timed(opened) for one, opened in contenders.items()}
    return Case(LATENCY, 100, latencies, 9, settle=1, unit="wall")


def _present() -> list[Gateway]:
    return [each for each in GATEWAYS if each not in missing()]


def _in_process(count: int) -> dict[str, Opener]:
    return {
        OFFICIAL.name: opener(OFFICIAL, count),
        ALL_ON: opener(OURS, count, controlled),
        OVER_OURS_ALL_ON: opener(OURS, count, lambda *what: official_over(controlled(*what))),
    }


Figure = Callable[[Run, int], Run]
"""Turns a run into one that returns another figure, given the process of the gateway."""


@contextmanager
def _through(gateway: Gateway, in_flight: int, figure: Figure, upstream: str) -> Iterator[Run]:
    """Make small calls with the official client through a gateway of its own."""

    def make(contender: Contender, base_url: str, _: int) -> Any:
        return sdk(contender, base_url, is_async=True, default_headers=gateway.headers(upstream))

    with (
        _running(gateway, upstream) as (base_url, process),
        opener(OFFICIAL, in_flight, make)(base_url) as run,
    ):
        yield figure(run, process)


def _alone(run: Run, _: int) -> Run:
    return run


def _with_gateway(run: Run, process: int) -> Run:
    """Count the CPU time of the client and of the gateway's process."""
    clock = (~process << 3) | 2  # how Linux numbers the CPU clock of a process

    def both() -> float:
        return time.process_time() + time.clock_gettime(clock)

    def total(count: int) -> float:
        began = both()
        run(count)
        return (both() - began) / count * 1e6

    return total


@contextmanager
def _running(gateway: Gateway, upstream: str) -> Iterator[tuple[str, int]]:
    """Run a gateway in front of an upstream; yield its base URL and its process."""
    port = free_port()
    folder = BUILD / "logs"
    folder.mkdir(exist_ok=True)
    command = gateway.command(port, upstream, folder)
    with (
        (folder / f"{gateway.name}.log").open("wb") as log,
        subprocess.Popen(command, env=_environment(), stdout=log, stderr=log) as process,
    ):
        try:
            await_start(port, SECONDS_TO_START)
            yield f"http://127.0.0.1:{port}/v1", process.pid
        finally:
            process.kill()


def _environment() -> Mapping[str, str]:
    """Return this process's environment, in which LiteLLM asks nothing of the network."""
    return {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
