"""Whose budgets are meant: labels that are given, else those of the request being served, and their account."""

from typing import Any

from .._call.labels import Labels, LabelValue, current_labels, label_text
from .._call.record import Record
from .._io.reading import AsyncReading
from .._params.omit import Omit, is_mark
from ..credentials.kept import KeptCredentials

Given = LabelValue | Omit | None
"""A label: one that is omitted is that of the request being served, `None` is a call without the label."""


class BudgetCaller:
    """The labels of a call, made or not.

    Args:
        endpoint, tenant, user: Its labels.
        model: The model that it is sent to.

    Attributes:
        labels: The labels, for those that were omitted what the current context says.
        knows_model: Whether the model was given.
    """

    def __init__(self, endpoint: Given, tenant: Given, user: Given, model: Given) -> None:
        given = {"endpoint": endpoint, "tenant": tenant, "user": user}
        named: dict[str, Any] = {
            name: label_text(name, value) for name, value in given.items() if not is_mark(value)
        }
        self.labels: Labels = current_labels()._replace(**named)
        self.knows_model = not is_mark(model)
        self._model: Any = model if self.knows_model else None

    def record(self, account: str | None) -> Record:
        """Return the record of such a call, which decides where it counts."""
        record = Record(self.labels, self._model)
        record.account = account
        return record

    async def account(self, clients: Any, io: Any) -> str | None:
        """Return what tells the account of such a call apart; `None` where it is that of the clients.

        Raises:
            OpenAIError: The application's function of credentials failed.
        """
        config = clients.config
        if config.credentials is None:
            return None
        built = clients._built.get("sync" if io.sync else "async")
        kept: KeptCredentials | None = getattr(getattr(built, "client", None), "_credentials", None)
        if kept is not None:
            return (await kept.of(io, self.labels)).fingerprint
        kept = KeptCredentials(
            config.credentials, ttl=config.credentials_ttl, by=config.credentials_by, sync=False
        )
        found: Any = await io.complete(kept.of, AsyncReading(io.deadline), self.labels)
        fingerprint: str | None = found.fingerprint
        return fingerprint
