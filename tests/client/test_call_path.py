"""How many Python calls of the package a small call makes, counted."""

from pathlib import Path

import ai_client
from tests.support.counting import calls_into
from tests.support.invoke import CHAT, Invoke

PACKAGE = f"{Path(ai_client.__file__).parent}/"
MOST = {True: 80, False: 89}  # of the sync client, and of the async one, whose coroutines go on once


def test_small_call_makes_few_python_calls(invoke: Invoke) -> None:
    """A call without policies, over a connection that is open, makes no more Python calls than it ever did."""
    client = invoke.client()

    def small_call() -> list[str]:
        with calls_into(PACKAGE) as calls:
            invoke(lambda: client.chat.completions.create(**CHAT))
        return calls

    fewest = min(
        (small_call() for _ in range(5)), key=len
    )  # the first connects, and garbage may be collected
    assert len(fewest) <= MOST[invoke.sync], "\n".join(fewest)
