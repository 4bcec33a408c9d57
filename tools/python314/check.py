"""Checks for a Python without threads, processes and sockets: modules load, results build, such tests pass."""

import importlib
import pkgutil
import sys
import warnings
from collections.abc import Generator
from typing import Any

import pytest

LACKING = ("can't start new thread", "emscripten does not support processes", "Operation not supported")
TESTS = (
    "tests/models",
    "tests/params",
    "tests/lib/test_schema.py",
    "tests/lib/test_function_tools.py",
    "tests/lib/test_accumulate.py",
    "tests/errors",
    "tests/config/test_doctor.py",
    "tests/config/test_impossible_options.py",
    "tests/adapter/test_settings.py",
)
NOT_HERE = "not authorities_that_are_none"  # whoever runs this may read every file


class Lacking:
    """A plugin that skips tests which need what this Python lacks."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Report a test as skipped that failed for want of a thread, a process or a socket."""
        report = yield
        if report.failed and any(word in line for line in _messages(call) for word in LACKING):
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 0, "needs threads, processes or sockets")
        return report


def main() -> int:
    """Test, load and build; return the exit code."""
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:faulthandler", "-m", "not slow", "-k", NOT_HERE]
    ignored = ["-W", "ignore::ai_client.errors.BlockingCallWarning"]  # there is always an event loop here
    status = pytest.main([*options, *ignored, *TESTS], plugins=[Lacking()])
    warnings.simplefilter("error")
    modules = [name for package in ("ai_client", "ai_client_fastapi") for name in _modules(package)]
    models = _below(importlib.import_module("ai_client._models.base").BaseModel)
    for model in models:
        model.model_rebuild(force=True)
    print(f"Python {sys.version.split()[0]}: {len(modules)} modules load, {len(models)} models build")
    return int(status)


def _modules(package: str) -> list[str]:
    path = importlib.import_module(package).__path__
    names = [found.name for found in pkgutil.walk_packages(path, f"{package}.")]
    names = [name for name in names if not name.endswith("__main__")]
    for name in names:
        importlib.import_module(name)
    return names


def _below(model: Any) -> set[Any]:
    found: set[Any] = set(model.__subclasses__())
    return found.union(*(_below(each) for each in found))


def _messages(call: pytest.CallInfo[None]) -> list[str]:
    error = call.excinfo.value if call.excinfo else None
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return [str(each) for each in chain]


if __name__ == "__main__":
    sys.exit(main())
