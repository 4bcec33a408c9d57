"""Work that goes on after its call, as each report shows it: counted once, by the call that sees its usage first."""

from datetime import timedelta
from typing import Any

import pytest

from ai_client import ClientProvider
from ai_client.testing import Upstream

_RESPONSE: dict[str, Any] = {"id": "resp_1", "object": "response", "model": "gpt-5.5", "output": []}
_USED = {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150}


def test_work_is_counted_once_everywhere(upstream: Upstream) -> None:
    """However often a response is retrieved, and though its cost was unknown first, all that count it agree."""
    prices = {"gpt-5.5": {"input": 1, "output": 10}}
    controls = {"dashboard": True, "prices": prices}
    provider = ClientProvider(base_url=upstream.base_url, api_key="sk-test", controls=controls)
    upstream.reply(json={**_RESPONSE, "status": "queued"})
    provider.client.responses.create(model="gpt-5.5", input="x", background=True)
    report = provider.statistics.report(since=timedelta(hours=1))
    assert (report.totals.unpriced, report.totals.usd) == (1, None)
    upstream.reply(json={**_RESPONSE, "status": "in_progress"})
    for _ in range(3):
        upstream.reply(json={**_RESPONSE, "status": "completed", "usage": _USED})
    for _ in range(4):
        provider.client.responses.retrieve("resp_1")
    (row,) = provider.usage.report()
    sums = provider.statistics.report(since=timedelta(hours=1)).totals
    entries = provider.journal.entries()
    assert (row.nano_usd, row.unpriced, row.input_tokens) == (600_000, 0, 100)
    assert (sums.nano_usd, sums.unpriced, sums.input_tokens) == (600_000, 0, 100)
    assert [entry.input_tokens for entry in entries if entry.input_tokens] == [100]
    assert [entry.nano_usd for entry in entries if entry.nano_usd] == [600_000]


@pytest.mark.parametrize("controls", [{"statistics": True, "journal": True}, {"dashboard": True}])
def test_what_another_call_used_is_not_counted_again(upstream: Upstream, controls: dict[str, Any]) -> None:
    """To retrieve a response that was no work of these clients uses nothing."""
    provider = ClientProvider(base_url=upstream.base_url, api_key="sk-test", controls=controls)
    upstream.reply(json={**_RESPONSE, "status": "completed", "usage": _USED})
    provider.client.responses.retrieve("resp_1")
    assert provider.statistics.report(since=timedelta(hours=1)).totals.input_tokens == 0
    assert provider.journal.entries()[0].input_tokens is None
