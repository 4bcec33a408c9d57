"""The recipes of "Which control for which trouble": the trouble is made, and the recipe holds."""

import asyncio
import inspect
import json
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ai_client import (
    BudgetExceeded,
    ClientProvider,
    DeadlineExceededError,
    GuardrailError,
    InternalServerError,
    QueueFull,
    RateLimitError,
    RateLimitExceeded,
    ResponseTooLargeError,
    StoreError,
    labels,
)
from ai_client._call.retry import no_waiting
from ai_client.control import call_record
from ai_client.errors import BlockingCallWarning
from ai_client.testing import Gate, Upstream
from ai_client.web import http_error
from tests.support.accounts import chat_reply
from tests.support.policies import Clock
from tools.readme import ROOT

PAGE = (ROOT / "docs" / "controls" / "which-control.md").read_text()
RECIPES = dict(re.findall(r"^### (.+)\n(?:(?!^#).*\n)*?```python\n((?:.*\n)*?)```$", PAGE, re.MULTILINE))
HELLO: dict[str, Any] = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "Hello"}]}
PRICES = {"gpt-5.5": {"input": 5.0, "output": 30.0}, "gpt-4o-mini": {"input": 5.0, "output": 30.0}}
COST = (30 * 5 + 20 * 30) / 10**6
"""What a call costs in USD that is answered by `chat_reply`."""

Make = Callable[..., ClientProvider]


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, upstream: Upstream) -> None:
    """Keep files of recipes in a directory of the test's own, and have all clients ask the upstream."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-" + "a" * 40)
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.base_url)


@pytest.fixture
def make() -> Iterator[Make]:
    """Yield a function that makes a provider of a recipe, with some options in place of its own."""
    made: list[ClientProvider] = []

    def make(options: dict[str, Any], **others: Any) -> ClientProvider:
        controls = {**options.get("controls", {}), **others.pop("controls", {})}
        made.append(ClientProvider({**options, **others, **({"controls": controls} if controls else {})}))
        return made[-1]

    yield make
    for provider in made:
        provider.close()


def recipe(heading: str) -> dict[str, Any]:
    """Run the block of a recipe and return what it defines."""
    names: dict[str, Any] = {}
    exec(compile(RECIPES[heading], "which-control.md", "exec"), names)  # noqa: S102 - our own text
    return names


def options_of(heading: str) -> Any:
    """Return the options of a recipe."""
    return recipe(heading)["options"]


def ask(provider: ClientProvider, **options: Any) -> Any:
    """Make a call."""
    return provider.client.chat.completions.create(**{**HELLO, **options})


def served_before(refusal: type[Exception], provider: ClientProvider) -> int:
    """Return how many calls are served before one is refused."""
    for served in range(100):
        try:
            ask(provider, max_tokens=20)
        except refusal:
            return served
    raise AssertionError("no call is refused")


def test_slow(upstream: Upstream, make: Make) -> None:
    """A call that the upstream never answers ends at its deadline, retries included."""
    upstream.always(never=True)
    options = options_of("The upstream is slow")
    assert options["timeout"] < options["deadline"]
    provider = make(options, deadline=0.2)
    with pytest.raises(DeadlineExceededError):
        ask(provider)


def test_down(upstream: Upstream, make: Make) -> None:
    """While the first target is down the spare one answers, a stream too."""
    upstream.always(disconnect=True)
    options = options_of("The upstream is down")
    with Upstream() as spare:
        options["controls"]["fallback"]["clients"]["spare"]["base_url"] = spare.base_url
        provider = make(options)
        assert call_record(ask(provider, model="smart")).target == "spare/llama3"  # type: ignore[union-attr]
        assert len(list(ask(provider, model="smart", stream=True))) > 2
        assert [request.json()["model"] for request in spare.requests] == ["llama3"] * 2


def test_two_regions(upstream: Upstream, make: Make) -> None:
    """The far region answers while the near one is down, which is left alone after three failures."""
    upstream.always(status=503)
    options = options_of("There are two regions")
    with Upstream() as far:
        clients = options["controls"]["fallback"]["clients"]
        clients["near"]["base_url"], clients["far"]["base_url"] = upstream.base_url, far.base_url
        provider = make(options)
        for _ in range(5):
            ask(provider)
        assert (len(upstream.requests), len(far.requests)) == (3, 5)


def test_refused_for_a_while(upstream: Upstream, make: Make) -> None:
    """After a 429 that asks for a minute nothing is sent, and calls say how long it lasts."""
    upstream.reply(status=429, headers={"retry-after": "60"})
    provider = make(options_of("The upstream answers 429"), max_retries=0)
    with pytest.raises(RateLimitError):
        ask(provider)
    with pytest.raises(RateLimitExceeded) as caught:
        ask(provider)
    assert 50 < (caught.value.retry_after or 0) <= 60
    assert len(upstream.requests) == 1


def test_retries(upstream: Upstream, make: Make) -> None:
    """In an outage 20 calls make 12 retries, not 40."""
    upstream.always(status=503)
    provider = make(options_of("Retries make an outage worse"))
    with no_waiting():
        for _ in range(20):
            with pytest.raises(InternalServerError):
                ask(provider)
    assert 30 <= len(upstream.requests) <= 32


def test_old_answers(upstream: Upstream, make: Make) -> None:
    """An answer of two hours ago is served while the upstream is down."""
    provider = make(options_of("An old answer is better than none"), max_retries=0)
    clock = Clock()
    provider.client.io.now = clock  # type: ignore[method-assign]
    with labels(tenant="acme"):
        first = ask(provider, temperature=0)
        clock.now += 7200
        upstream.always(status=503)
        second = ask(provider, temperature=0)
        assert first.choices == second.choices
        assert call_record(second).cache == "stale"  # type: ignore[union-attr]
        clock.now += 2 * 86_400
        with pytest.raises(InternalServerError):
            ask(provider, temperature=0)


def test_replaced_model(upstream: Upstream, make: Make) -> None:
    """The model behind an alias is asked."""
    record = call_record(ask(make(options_of("A model is replaced by another")), model="writer"))
    assert upstream.requests[0].json()["model"] == "gpt-5.5"
    assert record is not None
    assert (record.alias, record.target) == ("writer", "gpt-5.5")


def test_the_bill(upstream: Upstream, make: Make) -> None:
    """However many calls come at once, what is spent stays within the budget, and the rest is a 402."""
    upstream.always(chat_reply)
    options = options_of("The bill may grow too high")
    options["controls"]["budgets"][0]["usd"] = 40 * COST
    provider = make(options, controls={"prices": PRICES, "cost": True})

    def spend(number: int) -> int:
        del number
        try:
            ask(provider, max_tokens=20)
        except BudgetExceeded as error:
            shown = http_error(error)
            assert shown is not None
            assert shown.status == 402
            return 0
        return 1

    with ThreadPoolExecutor(8) as threads:
        served = sum(threads.map(spend, range(80)))
    assert served == len(upstream.requests)
    assert 30 <= served <= 40


def test_one_tenant(upstream: Upstream, make: Make) -> None:
    """A tenant whose budget is used up is refused, and another is served."""
    upstream.always(chat_reply)
    options = options_of("One tenant eats the budget of all")
    options["controls"]["budgets"][0]["usd"] = 2 * COST
    provider = make(options, controls={"prices": PRICES})
    with labels(tenant="acme"):
        assert served_before(BudgetExceeded, provider) <= 2
    with labels(tenant="bolt"):
        ask(provider, max_tokens=20)


def test_a_loop(upstream: Upstream, make: Make) -> None:
    """A run that never ends is stopped after 20 calls, and another run goes on."""
    upstream.always(chat_reply)
    provider = make(options_of("A loop in an agent burns money"), controls={"prices": PRICES})
    with labels(user="run-17"):
        assert served_before(BudgetExceeded, provider) == 20
    with labels(user="run-18"):
        ask(provider, max_tokens=20)


def test_a_dear_loop(upstream: Upstream, make: Make) -> None:
    """A run of dear calls is stopped at half a dollar."""
    upstream.always(chat_reply)
    dear = {name: {"input": 2000, "output": 2000} for name in PRICES}
    provider = make(options_of("A loop in an agent burns money"), controls={"prices": dear})
    with labels(user="run-17"):
        assert (
            4 <= served_before(BudgetExceeded, provider) <= 5
        )  # of ten cents each, of which a bit more is set aside


def test_who_spent_it(upstream: Upstream, make: Make) -> None:
    """The report has the calls and the cost of each tenant."""
    upstream.always(chat_reply)
    names = recipe("Nobody knows who spent it")
    provider = make(names["options"], controls={"prices": PRICES})
    for tenant in ("acme", "acme", "bolt"):
        with labels(tenant=tenant):
            ask(provider)
    (acme, bolt) = names["report"]()
    assert acme == ("acme", "gpt-4o-mini", 2, pytest.approx(2 * COST))
    assert bolt == ("bolt", "gpt-4o-mini", 1, pytest.approx(COST))


def test_the_same_question(upstream: Upstream, make: Make) -> None:
    """Of equal calls, at once and later, one goes upstream."""
    provider = make(options_of("The same question comes a thousand times"))
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: ask(provider).choices[0].message.content, range(50)))
    assert len(set(answers)) == 1
    assert len(upstream.requests) == 1


def test_long_answers(upstream: Upstream, make: Make) -> None:
    """A call without a limit, and one with a larger one, are sent with the limit."""
    provider = make(options_of("Answers grow too long"))
    for asked in ({}, {"max_completion_tokens": 9000}):
        ask(provider, **asked)
    assert [request.json()["max_completion_tokens"] for request in upstream.requests] == [500, 500]


def test_dear_models(upstream: Upstream, make: Make) -> None:
    """A model that is not allowed is refused, and nothing is sent."""
    provider = make(options_of("Somebody uses a dear model"))
    with pytest.raises(GuardrailError):
        ask(provider, model="gpt-5.5")
    assert not upstream.requests
    ask(provider, model="gpt-5.4-mini")


def test_killed(upstream: Upstream, make: Make) -> None:
    """What a killed process had set aside is not there for others, until it expires."""
    gate = Gate()
    upstream.reply(gate=gate)
    options = options_of("A process is killed in the middle of a call")
    program = (
        f"import ai_client; ai_client.ClientProvider({options!r}).client.chat.completions.create(**{HELLO!r})"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        upstream.wait_for(lambda: bool(upstream.requests))
        process.kill()
    provider = make(options)
    with pytest.raises(BudgetExceeded):
        ask(provider)
    gate.set()
    now = provider.client.io.now
    provider.client.io.now = lambda: now() + options["controls"]["budget_options"]["expires"]  # type: ignore[method-assign]
    ask(provider)


def test_noisy_neighbour(make: Make) -> None:
    """A tenant that asks too much is refused with a 429, and others are not."""
    provider = make(options_of("A noisy neighbour takes the whole rate"))
    with labels(tenant="loud"):
        assert served_before(RateLimitExceeded, provider) == 60
    with labels(tenant="calm"):
        ask(provider, max_tokens=20)


def test_too_many_at_once(upstream: Upstream, make: Make) -> None:
    """Of 20 calls four run, eight wait and eight are refused."""
    gate = Gate()
    upstream.always(gate=gate)
    provider = make(options_of("Too many calls run at once"), controls={})
    refused = threading.Semaphore(0)

    def call(number: int) -> bool:
        del number
        try:
            ask(provider)
        except QueueFull:
            refused.release()
            return False
        return True

    with ThreadPoolExecutor(20) as threads:
        results = [threads.submit(call, number) for number in range(20)]
        for _ in range(8):
            assert refused.acquire(timeout=30)
        upstream.wait_for(lambda: upstream.in_flight == 4)
        gate.set()
        assert sum(result.result() for result in results) == 12
    assert upstream.max_in_flight == 4


def test_workers(make: Make) -> None:
    """Two workers have one rate together."""
    options = options_of("Each worker counts for itself")
    one, other = make(options), make(options)
    ask(one)
    ask(other)
    ask(one)
    with pytest.raises(RateLimitExceeded):
        ask(other)


def test_store_down(upstream: Upstream, make: Make) -> None:
    """While the store is down no call is sent."""
    provider = make(options_of("The store is down"))
    with pytest.raises(StoreError):
        ask(provider)
    assert not upstream.requests


def test_long_prompts(upstream: Upstream, make: Make) -> None:
    """The oldest turns of a long conversation are left out, and the latest stays."""
    turns = [{"role": "user", "content": f"{number} " + "word " * 100} for number in range(30)]
    ask(make(options_of("A prompt is too long")), messages=turns)
    sent = upstream.requests[0].json()["messages"]
    assert 1 < len(sent) < 15
    assert sent[-1] == turns[-1]


def test_large_responses(upstream: Upstream, make: Make) -> None:
    """A body without end fails at its limit."""
    upstream.always(json={"choices": [], "filler": "x" * 11_000_000})
    with pytest.raises(ResponseTooLargeError):
        ask(make(options_of("A response fills the memory"), max_retries=0))


def test_blocking_calls(upstream: Upstream, make: Make) -> None:
    """A sync call in a coroutine raises and is not sent."""
    provider = make(options_of("A call blocks the event loop"))

    async def view() -> None:
        ask(provider)

    with pytest.raises(BlockingCallWarning):
        asyncio.run(view())
    assert not upstream.requests


def test_logs(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """The log has the call, without the key and the address in its prompt."""
    caplog.set_level(logging.INFO, "ai_client.calls")
    text = "I am ann@example.org, my key is sk-proj-" + "aB3x" * 12
    ask(make(options_of("A key or an address leaks into logs")), messages=[{"role": "user", "content": text}])
    (record,) = caplog.records
    said = json.dumps(vars(record), default=str)
    assert "I am" in said
    assert "ann@example.org" not in said
    assert "aB3x" not in said
    assert "sk-aa" not in said


def test_own_rules(upstream: Upstream, make: Make) -> None:
    """The policy refuses what breaks the rule, and lets the rest pass."""
    provider = make(options_of("A rule of your own is broken"))
    ask(provider)
    with pytest.raises(GuardrailError):
        ask(provider, messages=[{"role": "user", "content": "CONFIDENTIAL: the plan"}])
    assert len(upstream.requests) == 1


def test_deployments(upstream: Upstream, make: Make) -> None:
    """A stream that is being read when the application ends is read to its end."""
    gate = Gate()
    chunk = b'data: {"choices": [{"index": 0, "delta": {"content": "word"}}]}\n\n'
    upstream.reply(
        chunks=[chunk, gate, chunk, b"data: [DONE]\n\n"], headers={"content-type": "text/event-stream"}
    )
    provider = make(options_of("A deployment cuts streams"))
    stream = iter(ask(provider, stream=True))
    next(stream)
    closing = threading.Thread(target=provider.close)
    closing.start()
    gate.set()
    assert len(list(stream)) == 1
    closing.join(30)
    assert not closing.is_alive()


def test_users_who_go(upstream: Upstream) -> None:
    """When the reader of a streamed response disconnects, the upstream's connection is closed."""
    gate = Gate()
    chunk = b'data: {"choices": [{"index": 0, "delta": {"content": "word"}}]}\n\n'
    upstream.reply(chunks=[chunk, gate], headers={"content-type": "text/event-stream"})
    app = recipe("A user goes away")["app"]

    async def visit() -> None:
        begun = asyncio.Event()
        request: list[Any] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Any:
            if request:
                return request.pop()
            await begun.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message.get("body"):
                begun.set()

        scope = {"type": "http", "method": "GET", "path": "/ask", "headers": [], "query_string": b""}
        async with app.router.lifespan_context(app):
            await app({**scope, "root_path": "", "scheme": "http", "http_version": "1.1"}, receive, send)
            await upstream.wait_for_async(lambda: upstream.in_flight == 0)

    asyncio.run(visit())
    assert not gate.is_set()


def test_every_recipe_is_tested() -> None:
    """Each recipe of the page is listed at its top and has a test here."""
    headings = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
    assert [*RECIPES] == headings
    source = inspect.getsource(sys.modules[__name__])
    assert [heading for heading in headings if f'("{heading}")' not in source] == []
    listed = re.findall(r"^\| \[(.+?)\]\(#([\w-]+)\) \|", PAGE, re.MULTILINE)
    assert sorted(name for name, _ in listed) == sorted(headings)
    assert [anchor for name, anchor in listed if anchor != name.lower().replace(" ", "-")] == []
