"""Months of an application's calls, made in simulated time: the way of real ones, with all that a dashboard shows."""

import time
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any
from unittest import mock

import httpx

from ai_client import ClientProvider, InternalServerError, labels
from ai_client.stores.recording import write_recorded

from . import payloads

ENDPOINTS = tuple(f"/products/{{id}}/part-{number}" for number in range(50))
MODELS = ("gpt-5.5", "gpt-5.4", "gpt-5.4-mini", "gpt-4.1-mini", "gpt-4o-mini")
TENANTS = tuple(f"customer-{number}" for number in range(100))
CALLS_IN_AN_HOUR, CALLS_IN_AN_HOUR_LATELY = 10, 60
"""The calls of an hour, and of one in the last week, of which the journal holds 10,000."""
_HOUR = 3600.0
_LATELY = 7 * 24
_FAILING = 0.03


def provider_with(store: str, days: int) -> ClientProvider:
    """Return a provider whose upstream is in memory, and whose sums are kept for some days."""
    controls = {
        "store": store,
        "dashboard": True,
        "statistics": {"retention": days},
        "cost": {"retention": days},
        "budgets": [{"usd": 5, "per": "day", "scope": "tenant", "name": "plan"}],
        "price_options": {"provider": "openai"},
    }
    http = httpx.Client(transport=httpx.MockTransport(_answering()))
    return ClientProvider(
        api_key="key", base_url="http://bench.test/v1", http_client=http, max_retries=1, controls=controls
    )


def make_calls(provider: ClientProvider, days: int) -> int:
    """Make the calls of days that end now; return how many they are.

    What they came to is written each hour, as a process does each second.
    """
    random, hours, number = Random(0), days * 24, 0  # noqa: S311 - the same ones each time
    end = time.time()
    with mock.patch("time.time") as clock:
        for hour in range(hours):
            count = CALLS_IN_AN_HOUR_LATELY if hours - hour <= _LATELY else CALLS_IN_AN_HOUR
            for call in range(count):
                clock.return_value = end - (hours - hour) * _HOUR + (call + 0.5) * _HOUR / count
                _call(provider.client, random, number)
                number += 1
            write_recorded()
    return number


def _call(client: Any, random: Random, number: int) -> None:
    """Make a call of any of the endpoints, models and tenants, all of which come up again and again."""
    endpoint, tenant = ENDPOINTS[number % len(ENDPOINTS)], random.choice(TENANTS)
    with labels(endpoint=endpoint, tenant=tenant), suppress(InternalServerError):
        client.chat.completions.create(**{**payloads.SMALL, "model": random.choice(MODELS)})


def _answering() -> Callable[[httpx.Request], httpx.Response]:
    random, body = Random(1), payloads.completion()  # noqa: S311 - as above

    def answer(request: httpx.Request) -> httpx.Response:
        if random.random() < _FAILING:
            return httpx.Response(500, headers={"retry-after-ms": "1"}, request=request)
        return httpx.Response(200, content=body, headers=payloads.HEADERS, request=request)

    return answer
