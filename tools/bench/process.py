"""What a client costs a process: imports, first use and memory in fresh interpreters; copies and second clients."""

import subprocess
import sys
from typing import Any

import ai_client

from .measure import Case, Run

_FIRST_CALL = """
import {package}, httpx
transport = {library}.MockTransport(lambda _: {library}.Response(200, content={body!r}))
client = {package}.OpenAI(api_key="key", http_client={library}.Client(transport=transport))
client.chat.completions.create(model="m", messages=[{{"role": "user", "content": "x"}}])
"""
_MEMORY = "\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def cases() -> list[Case]:
    """List the cases of this kind, in microseconds for one process or one copy."""
    return [
        Case(
            "import",
            1,
            {
                "httpx + pydantic": _process("import httpx, pydantic"),
                "ours": _process("import ai_client"),
                "ours, with a client": _process("import ai_client; ai_client.OpenAI(api_key='key')"),
                "official": _process("import openai"),
            },
            wall=True,
        ),
        Case(
            "import, client and first call",
            1,
            {"ours": _process(first_call("ai_client")), "official": _process(first_call("openai"))},
            wall=True,
        ),
        Case("second client", 50, {"ours": _second()}),
        Case("with_options copy", 2000, {"ours": _copies()}),
    ]


def first_call(package: str) -> str:
    """Give the code of a process that makes one call."""
    from . import payloads  # noqa: PLC0415 - only for its body

    library = "httpx2" if package == "openai" else "httpx"
    code = _FIRST_CALL.format(package=package, library=library, body=payloads.completion())
    return code.replace("import openai, httpx", "import openai, httpx2")


def resident_kilobytes() -> dict[str, int]:
    """Measure the peak resident memory of a process after one call, in kilobytes (the median of five)."""
    found: dict[str, int] = {}
    for name, package in (("ours", "ai_client"), ("official", "openai")):
        code = first_call(package) + _MEMORY
        sizes = sorted(int(_run(code)) for _ in range(5))
        found[name] = sizes[2]
    return found


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def _process(code: str) -> Run:
    def run(count: int) -> None:
        for _ in range(count):
            _run(code)

    return run


def _second() -> Run:
    kept: list[Any] = []

    def run(count: int) -> None:
        kept.extend(ai_client.OpenAI(api_key="key") for _ in range(count))
        for client in kept:
            client.close()
        kept.clear()

    return run


def _copies() -> Run:
    client = ai_client.OpenAI(api_key="key")

    def run(count: int) -> None:
        for _ in range(count):
            client.with_options(timeout=5)

    return run
