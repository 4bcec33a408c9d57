"""The links from figures of the first page to the calls behind them, and what the list says where it cannot be read."""

import html
import re
from typing import Any

from ai_client.dashboard import DashboardPage, PageRequest
from ai_client.errors import StoreError
from tests.support.journal import MadeUpJournal, ProviderWithJournal, call
from tests.support.made_up_figures import MadeUpProvider, raising


def test_each_figure_leads_to_a_list() -> None:
    """The list understands each link of the first page, and chooses by each of its parameters."""
    page = DashboardPage(public=True)
    shown = page.answer(MadeUpProvider(), PageRequest("GET", base="/ai")).body.decode()
    links = {html.unescape(link) for link in re.findall(r'href="/ai/calls\?([^"]*)"', shown)}
    assert len(links) > 20
    provider = ProviderWithJournal(MadeUpJournal([call(1)]))
    for link in links:
        answer = page.answer(provider, PageRequest("GET", "calls", link, base="/ai"))
        assert answer.status == 200
        text = html.unescape(answer.body.decode())
        files = re.findall(r'href="/ai/calls/data\.csv\?([^"]*)"', text)
        assert [sorted(one.split("&")) for one in files] == [sorted(link.split("&"))]
    provider.close()


def test_a_store_that_is_down_is_said() -> None:
    """Where the store does not answer, the pages of calls say so with a status of their own."""
    journal: Any = MadeUpJournal([call(1)])
    journal.entries = journal.entry = raising(StoreError("The store did not answer within 10 s."))
    provider = ProviderWithJournal(journal)
    for path in ("calls", "calls/00000001", "calls/data.json"):
        answer = DashboardPage(public=True).answer(provider, PageRequest("GET", path))
        assert answer.status == 503
        assert "did not answer" in answer.body.decode()
    provider.close()
