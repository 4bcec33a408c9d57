"""Calls made up for tests of pages, and a journal in memory that holds them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ai_client import ClientProvider
from ai_client.operations.journal import JournalAttempt, JournalContent, JournalEntry, JournalState

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def attempt(number: int = 1, began: float = 0.0, seconds: float = 0.4, **changes: Any) -> JournalAttempt:
    """Return an attempt that succeeded, unless *changes* say otherwise."""
    given = JournalAttempt(
        target=None,
        number=number,
        began=began,
        seconds=seconds,
        status=200,
        queue=0.001,
        connect=0.02,
        send=0.001,
        first_byte=0.37,
    )
    return replace(given, **changes)


def call(number: int = 1, **changes: Any) -> JournalEntry:
    """Return the entry of a call of chat completions that was answered, unless *changes* say otherwise."""
    given = JournalEntry(
        id=f"{number:08d}",
        at=NOON + timedelta(seconds=number),
        request=None,
        endpoint="/ask/{topic}",
        tenant="acme",
        user=None,
        client="default",
        method="POST",
        path="/chat/completions",
        model="gpt-5.5",
        target=None,
        stream=False,
        outcome="ok",
        status=200,
        error=None,
        message=None,
        cache=None,
        usage_source="reported",
        input_tokens=120,
        output_tokens=45,
        cached_tokens=0,
        reasoning_tokens=None,
        usd=0.00123,
        nano_usd=1_230_000,
        unpriced=False,
        seconds=0.61,
        first_item=None,
        attempts=(attempt(),),
        request_id="req_0123",
        process="web-1:4711",
        has_content=False,
    )
    return replace(given, **changes)


class MadeUpJournal:
    """A journal of made-up calls, read as `JournalBook` is.

    Attributes:
        calls: The calls by their ids.
        contents: What they sent and were answered.
    """

    def __init__(
        self, calls: Iterable[JournalEntry] = (), contents: dict[str, JournalContent] | None = None
    ) -> None:
        self.calls = {one.id: one for one in calls}
        self.contents = contents or {}

    def add(self, entry: JournalEntry) -> None:
        """Keep one more call."""
        self.calls[entry.id] = entry

    def entries(
        self,
        *,
        limit: int = 50,
        before: str | None = None,
        since: datetime | timedelta | None = None,
        until: datetime | None = None,
        model: str | None = None,
        **chosen: str,
    ) -> list[JournalEntry]:
        """Return the newest calls that have what is given."""
        earliest = datetime.now(UTC) - since if isinstance(since, timedelta) else since
        found = [
            one
            for one in sorted(self.calls.values(), key=lambda one: one.id, reverse=True)
            if (before is None or one.id < before)
            and (earliest is None or one.at >= earliest)
            and (until is None or one.at < until)
            and (model is None or model in {one.model or "", one.target})
            and all((getattr(one, name) or "") == value for name, value in chosen.items())
        ]
        return found[:limit]

    def entry(self, id: str) -> JournalEntry | None:  # noqa: A002
        """Return a call."""
        return self.calls.get(id)

    def content(self, id: str) -> JournalContent | None:  # noqa: A002
        """Return what a call sent and was answered."""
        return self.contents.get(id)

    def state(self) -> JournalState:
        """Return how much it holds."""
        oldest = min((one.at for one in self.calls.values()), default=None)
        return JournalState(kept=len(self.calls), keep=10_000, oldest=oldest, left_out=3)


class ProviderWithJournal(ClientProvider):
    """A provider of real clients whose calls are those of a made-up journal."""

    def __init__(self, made_up: MadeUpJournal, **options: Any) -> None:
        super().__init__(**{"api_key": "sk-test", **options})
        self.made_up = made_up

    @property
    def journal(self) -> Any:
        """The made-up journal."""
        return self.made_up
