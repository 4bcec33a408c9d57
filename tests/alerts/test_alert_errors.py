"""Alerts of calls that fail: their share in a window, over all processes."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ai_client import ClientProvider
from ai_client.control import Alert
from ai_client.errors import InternalServerError
from ai_client.testing import Upstream
from tests.support.accounts import chat_reply
from tests.support.alerting import alerting, ask
from tests.support.invoke import CHAT, Invoke
from tests.support.waiting import until


def failing(provider: ClientProvider, upstream: Upstream, count: int) -> None:
    """Make calls that fail."""
    for _ in range(count):
        upstream.reply(status=500)
        with pytest.raises(InternalServerError):
            ask(provider)


def looked(*providers: ClientProvider) -> None:
    """Have the counts looked at now, as they are once a second."""
    for provider in providers:
        for share in provider["default"]._assembly.alerts().policies:
            share.look()


def test_a_share_of_calls_that_fail(upstream: Upstream) -> None:
    """Where a fifth of at least twenty calls fails, one alert says so; what is cancelled counts as neither."""
    heard: list[Alert] = []
    provider = alerting(upstream, [{"on": "errors", "to": heard.append}])
    ask(provider, 15)
    failing(provider, upstream, 4)
    looked(provider)
    assert not heard  # 19 calls
    failing(provider, upstream, 2)
    looked(provider)
    until(lambda: heard)
    failing(provider, upstream, 5)
    provider.close()
    (alert,) = heard
    assert (alert.kind, alert.value, alert.limit, alert.unit) == ("errors", 6 / 21, 0.2, "share")
    assert alert.window == "5 min"
    assert alert.title == "29 % of calls fail: 6 of 21 in 5 min"
    assert "Most were InternalServerError (6)." in alert.message
    assert alert.labels == {"client": "default"}


def test_processes_add_up(upstream: Upstream, shared_url: str) -> None:
    """Failures of several processes, none of which has enough, alert once."""
    heard: list[Alert] = []

    def process() -> ClientProvider:
        return alerting(upstream, [{"on": "errors", "to": heard.append, "minimum": 9}], store=shared_url)

    providers = [process() for _ in range(3)]
    for provider in providers:
        ask(provider, 2)
        failing(provider, upstream, 1)
    looked(*providers)
    until(lambda: heard)
    for provider in providers:
        failing(provider, upstream, 1)
        provider.close()
    (alert,) = heard
    assert alert.value == 3 / 9


def test_clients_of_other_names_count_apart(upstream: Upstream, tmp_path: Path) -> None:
    """Each alias has a share of its own, in one store."""
    heard: list[Alert] = []
    options: dict[str, Any] = {
        "base_url": upstream.base_url,
        "api_key": "sk-test",
        "max_retries": 0,
        "controls": {
            "store": f"sqlite:///{tmp_path}/store.db",
            "alerts": [{"on": "errors", "minimum": 4, "share": 0.5, "to": heard.append}],
        },
    }
    upstream.always(chat_reply)
    provider = ClientProvider(options, aliases={"other": options})
    ask(provider, 4)
    for _ in range(4):
        upstream.reply(status=500)
        with suppress(InternalServerError):
            provider["other"].client.chat.completions.create(**CHAT)
    provider.close()
    assert [one.labels for one in heard] == [{"client": "other"}]


def test_streams_count_at_their_end(invoke: Invoke, upstream: Upstream) -> None:
    """A stream counts once it was read; one that its reader leaves is no failure."""
    from ai_client.control.alerts.errors import ErrorShare, Failures
    from ai_client.stores import open_store

    seen: list[Failures] = []
    share = ErrorShare(open_store(), "x", 60, seen.append)
    client = invoke.client(layers=[share])
    invoke.collect(invoke.chat(client, stream=True))
    stream = invoke.chat(client, stream=True)
    invoke.collect(stream, 1)
    invoke(stream.close)
    upstream.reply(status=500)
    with suppress(InternalServerError):
        invoke.chat(client, stream=True)
    share.look()
    assert [(one.calls, one.failed, one.classes) for one in seen] == [(2, 1, {"InternalServerError": 1})]


def test_what_is_old_counts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that ended before the window count neither way."""
    import time

    from ai_client.control.alerts.errors import ErrorShare, Failures
    from ai_client.stores import open_store

    seen: list[Failures] = []
    share = ErrorShare(open_store(), "x", 60, seen.append)
    now = time.time()
    for seconds, failed in ((0, 3), (50, 2), (90, 1)):
        monkeypatch.setattr("ai_client.control.alerts.errors.time.time", lambda at=now + seconds: at)
        for _ in range(failed):
            share._count("Broken")
        share.look()
    assert [one.failed for one in seen] == [3, 5, 3]


def test_a_store_that_is_down_lets_each_decide(upstream: Upstream) -> None:
    """While the store is down a process goes by what it has counted, and alerts once."""
    heard: list[Alert] = []
    rule = {"on": "errors", "minimum": 3, "to": heard.append}
    provider = alerting(upstream, [rule], store="redis://127.0.0.1:1/0")
    failing(provider, upstream, 3)
    looked(provider)
    until(lambda: heard)
    failing(provider, upstream, 3)
    provider.close()
    assert [one.value for one in heard] == [1.0]
