"""Versions of Python, of this package, of the libraries that it uses and of OpenSSL, and which are supported."""

import platform
import re
import ssl
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from .._version import __version__
from .check import Check

_LIBRARIES = (
    "httpx",
    "httpx2",
    "h11",
    "pydantic",
    "certifi",
    "fastapi",
    "starlette",
    "django",
    "flask",
    "openai",
    "redis",
    "aiohttp",
    "genai-prices",
    "opentelemetry-api",
    "websockets",
)
_REQUIREMENT = re.compile(
    r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*\(?((?:[<>=!~]=?\s*[\w.*]+\s*,?\s*)*)\)?\s*(?:;.*)?"
)
_BOUND = re.compile(r"([<>=!~]=?)\s*([\w.]+)")
_OLDEST_PYTHON = (3, 11)
_OLDEST_OPENSSL = (3, 0)


def examine_versions() -> Iterator[Check]:
    """Yield the version of each, with whether it is supported."""
    is_old = sys.version_info < _OLDEST_PYTHON
    python = (
        f"Python {platform.python_version()} ({platform.python_implementation()}) on {platform.system()}."
    )
    yield Check(
        "versions",
        "python",
        "warning" if is_old else "ok",
        python,
        "Use Python 3.11 or later." if is_old else "",
    )
    yield Check("versions", "ai-client", "ok", f"ai-client {__version__}.", details={"version": __version__})
    bounds = _bounds()
    for name in _LIBRARIES:
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        bound = bounds.get(name, "")
        details = {"version": found, "supported": bound}
        if not is_within(found, bound):
            message = f"{name} {found} is not supported, which is {bound}."
            yield Check("versions", name, "warning", message, f"Install {name}{bound}.", details=details)
        else:
            yield Check(
                "versions", name, "ok", f"{name} {found}{f', of {bound}' if bound else ''}.", details=details
            )
    old = ssl.OPENSSL_VERSION_INFO < _OLDEST_OPENSSL
    hint = "Use a Python that is built with OpenSSL 3: earlier ones get no security updates." if old else ""
    yield Check("versions", "openssl", "warning" if old else "ok", f"{ssl.OPENSSL_VERSION}.", hint)


def _bounds() -> dict[str, str]:
    """Return the versions of each library that the installed package declares."""
    try:
        declared = requires("ai-client") or []
    except PackageNotFoundError:
        return {}
    found: dict[str, str] = {}
    for requirement in declared:
        match = _REQUIREMENT.fullmatch(requirement.strip())
        if match is not None and match[2]:
            found.setdefault(match[1].lower(), match[2].replace(" ", "").rstrip(","))
    return found


def is_within(found: str, bound: str) -> bool:
    """Return whether a version meets bounds such as `>=0.28,<1`; what is no number counts as met."""
    for operator, limit in _BOUND.findall(bound):
        here, there = _numbers(found), _numbers(limit)
        length = max(len(here), len(there))
        one, other = here + (0,) * (length - len(here)), there + (0,) * (length - len(there))
        if (operator == ">=" and one < other) or (operator == "<" and one >= other):
            return False
    return True


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", re.split(r"[a-z+]", text, maxsplit=1)[0])))
