"""Reading stores that are down, hang or lack what is needed, and reading inside an event loop."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ai_client import ClientProvider
from ai_client.errors import ConfigError, StoreError
from ai_client.operations import budgets, usage
from ai_client.stores.memory import MemoryBackend
from ai_client.stores.shared import SharedStore

BUDGETS = [{"requests": 5, "per": "total", "name": "plan"}]
READS: dict[str, Callable[[ClientProvider, str], Any]] = {
    "report": lambda provider, a: getattr(provider.usage, f"{a}report")(),
    "remaining": lambda provider, a: getattr(provider.budgets, f"{a}remaining")(),
    "states": lambda provider, a: getattr(provider.budgets, f"{a}states")(),
    "reset": lambda provider, a: getattr(provider.budgets, f"{a}reset")(),
    "grant": lambda provider, a: getattr(provider.budgets, f"{a}grant")(1),
}
"""Everything that reads or changes a store; the twins of async code begin with `a`."""


class Doing(MemoryBackend):
    """A backend of which each method that operations call does something first."""

    instant = False

    def __init__(self, first: Callable[[], object]) -> None:
        super().__init__()
        self._first = first

    def ledger(self, *args: Any, **options: Any) -> Any:
        """Return a balance."""
        self._first()
        return super().ledger(*args, **options)

    def ledgers(self, *args: Any, **options: Any) -> Any:
        """Return balances."""
        self._first()
        return super().ledgers(*args, **options)

    def adjust(self, *args: Any, **options: Any) -> Any:
        """Change a balance."""
        self._first()
        return super().adjust(*args, **options)

    def sums(self, *args: Any, **options: Any) -> Any:
        """Return totals."""
        self._first()
        return super().sums(*args, **options)


def provider_over(store: object) -> ClientProvider:
    """Return a provider over a store."""
    return ClientProvider(api_key="k", controls={"store": store, "cost": True, "budgets": BUDGETS})


def read(name: str, provider: ClientProvider, *, sync: bool) -> Any:
    """Read on either side."""

    async def aread() -> Any:
        return await READS[name](provider, "a")

    return READS[name](provider, "") if sync else asyncio.run(aread())


@pytest.fixture
def opened() -> Iterator[threading.Event]:
    """Yield an event on which a backend hangs, which is set in the end."""
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize("name", READS)
def test_a_store_that_hangs_holds_nobody(
    name: str, sync: bool, opened: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a store does not answer, each method ends in time with an error that says so."""
    for module, constant in ((budgets, "_SECONDS"), (budgets, "_SECONDS_OF_ALL"), (usage, "_SECONDS")):
        monkeypatch.setattr(module, constant, 0.05)
    store = SharedStore(Doing(opened.wait))
    with pytest.raises(StoreError, match=r"did not answer within 0\.05 s"):
        read(name, provider_over(store), sync=sync)
    opened.set()
    store.close()


def _fail(error: Exception) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize(
    "error", [StoreError("It is down."), KeyError("x"), OSError(5, "no"), TimeoutError()]
)
def test_every_error_is_a_store_error(name: str, error: Exception, sync: bool) -> None:
    """Whatever a backend raises, and whatever calls would do without it, the caller gets a `StoreError`."""
    store = SharedStore(Doing(_fail(error)), on_failure="open")
    with pytest.raises(StoreError):
        read(name, provider_over(store), sync=sync)
    store.close()


@pytest.mark.parametrize("name", READS)
def test_an_event_loop_goes_on(name: str) -> None:
    """While an async twin waits for a store, other tasks of its loop run."""
    entered, left = threading.Event(), threading.Event()

    def first() -> None:
        entered.set()
        assert left.wait(60)

    store = SharedStore(Doing(first))

    async def other() -> None:
        while not entered.is_set():
            await asyncio.sleep(0)
        left.set()

    async def main() -> None:
        await asyncio.gather(READS[name](provider_over(store), "a"), other())

    asyncio.run(main())
    store.close()


@pytest.mark.parametrize("name", READS)
def test_sync_methods_work_on_an_event_loop(name: str) -> None:
    """The methods that block work on a running loop, too."""
    store = SharedStore(Doing(lambda: None))

    async def main() -> Any:
        return READS[name](provider_over(store), "")

    assert asyncio.run(main()) is not None
    store.close()


class Own:
    """A backend of an application's own, which has what calls need and no more."""

    def __init__(self) -> None:
        self.instant = True
        self._inner = MemoryBackend()
        for method in ("admit", "renew", "settle", "ledger", "sums", "get", "set", "close"):
            setattr(self, method, getattr(self._inner, method))


def test_a_backend_that_lacks_something(sync: bool) -> None:
    """A backend without the methods for it is named where they are needed, and balances are read all the same."""
    backend: Any = Own()
    provider = provider_over(SharedStore(backend))
    assert read("remaining", provider, sync=sync)[0].remaining == 5
    assert read("report", provider, sync=sync) == []
    for name in ("states", "reset", "grant"):
        with pytest.raises(ConfigError, match=r"backend Own cannot .*'ledgers' and 'adjust'"):
            read(name, provider, sync=sync)


class OwnStore:
    """A store of an application's own."""

    def __init__(self) -> None:
        store = SharedStore(MemoryBackend())
        self.instant = store.instant
        for method in ("admit", "renew", "settle", "ledger", "sums", "get", "set", "close"):
            setattr(self, method, getattr(store, method))


def test_a_store_that_lacks_something(sync: bool) -> None:
    """A store without the methods for it is named where they are needed, and balances are read all the same."""
    provider = provider_over(OwnStore())
    assert read("remaining", provider, sync=sync)[0].remaining == 5
    for name in ("states", "reset", "grant"):
        with pytest.raises(ConfigError, match="store OwnStore cannot"):
            read(name, provider, sync=sync)


AT_EXIT = """
import atexit
from ai_client import ClientProvider
provider = ClientProvider(api_key="k", controls={{"store": "sqlite:///{path}", "budgets": [{{"requests": 5}}]}})
atexit.register(lambda: print(provider.budgets.remaining()[0].remaining))
"""


def test_the_end_of_a_process_can_be_read(tmp_path: Path) -> None:
    """A function that runs at the end of the interpreter, when no thread can be started any more, reads a store."""
    program = AT_EXIT.format(path=tmp_path / "store.db")
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert (run.stdout, run.stderr) == ("5\n", "")
