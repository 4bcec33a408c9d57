"""Test libraries that take an OpenAI client, each in an environment of its own: `python -m tools.interop [LIBRARY...]`.

`tests/interop/libraries.toml` says what each needs, and a file of `tests/interop/pins/` which versions of it and of all
that it needs in turn; `--pin` looks for newer ones. Environments lie in `build/interop/`, are made once, and made anew
when their pins change; without that nothing is asked of a package index.
"""

import argparse
import fcntl
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests" / "interop"
ENVIRONMENTS = ROOT / "build" / "interop"
OURS = ("certifi", "fastapi", "h11", "httpx", "idna", "pydantic", "pytest")
"""Requirements of this package and of the tests, in each environment."""
QUIET = {
    "DO_NOT_TRACK": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "MEM0_TELEMETRY": "False",
    "RAGAS_DO_NOT_TRACK": "true",
}
"""Settings with which libraries ask nothing of the network by themselves."""
SECONDS = 600
"""Time for the tests of one library, or to install it."""


@dataclass(frozen=True)
class Library:
    """A library of the table.

    Attributes:
        name: Of its module in `tests/interop/libraries/`, its pins and its environment.
        about: Its table in `libraries.toml`.
    """

    name: str
    about: dict[str, Any]

    @property
    def pins(self) -> Path:
        """The file with the versions that its environment has."""
        return TESTS / "pins" / f"{self.name}.txt"

    @property
    def directory(self) -> Path:
        """Its environment."""
        return ENVIRONMENTS / self.name

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        return self.directory / "bin" / "python"

    @property
    def version(self) -> str:
        """The version that is tested, of the first package that it requires."""
        package = self.about["requires"][0].partition("[")[0].partition("<")[0]
        lines = [line.partition(" ;")[0] for line in self.pins.read_text().splitlines()]
        pinned = dict(line.split("==") for line in lines)
        return str(pinned[package])


def libraries() -> list[Library]:
    """Return all libraries."""
    found = tomllib.loads((TESTS / "libraries.toml").read_text())
    return [Library(name, about) for name, about in found.items()]


def pin(library: Library) -> None:
    """Write the newest versions that go together into the pins of a library."""
    wanted = "\n".join([*library.about["requires"], *OURS])
    options = ("--upgrade", "--no-header", "--no-annotate", "--python-version", "3.11", "--universal")
    _uv("pip", "compile", *options, "-o", str(library.pins), "-", given=wanted)


def prepare(library: Library) -> None:
    """Make the environment of a library, unless it is there with these pins.

    Raises:
        subprocess.CalledProcessError: A package cannot be installed; its `stderr` says why.
    """
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    stamp = library.directory / "pins.txt"
    wanted = library.pins.read_text()
    with _alone(library.name):
        if stamp.exists() and stamp.read_text() == wanted:
            return
        _uv("venv", "--clear", "--python", sys.executable, str(library.directory))
        _uv("pip", "sync", "--python", str(library.python), str(library.pins))
        (site,) = library.directory.glob("lib/python3.*/site-packages")
        (site / "this_tree.pth").write_text(f"{ROOT}\n{ROOT / 'integrations'}\n")
        stamp.write_text(wanted)


def test(library: Library, arguments: Sequence[str]) -> tuple[bool, str]:
    """Run the tests of a library in its environment; return whether they passed, and what they printed."""
    run = subprocess.run(
        [
            *(library.python, "-m", "pytest", "-q", "-c", TESTS / "pytest.ini", "--rootdir", TESTS),
            *("--confcutdir", TESTS, TESTS, "--library", library.name, *arguments),
        ],
        cwd=ROOT,
        env={**_environment(), **QUIET},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return run.returncode == 0, run.stdout


def attempt(library: Library, arguments: Sequence[str]) -> tuple[bool, str]:
    """Prepare and test a library; what hinders that is a failure too."""
    try:
        prepare(library)
        return test(library, arguments)
    except subprocess.CalledProcessError as error:
        return False, f"ERROR {library.name} cannot be prepared: {error.stderr}"
    except subprocess.TimeoutExpired as error:
        printed = error.stdout.decode() if isinstance(error.stdout, bytes) else error.stdout or ""
        return False, f"{printed}\nERROR {library.name} took more than {SECONDS} s"


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Wait for another process that prepares the same environment."""
    with (ENVIRONMENTS / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _environment() -> dict[str, str]:
    """Return the variables of this process without those that configure a client, or a path of this environment."""
    ours = ("OPENAI_", "PYTHONPATH", "VIRTUAL_ENV", "AI_CLIENT")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _uv(*arguments: str, given: str | None = None) -> None:
    subprocess.run(
        [sys.executable, "-m", "uv", "--quiet", *arguments],
        input=given,
        env={**_environment(), "UV_PYTHON_DOWNLOADS": "never", "UV_NO_CONFIG": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Pin or test libraries; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.interop", description=(__doc__ or "").partition("\n")[0]
    )
    known = {library.name: library for library in libraries()}
    parser.add_argument("library", nargs="*", help="by default all")
    parser.add_argument(
        "--pin", action="store_true", help="write the newest versions into the pins, and test nothing"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="libraries tested at a time")
    parser.add_argument("--pytest", default="", help="further arguments for pytest")
    options = parser.parse_args(argv)
    if unknown := set(options.library) - set(known):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = [known[name] for name in options.library or known]
    if options.pin:
        for library in chosen:
            pin(library)
        return 0
    failed = []
    with ThreadPoolExecutor(options.workers) as workers:
        runs = workers.map(lambda library: attempt(library, options.pytest.split()), chosen)
        for library, (passed, printed) in zip(chosen, runs, strict=True):
            print(f"--- {library.name} {library.version}\n{printed}", flush=True)
            failed += [] if passed else [library.name]
    print(f"{len(chosen) - len(failed)} passed, {len(failed)} failed {' '.join(failed)}".rstrip())
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
