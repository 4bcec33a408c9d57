"""Retries as a share of traffic."""

import pytest

from ai_client import ConfigError, InternalServerError
from ai_client.control.retry_budget import RetryBudget
from ai_client.testing import Upstream
from tests.support.invoke import Invoke, no_waiting


def test_retries_are_a_share_of_calls(invoke: Invoke, upstream: Upstream) -> None:
    """While every call fails, no more is sent again than the share and the minimum allow."""
    upstream.always(status=500)
    client = invoke.client(layers=[RetryBudget(share=0.1, minimum=3)], max_retries=2)
    with no_waiting():
        for _ in range(50):
            with pytest.raises(InternalServerError):
                invoke.chat(client)
    assert len(upstream.requests) == 50 + 3 + 5


def test_a_single_failure_is_tried_again(invoke: Invoke, upstream: Upstream) -> None:
    """Within the budget a call is tried again as ever."""
    upstream.reply(status=500)
    with no_waiting():
        invoke.chat(invoke.client(layers=[RetryBudget()], max_retries=1))
    assert len(upstream.requests) == 2


def test_the_past_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries of an earlier window do not count, and those of this one do until its end."""
    now = [100.0]
    monkeypatch.setattr("ai_client.control.retry_budget.time.monotonic", lambda: now[0])
    for window in (0.5, 10, 3600):
        budget = RetryBudget(share=0, minimum=1, window=window)
        began = now[0] = (now[0] // window + 1) * window
        assert (budget.take(), budget.take()) == (True, False)
        now[0] = began + 0.99 * window
        assert not budget.take()
        now[0] = began + window
        assert (budget.take(), budget.take()) == (True, False)


def test_a_senseless_budget_is_refused() -> None:
    """A negative share fails where it is made."""
    with pytest.raises(ConfigError, match="share must be 0 or more"):
        RetryBudget(share=-1)
