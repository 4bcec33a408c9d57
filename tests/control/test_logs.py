"""One log record a call."""

import logging
from typing import Any

import pytest

from ai_client import BadRequestError, labels
from ai_client.control.accounting.cost import Cost
from ai_client.control.cache.policy import Cache
from ai_client.control.fallback import Fallback
from ai_client.control.observability.logs import Logs
from ai_client.control.observability.redaction.policy import Redaction
from ai_client.control.pricing.prices import Prices
from ai_client.control.record import call_record
from ai_client.stores import open_store
from ai_client.testing import Upstream
from tests.support.invoke import Invoke

PRICES = Prices({"gpt-4o-mini": {"input": 1, "output": 1}}, library=False)


def only(caplog: pytest.LogCaptureFixture) -> Any:
    """Give the one record that there is of calls."""
    (record,) = (record for record in caplog.records if record.name == "ai_client.calls")
    return record


@pytest.fixture(autouse=True)
def _heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ai_client.calls")


def test_one_record_a_call(invoke: Invoke, caplog: pytest.LogCaptureFixture) -> None:
    """A call leaves one record with all that is known of it in fields of its own."""
    client = invoke.client(layers=[Logs(), Fallback({"fast": "gpt-4o-mini"}), Cost(PRICES)])
    with labels(endpoint="/ask", tenant="acme", user="ann"):
        completion = invoke.chat(client, "private words", model="fast")
    record = only(caplog)
    assert record.levelno == logging.INFO
    assert (record.ai_model, record.ai_alias, record.ai_target) == ("fast", "fast", "gpt-4o-mini")
    assert (record.ai_endpoint, record.ai_tenant, record.ai_user) == ("/ask", "acme", "ann")
    assert (record.ai_request_id, record.ai_attempts, record.ai_status) == (completion._request_id, 1, 200)
    assert record.ai_input_tokens == completion.to_dict()["usage"]["prompt_tokens"]
    assert record.ai_usage == "reported"
    assert record.ai_usd > 0
    assert record.ai_seconds > 0
    assert "private" not in str(vars(record))


def test_a_stream_is_logged_at_its_end(invoke: Invoke, caplog: pytest.LogCaptureFixture) -> None:
    """A stream is logged when it is over, with the time to its first item."""
    stream = invoke.chat(invoke.client(layers=[Logs()]), stream=True)
    assert not caplog.records
    invoke.collect(stream)
    record = only(caplog)
    assert (record.ai_stream, record.ai_complete) == (True, True)
    assert 0 < record.ai_first_item_seconds <= record.ai_seconds


def test_a_failure_is_a_warning(invoke: Invoke, upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    """A call that fails leaves a warning with its error, and neither key nor prompt."""
    upstream.reply(status=400, json={"error": {"message": "bad: private words sk-abcdefgh123"}})
    with pytest.raises(BadRequestError):
        invoke.chat(invoke.client(layers=[Logs()]), "private words")
    record = only(caplog)
    assert record.levelno == logging.WARNING
    assert (record.ai_error, record.ai_status) == ("BadRequestError", 400)
    assert "private" not in str(vars(record)) + record.getMessage()


def test_a_hit_is_logged_as_one(invoke: Invoke, caplog: pytest.LogCaptureFixture) -> None:
    """An answer from the cache is logged with no attempt, no tokens and no cost."""
    client = invoke.client(layers=[Logs(), Cache("all", open_store())])
    invoke.chat(client, seed=1)
    caplog.clear()
    invoke.chat(client, seed=1)
    record = only(caplog)
    assert (record.ai_cache, record.ai_attempts, record.ai_usd, record.ai_input_tokens) == ("hit", 0, 0, None)


def test_content_is_logged_where_asked(invoke: Invoke, caplog: pytest.LogCaptureFixture) -> None:
    """With `content` the record has prompt and completion, the patterns masked."""
    invoke.chat(
        invoke.client(layers=[Logs(redaction=Redaction(content=True, patterns=["email"]))]),
        "I am a@example.org",
    )
    record = only(caplog)
    assert record.ai_prompt[0]["content"] == "I am [redacted]"
    assert "[redacted]" in record.ai_completion[0]["message"]["content"]


def test_nothing_is_made_for_nobody(invoke: Invoke, caplog: pytest.LogCaptureFixture) -> None:
    """Where the logger is off, the call just goes on."""
    caplog.set_level(logging.ERROR, "ai_client.calls")
    invoke.chat(invoke.client(layers=[Logs()]))
    assert not caplog.records


def test_notes_are_taken_where_nothing_is_logged(invoke: Invoke, caplog: pytest.LogCaptureFixture) -> None:
    """Where the level lets only failures through, the result knows its request id and tokens all the same."""
    caplog.set_level(logging.WARNING, "ai_client.calls")
    record = call_record(invoke.chat(invoke.client(layers=[Logs()])))
    assert not caplog.records
    assert record is not None
    assert record.request_id
    assert record.usage is not None
    assert record.usage.output
