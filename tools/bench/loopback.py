"""Calls over loopback to a server in another process: the client's CPU time for each, by calls in flight."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import httpx
import httpx2
import openai

import ai_client

from . import payloads
from .measure import Case, Run

HEADERS = {"Authorization": "Bearer key"}
IN_FLIGHT = (1, 50, 200, 1000)
THREADS = 32


def cases(base_url: str) -> list[Case]:
    """List the cases of this kind."""
    return [*(_awaitable(base_url, count) for count in IN_FLIGHT), _blocking(base_url), _threads(base_url)]


def _awaitable(base_url: str, in_flight: int) -> Case:
    runner = asyncio.Runner()
    url = f"{base_url}/chat/completions"
    limits: dict[str, Any] = {"max_connections": in_flight, "max_keepalive_connections": in_flight}

    opened: list[Any] = []

    async def setup() -> dict[str, Callable[[], Awaitable[Any]]]:
        plain = httpx.AsyncClient(headers=HEADERS, limits=httpx.Limits(**limits), timeout=60)
        plain2 = httpx2.AsyncClient(headers=HEADERS, limits=httpx2.Limits(**limits), timeout=60)
        session = aiohttp.ClientSession(headers=HEADERS, connector=aiohttp.TCPConnector(limit=in_flight))
        ours = ai_client.AsyncOpenAI(api_key="key", base_url=base_url, max_connections=in_flight)
        official = openai.AsyncOpenAI(api_key="key", base_url=base_url)

        opened.extend((session, ours, official))

        async def by_httpx() -> object:
            return (await plain.post(url, json=payloads.SMALL)).json()

        async def by_httpx2() -> object:
            return (await plain2.post(url, json=payloads.SMALL)).json()

        async def by_aiohttp() -> object:
            async with session.post(url, json=payloads.SMALL) as response:
                return await response.json()

        small: dict[str, Any] = payloads.SMALL
        return {
            "httpx": by_httpx,
            "httpx2": by_httpx2,
            "aiohttp": by_aiohttp,
            "ours": lambda: ours.chat.completions.create(**small),
            "official": lambda: official.chat.completions.create(**small),
        }

    async def close() -> None:
        for client in opened:
            await client.close()

    calls = runner.run(setup())

    def repeat(call: Callable[[], Awaitable[Any]]) -> Run:
        async def worker(left: list[int]) -> None:
            while left:
                left.pop()
                await call()

        async def main(count: int) -> None:
            left = list(range(count))
            await asyncio.gather(*(worker(left) for _ in range(in_flight)))

        return lambda count: runner.run(main(count))

    contenders = {name: repeat(call) for name, call in calls.items()}
    if in_flight > 200:  # noqa: PLR2004 - their pools grow past bearing there
        contenders.pop("httpx")
    total = max(200, in_flight * 3)
    return Case(
        f"small call, loopback, {in_flight} in flight",
        total,
        contenders,
        rounds=5,
        close=lambda: runner.run(close()),
    )


def _blocking_calls(base_url: str) -> dict[str, Callable[[], object]]:
    url = f"{base_url}/chat/completions"
    limits: dict[str, Any] = {"max_connections": THREADS, "max_keepalive_connections": THREADS}
    plain = httpx.Client(headers=HEADERS, limits=httpx.Limits(**limits), timeout=60)
    ours = ai_client.OpenAI(api_key="key", base_url=base_url)
    official = openai.OpenAI(api_key="key", base_url=base_url)
    small: dict[str, Any] = payloads.SMALL
    return {
        "httpx": lambda: plain.post(url, json=small).json(),
        "ours": lambda: ours.chat.completions.create(**small),
        "official": lambda: official.chat.completions.create(**small),
    }


def _blocking(base_url: str) -> Case:
    def repeat(call: Callable[[], object]) -> Run:
        def run(count: int) -> None:
            for _ in range(count):
                call()

        return run

    contenders = {name: repeat(call) for name, call in _blocking_calls(base_url).items()}
    return Case("small call, loopback, blocking, 1 in flight", 200, contenders, rounds=5)


def _threads(base_url: str) -> Case:
    def repeat(call: Callable[[], object]) -> Run:
        def run(count: int) -> None:
            def work() -> None:
                for _ in range(count // THREADS):
                    call()

            threads = [threading.Thread(target=work) for _ in range(THREADS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        return run

    contenders = {name: repeat(call) for name, call in _blocking_calls(base_url).items()}
    return Case(f"small call, loopback, {THREADS} threads", THREADS * 20, contenders, rounds=5)
