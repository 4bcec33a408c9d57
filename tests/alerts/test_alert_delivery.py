"""Receivers that fail, hang and refuse: calls go on, and what was not delivered is logged without a secret."""

import asyncio
import logging
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ai_client import ClientProvider
from ai_client.control import Alert
from ai_client.control.alerts import outbox, webhook
from ai_client.testing import Upstream
from tests.support.accounts import chat_reply
from tests.support.alert_receiver import SECRET, AlertReceiver, running_receiver
from tests.support.alerting import alerting, ask, soft
from tests.support.certificates import Office
from tests.support.ports import free_port
from tests.support.waiting import until


def alert() -> Alert:
    """Return an alert."""
    now = datetime.now(UTC)
    return Alert("budget", "t", "m", {}, 1, None, "USD", "day", now, now, "alert_1")


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged of alerts; none of it holds a secret."""
    found = [one.getMessage() for one in caplog.records if one.name == "ai_client.alerts"]
    everything = caplog.text + repr(caplog.records)
    assert SECRET not in everything
    assert SECRET.removeprefix("whsec_") not in everything
    assert "a-secret-in-the-path" not in everything
    return found


def test_what_a_receiver_fails_is_sent_again(
    upstream: Upstream, receiver: AlertReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A status of the server's own is tried three times with one id, each signed anew."""
    monkeypatch.setattr(webhook, "_PAUSES", (0.01, 0.01))
    receiver.statuses = [500, 503]
    provider = alerting(upstream, [receiver.rule("budget")], budgets=soft(50))
    ask(provider)
    provider.close()
    assert len({event.id for event in receiver.events()}) == 1
    assert len(receiver.deliveries) == 3


@pytest.mark.parametrize(("status", "attempts"), [(500, 3), (403, 1), (302, 1)])
def test_what_nobody_takes_is_logged(
    receiver: AlertReceiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    status: int,
    attempts: int,
) -> None:
    """A receiver that refuses, or redirects, is logged without its path, and calls go on."""
    monkeypatch.setattr(webhook, "_PAUSES", (0.01, 0.01))
    receiver.statuses = [status] * 9
    with Upstream() as upstream:
        provider = alerting(upstream, [receiver.rule("budget")], budgets=soft(50))
        ask(provider, 3)
        provider.close()
    assert len(receiver.deliveries) == attempts
    where = "the webhook at http://127.0.0.1"
    assert logged(caplog) == [f"An alert was not delivered to {where}: it answered {status}"]


def test_a_receiver_that_is_not_there(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection that is refused is logged."""
    monkeypatch.setattr(webhook, "_PAUSES", (0.01, 0.01))
    rule = {"on": "budget", "to": f"http://127.0.0.1:{free_port()}/a-secret-in-the-path", "secret": SECRET}
    provider = alerting(upstream, [rule], budgets=soft(50))
    ask(provider)
    provider.close()
    assert "it did not answer (ConnectError)" in logged(caplog)[0]


def test_what_was_not_delivered_is_tried_again_later(
    upstream: Upstream, receiver: AlertReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alert that nobody took is delivered by a later call, once its claim has expired."""
    monkeypatch.setattr(webhook, "_PAUSES", ())
    for module in ("claims", "outbox"):
        monkeypatch.setattr(f"ai_client.control.alerts.{module}.CLAIM", 0.2)
    receiver.statuses = [500]
    provider = alerting(upstream, [receiver.rule("budget")], budgets=soft(50))
    ask(provider)
    receiver.wait_for(1)
    give_up = time.monotonic() + 60
    while len(receiver.deliveries) < 2 and time.monotonic() < give_up:
        ask(provider)
        time.sleep(0.05)
    time.sleep(0.5)
    ask(provider, 3)
    provider.close()
    assert len(receiver.deliveries) == 2


def test_a_receiver_that_hangs_disturbs_no_call(
    upstream: Upstream,
    receiver: AlertReceiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A receiver that never answers keeps neither calls, nor other receivers, nor the end of the application."""
    monkeypatch.setattr("ai_client.control.alerts.alerts._FLUSH", 0.2)
    receiver.hangs = True
    heard: list[Alert] = []
    rules = [receiver.rule("budget"), {"on": "budget", "to": heard.append}]
    provider = alerting(upstream, rules, budgets=soft(50))
    ask(provider, 3)
    receiver.wait_for(1)
    until(lambda: heard)
    provider.close()
    assert "are not delivered, as the application ends" in logged(caplog)[-1]


def test_an_answer_has_five_seconds_in_all(receiver: AlertReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt ends by its deadline, whatever the receiver sends meanwhile."""
    monkeypatch.setattr(webhook, "SECONDS", 0.3)
    monkeypatch.setattr(webhook, "_PAUSES", ())
    receiver.hangs = True
    send = webhook.AlertWebhook(receiver.url, SECRET, None, {})
    with pytest.raises(webhook.DeliveryError, match=r"did not answer \(ReadTimeout\)"):
        send(alert())


def test_servers_are_trusted_as_the_clients_are(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A receiver's certificate is checked: against the authorities of the client's `verify`, where it names some."""
    monkeypatch.setattr(webhook, "_PAUSES", ())
    office = Office(tmp_path)
    upstream.always(chat_reply)
    options: dict[str, Any] = {"base_url": upstream.base_url, "api_key": "sk-test"}
    with running_receiver(office.plain_server()) as receiver:
        for verify in (True, False, str(office.authority)):
            controls = {"alerts": [receiver.rule("budget")], "budgets": soft(50)}
            provider = ClientProvider(**options, controls=controls, verify=verify)
            ask(provider)
            provider.close()
        assert len(receiver.events()) == 1
    assert [one.rpartition(": ")[2] for one in logged(caplog)] == ["it did not answer (ConnectError)"] * 2


def test_proxies_of_the_environment_hold(receiver: AlertReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alert goes through the proxy that the environment names, unless that leaves its host out."""
    monkeypatch.setattr(webhook, "_PAUSES", ())
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(webhook.DeliveryError, match="did not answer"):
        webhook.AlertWebhook(receiver.url, SECRET, None, {})(alert())
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    webhook.AlertWebhook(receiver.url, SECRET, None, {})(alert())
    assert len(receiver.events()) == 1


def test_functions_that_fail_are_logged(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    """An exception in a function, sync or async, is logged with its traceback and fails no call."""

    async def fail(alert: Alert) -> None:
        await asyncio.sleep(0)
        raise LookupError(alert.kind)

    def divide(alert: Alert) -> float:
        return alert.value / 0

    rules: list[Any] = [{"on": "budget", "to": fail}, {"on": "budget", "to": divide}]
    provider = alerting(upstream, rules, budgets=soft(50))
    ask(provider, 2)
    provider.close()
    assert len(logged(caplog)) == 2
    assert "LookupError: budget" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_function_that_ends_more_than_itself_ends_no_further_alerts(
    upstream: Upstream, caplog: pytest.LogCaptureFixture, kind: type[BaseException], is_async: bool
) -> None:
    """What a function raises to end a thread or a task is logged, and it hears of the next alert."""
    heard: list[str] = []

    def leave(alert: Alert) -> None:
        heard.append(alert.kind)
        raise kind

    async def leave_async(alert: Alert) -> None:
        leave(alert)

    rules: list[Any] = [{"on": "budget", "to": leave_async if is_async else leave, "at": [0.5, 0.9]}]
    provider = alerting(upstream, rules, budgets=soft(50))
    ask(provider, 2)
    provider.close()
    assert len(heard) == len(logged(caplog)) == 2


def test_coroutine_functions_are_awaited_in_a_thread(upstream: Upstream) -> None:
    """A coroutine function runs on a loop of its own, in no thread that makes calls, and has a bounded time."""
    heard: list[str] = []

    async def hear(alert: Alert) -> None:
        await asyncio.sleep(0.01)
        heard.append(f"{threading.current_thread().name} {alert.kind}")

    provider = alerting(upstream, [{"on": "budget", "to": hear}], budgets=soft(50))

    async def main() -> None:
        from tests.support.invoke import CHAT

        await provider.async_client.chat.completions.create(**CHAT)
        await provider.aclose()

    asyncio.run(main())
    assert heard == ["ai-client-alerts budget"]


def test_coroutines_that_hang_end(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A coroutine function that does not end is cancelled, and logged."""
    monkeypatch.setattr("ai_client.control.alerts.receivers._PATIENCE", 0.05)

    async def hang(alert: Alert) -> None:
        del alert
        await asyncio.Event().wait()

    provider = alerting(upstream, [{"on": "budget", "to": hang}], budgets=soft(50))
    ask(provider)
    provider.close()
    assert "TimeoutError" in caplog.text


def test_the_queue_is_bounded(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Alerts that wait behind a slow receiver are bounded; what is dropped is logged."""
    from ai_client import labels

    monkeypatch.setattr(outbox, "_MOST", 3)
    go = threading.Event()
    heard: list[Alert] = []

    def slow(alert: Alert) -> None:
        go.wait(60)
        heard.append(alert)

    provider = alerting(upstream, [{"on": "budget", "to": slow}], budgets=soft(50, scope="tenant"))
    for number in range(8):
        with labels(tenant=str(number)):
            ask(provider)
    go.set()
    provider.close()
    assert 3 <= len(heard) <= 4
    assert len(logged(caplog)) == 8 - len(heard)


def test_a_secret_in_a_file_is_read_each_time(
    upstream: Upstream, receiver: AlertReceiver, tmp_path: Path
) -> None:
    """A secret that is replaced in its file signs the next alert."""
    file = tmp_path / "secret"
    file.write_text("another secret, of before\n")
    rule = {"on": "budget", "to": receiver.url, "secret_file": str(file), "at": 100}
    provider = alerting(upstream, [rule], budgets=soft(50))
    file.write_text(f"{SECRET}\n")
    ask(provider)
    provider.close()
    (event,) = receiver.events()
    assert event.data["kind"] == "budget"


def test_a_provider_that_starts_again_alerts_again(upstream: Upstream) -> None:
    """The thread ends with the provider, and a later alert starts another one."""
    heard: list[Alert] = []
    provider = alerting(upstream, [{"on": "budget", "at": [50, 100], "to": heard.append}], budgets=soft(100))

    def threads() -> int:
        return sum(one.name == "ai-client-alerts" for one in threading.enumerate())

    before = threads()
    ask(provider)
    provider.close()
    assert threads() == before
    provider.start()
    ask(provider)
    provider.close()
    assert len(heard) == 2


def test_the_log_is_a_receiver(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    """`logging` writes the message as a warning, with its kind and labels as fields."""
    with caplog.at_level(logging.WARNING, "ai_client.alerts"):
        provider = alerting(upstream, [{"on": "budget", "to": "logging"}], budgets=soft(50, name="b"))
        ask(provider)
        provider.close()
    (record,) = [one for one in caplog.records if one.name == "ai_client.alerts"]
    assert record.getMessage().startswith("Budget 'b': 50 tokens of 50 tokens per day are used since ")
    assert record.__dict__["ai_budget"] == "b"
