"""The file of results: figures, machine and versions."""

import importlib.metadata
import json
import os
import platform
import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .contenders import OFFICIAL_2_PLACE
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
)


def begin() -> dict[str, Any]:
    """Return results that hold only the machine and the versions."""
    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    for found in importlib.metadata.distributions(path=[str(OFFICIAL_2_PLACE)]):
        packages[f"{found.name} (official 2)"] = found.version
    machine = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine,
        "packages": packages,
        "cases": {},
    }


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


def read() -> dict[str, Any]:
    """Return the results of the last run."""
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


def write(found: dict[str, Any]) -> None:
    """Save the results, each list of numbers on one line."""
    text = json.dumps(found, indent=1)
    text = re.sub(r"\[([-\d.,\s]+)\]", lambda match: f"[{' '.join(match[1].split())}]", text)
    FILE.write_text(text + "\n")
