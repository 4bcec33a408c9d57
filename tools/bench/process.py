"""The cost of a client for a process: import, first use and memory in fresh interpreters; copies and second clients."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from . import payloads
from .contenders import OFFICIAL, OFFICIAL_2, SDKS, Contender, sdk
from .measure import Case, Opener, Run

_FIRST_CALL = """
import {package}, {library}
transport = {library}.MockTransport(lambda _: {library}.Response(200, content={body!r}))
client = {package}.OpenAI(api_key="key", http_client={library}.Client(transport=transport))
client.chat.completions.create(model="m", messages=[{{"role": "user", "content": "x"}}])
"""
_FIRST_MODEL = """
import httpx, pydantic
class Model(pydantic.BaseModel):
    number: int
Model.model_validate_json('{"number": 1}')
"""
_MEMORY = "\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def cases() -> list[Case]:
    """Return the cases that start processes; times are those of a whole process, or of one client or copy."""
    imports: dict[str, Opener] = {
        "httpx + pydantic": partial(_process, "import httpx, pydantic"),
        "ours": partial(_process, "import ai_client"),
        "ours, with a client": partial(_process, "import ai_client; ai_client.OpenAI(api_key='key')"),
        **{one.name: partial(_process, "import openai") for one in (OFFICIAL, OFFICIAL_2)},
    }
    return [
        Case("import", 1, imports),
        Case(
            "import, client and first call",
            1,
            {
                **{one.name: partial(_process, _first_call(one)) for one in SDKS},
                "httpx + pydantic": partial(_process, _FIRST_MODEL),
            },
        ),
        Case(
            "resident memory after a first call",
            1,
            {one.name: partial(_resident, one) for one in SDKS},
            rounds=5,
            unit="kB",
        ),
        Case("second client", 20, {one.name: partial(_second, one) for one in SDKS}),
        Case("with_options copy", 200, {one.name: partial(_copies, one) for one in SDKS}),
    ]


def _first_call(contender: Contender) -> str:
    return _FIRST_CALL.format(
        package=contender.package, library=contender.library, body=payloads.completion()
    )


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def _process(code: str, _: str) -> Iterator[Run]:
    def run(count: int) -> float:
        began = _seconds_of_children()
        for _ in range(count):
            _run(code)
        return (_seconds_of_children() - began) / count * 1e6

    yield run


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _resident(contender: Contender, _: str) -> Iterator[Run]:
    code = _first_call(contender) + _MEMORY
    yield lambda _: int(_run(code)) / (1024 if sys.platform == "darwin" else 1)


@contextmanager
def _second(contender: Contender, base_url: str) -> Iterator[Run]:
    def run(count: int) -> None:
        clients = [sdk(contender, base_url, is_async=False) for _ in range(count)]
        kept.append(clients)

    kept: list[Any] = []
    with sdk(contender, base_url, is_async=False):
        yield run
        for clients in kept:
            for client in clients:
                client.close()


@contextmanager
def _copies(contender: Contender, base_url: str) -> Iterator[Run]:
    with sdk(contender, base_url, is_async=False) as client:

        def run(count: int) -> None:
            for _ in range(count):
                client.with_options(timeout=5)

        yield run
