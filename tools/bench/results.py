"""The file of results: figures, machine and versions."""

import importlib.metadata
import json
import os
import platform
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .contenders import BUILD
from .measure import Case, Sample

FILE = Path(__file__).parent / "results.json"
PACKAGES = (
    "httpx",
    "httpx2",
    "aiohttp",
    "pydantic",
    "openai",
    "fastapi",
    "Flask",
    "Django",
    "uvicorn",
    "gunicorn",
    "pyreqwest",
    "wreq",
)
PORTKEY = BUILD / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "package.json"


def begin() -> dict[str, Any]:
    """Return results that hold only the machine and the versions."""
    installed = {found.name: found.version for found in importlib.metadata.distributions()}
    packages = {name: installed[name] for name in PACKAGES if name in installed}
    packages |= dict(_versions_apart())
    machine = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gigabytes": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine,
        "packages": packages,
        "cases": {},
    }


def _versions_apart() -> Iterator[tuple[str, str]]:
    """Yield the versions of what has an environment of its own."""
    for name, pattern in (("openai (official 2)", "openai2"), ("litellm", "litellm/lib/*/site-packages")):
        for place in BUILD.glob(pattern):
            for found in importlib.metadata.distributions(name=name.partition(" ")[0], path=[str(place)]):
                yield name, found.version
    if PORTKEY.exists():
        yield "@portkey-ai/gateway", json.loads(PORTKEY.read_text())["version"]


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def _text(place: str) -> str:
    path = Path(place)
    return path.read_text() if path.exists() else ""


def add(found: dict[str, Any], case: Case, samples: dict[str, Sample]) -> None:
    """Add the figures of a case."""
    contenders = {name: asdict(sample) for name, sample in samples.items()}
    found["cases"][case.name] = {"unit": case.unit, "calls": case.calls, "contenders": contenders}


def use(file: Path) -> None:
    """Read and write another file from now on."""
    global FILE  # noqa: PLW0603 - the tables of all pages read it
    FILE = file


def read(file: Path | None = None) -> dict[str, Any]:
    """Return the results of the last run."""
    found: dict[str, Any] = json.loads((file or FILE).read_text())
    return found


def write(found: dict[str, Any], file: Path | None = None) -> None:
    """Save the results, each list of numbers on one line."""
    file = file or FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=1)
    text = re.sub(r"\[([-\d.,\s]+)\]", lambda match: f"[{' '.join(match[1].split())}]", text)
    file.write_text(text + "\n")
