"""What must not be seen, wherever one looks: keys and texts in stores, logs, traces, hooks, errors and `repr`."""

import json
import logging
import pickle
import sqlite3
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ai_client import BadRequestError, ClientConfig, labels
from ai_client._process.assembly import Assembly
from ai_client.control.observability.hooks import Hooks
from ai_client.control.observability.telemetry import Telemetry
from ai_client.control.record import call_record
from ai_client.testing import Recorded, Reply, Upstream
from tests.support.invoke import Invoke

KEY = "sk-verysecretkey0123456789"
PROMPT = "the prompt nobody may read"
ANSWER = "the answer nobody may read"
QUERY = "query-secret-42"
HEADER = "header-secret-42"


def answer(recorded: Recorded) -> Reply:
    """Answer whole or in a stream, and refuse where the request says so, quoting it."""
    body = recorded.json()
    if body["model"] == "refused":
        return Reply(status=400, json={"error": {"message": f"You said: {PROMPT}", "code": "bad"}})
    usage = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}
    if body.get("stream"):
        said = {"id": "x", "choices": [{"index": 0, "delta": {"content": ANSWER}}]}
        items: list[Any] = [said, {"id": "x", "choices": [], "usage": usage}]
        return Reply(
            chunks=[*(f"data: {json.dumps(item)}\n\n".encode() for item in items), b"data: [DONE]\n\n"]
        )
    message = {"role": "assistant", "content": ANSWER}
    choices = [{"index": 0, "finish_reason": "stop", "message": message}]
    return Reply(
        json={"id": "x", "object": "chat.completion", "model": "m", "choices": choices, "usage": usage}
    )


def in_sqlite(path: Path) -> dict[str, str]:
    """Give all that a file holds, by table."""
    with sqlite3.connect(path) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {table: str(db.execute(f"SELECT * FROM {table}").fetchall()) for table in tables}  # noqa: S608 - its own
    db.close()
    return found


def in_redis(url: str) -> dict[str, str]:
    """Give all that a server holds, by the first part of its keys."""
    import redis

    found: dict[str, str] = {}
    with redis.Redis.from_url(url) as db:
        for key in db.keys("*"):
            kind = db.type(key)
            value: Any
            if kind == b"hash":
                value = db.hgetall(key)
            elif kind == b"zset":
                value = db.zrange(key, 0, -1)
            elif kind == b"set":
                value = db.smembers(key)
            else:
                value = db.get(key)
            name = key.decode().split(":")[1]
            found[name] = found.get(name, "") + f"{key!r} {value!r}"
    return found


@pytest.fixture(params=["sqlite", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the address of a store and what tells all that it holds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db", lambda: in_sqlite(tmp_path / "store.db")
        return
    server = request.getfixturevalue("redis_server")
    import redis

    with redis.Redis.from_url(server.url) as connection:
        connection.flushall()
    yield server.url, lambda: in_redis(server.url)


def test_nothing_shows_keys_or_texts(
    invoke: Invoke, upstream: Upstream, place: tuple[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Under every policy, keys and texts are in no log, span, hook, error, `repr` or store; only the cache, which is
    there for it, holds answers, under keys that tell nothing.
    """  # noqa: D205 - one sentence
    url, contents = place
    upstream.always(answer)
    seen: list[Any] = []
    hear = dict.fromkeys(("on_call", "on_attempt", "on_result", "on_error"), seen.append)
    exporter, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    options: dict[str, Any] = {
        "api_key": KEY,
        "base_url": upstream.base_url,
        "default_query": {"code": QUERY},
        "default_headers": {"x-gateway": HEADER},
        "controls": {
            "store": url,
            "logs": True,
            "hooks": Hooks(**hear),
            "telemetry": Telemetry(tracer_provider=tracers),
            "cache": {"scope": "tenant", "everything": True},
            "models": {"smart": "gpt-4o-mini"},
            "budgets": [{"tokens": 10**6, "scope": "tenant"}, {"usd": 5, "hard": False}],
            "cost": True,
            "prices": {"gpt-4o-mini": {"input": 1, "output": 1}},
            "rate_limits": [{"requests": 100, "tokens": 10**6}],
            "concurrency": 5,
            "retry_budget": True,
        },
    }
    config = ClientConfig.make(options)
    assembly = Assembly(config)
    shown = [repr(config), str(assembly.layers())]
    client = invoke.client(
        **{
            name: value
            for name, value in assembly.arguments().items()
            if name not in {"timeout", "max_retries"}
        }
    )
    with caplog.at_level(logging.DEBUG), labels(tenant="acme"):
        for _ in range(2):
            record = call_record(invoke.chat(client, PROMPT, model="smart"))
            shown.append(repr(record))
            stream = invoke.chat(client, PROMPT, model="smart", stream=True)
            shown.append(repr(stream))
            invoke.collect(stream)
        with pytest.raises(BadRequestError) as caught:
            invoke.chat(client, PROMPT, model="refused")
    assert record is not None
    assert record.cache == "hit"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(client)
    shown += [
        repr(client),
        caplog.text,
        *(str(vars(line)) for line in caplog.records if line.name.startswith("ai_client")),
        str(seen),
        *(span.to_json() for span in exporter.get_finished_spans()),
    ]
    frames = traceback.format_exception(caught.value)
    tracers.shutdown()
    assembly.close_store()
    kept = contents()
    answers = kept.pop("kept")
    everything = " ".join((*shown, *kept.values()))
    assert len(seen) > 8
    assert ANSWER in answers
    for text in (KEY, QUERY, HEADER):
        assert text not in everything + answers + "".join(frames)
    for text in (PROMPT, ANSWER):
        assert text not in everything
    assert PROMPT not in answers
    assert "acme" in everything  # labels are in the clear
