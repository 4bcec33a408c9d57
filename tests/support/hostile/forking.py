"""A program that forks while its threads call: each child makes a call of each kind, and must come to its end.

Its one argument is JSON: `base_url`, `store`, `owner` (`bare` or `provider`), `fork` (`python`, or `c` for a fork of
which Python hears nothing), how the calls are of `official` clients, if they are (`over` ours, or of the `classes` of
the provider), and how many `forks`. It writes the exit codes of the children.
"""

import asyncio
import ctypes
import faulthandler
import itertools
import json
import os
import random
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import openai  # noqa: F401 - as an application does at its start

from ai_client import AsyncOpenAI, OpenAI
from ai_client.control.assembly import make_layers
from ai_client.interop import official
from ai_client.provider import ClientProvider
from tests.support.hostile.framing import script
from tests.support.hostile.wire import HOLD, Wire

SECONDS = 30
"""How long a child may take: it does two calls, on a machine that may be busy."""
PLACES = 2
OFFICIAL_CLASSES = {"client_class": "openai.OpenAI", "async_client_class": "openai.AsyncOpenAI"}
chance = random.Random(5)
ANSWER = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "one",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    }
).encode()


def controls(store: str) -> dict[str, Any]:
    """Give every control that keeps state."""
    return {
        "store": store,
        "cache": {"scope": "all", "everything": True},
        "models": {"fast": ["one", "two"]},
        "breaker": {"failures": 3},
        "budgets": [{"tokens": 10**12}, {"usd": 10**6, "per": "month"}],
        "cost": True,
        "prices": {name: {"input": 1.0, "output": 2.0} for name in ("one", "two")},
        "rate_limits": [{"requests": 10**9}, {"tokens": 10**9, "per": "hour"}],
        "concurrency": {"max_in_flight": PLACES, "queue_timeout": 20.0},
        "retry_budget": True,
    }


class Clients:
    """The two clients under test, and calls of them; every second question has been asked before."""

    def __init__(self, told: dict[str, Any]) -> None:
        options = {"base_url": told["base_url"], "api_key": "any", "max_retries": 0}
        wanted = controls(told["store"])
        if told["owner"] == "provider":
            classes = OFFICIAL_CLASSES if told.get("official") == "classes" else {}
            self.provider: Any = ClientProvider({**options, **classes, "controls": wanted})
        else:
            layers = make_layers(wanted)
            self.provider = None
            self._bare = OpenAI(layers=layers, **options), AsyncOpenAI(layers=layers, **options)
        self._official = told.get("official") == "over"
        self._numbers = itertools.count()

    def _question(self) -> dict[str, Any]:
        number = next(self._numbers)
        content = "the same" if number % 2 else f"{os.getpid()} {number}"
        return {"model": "fast", "messages": [{"role": "user", "content": content}]}

    def _seen(self, client: Any) -> Any:
        return official(client) if self._official else client  # type: ignore[call-overload]

    def ask(self) -> None:
        """Make a sync call."""
        client = self._seen(self._bare[0] if self.provider is None else self.provider.client)
        assert client.chat.completions.create(**self._question()).choices

    async def ask_async(self) -> None:
        """Make an async call."""
        client = self._seen(self._bare[1] if self.provider is None else self.provider.async_client)
        answer = await client.chat.completions.create(**self._question())
        assert answer.choices


def bear(clients: Clients, fork: Callable[[], int], seconds: int) -> int:
    """Fork a child that makes a call of each kind; give its exit code, negative where it was killed."""
    process = fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    code = 1
    try:
        signal.alarm(seconds)
        faulthandler.dump_traceback_later(seconds - 1, file=sys.stderr)
        clients.ask()
        asyncio.run(clients.ask_async())
        code = 0
    except BaseException:  # noqa: BLE001 - shown, and the child ends here
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def calling(clients: Clients, end: threading.Event) -> list[threading.Thread]:
    """Start threads that call until *end*: two that block and one with a loop."""

    def call() -> None:
        while not end.is_set():
            clients.ask()

    async def call_async() -> None:
        while not end.is_set():
            await asyncio.gather(clients.ask_async(), clients.ask_async())

    threads = [threading.Thread(target=call, daemon=True) for _ in range(2)]
    threads.append(threading.Thread(target=lambda: asyncio.run(call_async()), daemon=True))
    for thread in threads:
        thread.start()
    return threads


def fork_while_calling(told: dict[str, Any]) -> list[int]:
    """Fork at any moment of calls; Python hears of it."""
    end, clients = threading.Event(), Clients(told)
    threads = calling(clients, end)
    codes: list[int] = []
    for _ in range(told["forks"]):
        time.sleep(chance.uniform(0, 0.02))
        codes.append(bear(clients, os.fork, told.get("seconds", SECONDS)))
    end.set()
    for thread in threads:
        thread.join()
    return codes


def fork_unannounced(told: dict[str, Any]) -> list[int]:
    """Fork with idle clients, and while calls wait for their answers; Python does not hear of it.

    All other threads wait for the network then: one that waited for the interpreter would keep the child from it.
    """
    fork = ctypes.PyDLL(None).fork
    with Wire() as wire:
        wire.answer = lambda request: script([ANSWER], "length")  # noqa: ARG005 - the interface
        clients = Clients({**told, "base_url": wire.base_url})
        clients.ask()
        asyncio.run(clients.ask_async())

        def bear_in_silence() -> int:
            time.sleep(1)  # the wire hears of the end of the last child's connections
            return bear(clients, fork, told.get("seconds", SECONDS))

        codes = [bear_in_silence()]
        before = len(wire.requests)
        wire.answer = lambda request: [HOLD]  # noqa: ARG005
        calling(clients, threading.Event())
        wire.wait_for(lambda: len(wire.requests) >= before + PLACES)
        wire.answer = lambda request: script([ANSWER], "length")  # noqa: ARG005
        codes += [bear_in_silence() for _ in range(2)]
        os.write(1, json.dumps(codes).encode())
        os._exit(0)  # what hangs on the wire would hold up the end


def main(told: dict[str, Any]) -> None:
    """Do as told, and write the exit codes of the children as JSON."""
    warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)
    codes = fork_while_calling(told) if told["fork"] == "python" else fork_unannounced(told)
    os.write(1, json.dumps(codes).encode())


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
