"""Requests to a real server, one after the other or many at once."""

import asyncio
from typing import Any

import httpx


def get_many(url: str, requests: int, in_flight: int = 1) -> list[dict[str, Any]]:
    """GET an address so often, over a connection for each; give the decoded answers.

    Raises:
        httpx.HTTPStatusError: An answer is an error.
    """
    return asyncio.run(_get_many(url, requests, in_flight))


async def _get_many(url: str, requests: int, in_flight: int) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    left = iter(range(requests))
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(limits=limits, timeout=60) as http:

        async def work() -> None:
            for _ in left:
                answer = await http.get(url)
                answers.append(answer.raise_for_status().json())

        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(work())
    return answers
