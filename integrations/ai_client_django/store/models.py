"""The tables of the store. Rows are written by `ai_client.stores.sql` and not by the models."""

from typing import Any, ClassVar

from django.db import models

from ai_client.stores.log import MARKS

fields: Any = models  # the classes of fields have parameters for type checkers alone


class _Row(models.Model):
    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class Ledger(_Row):
    """The amount used of a budget in one of its windows."""

    key: Any = fields.TextField(primary_key=True)
    used: Any = fields.BigIntegerField()
    until: Any = fields.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_ledgers"


class Reservation(_Row):
    """The amount that a call under way holds of a budget."""

    pk = models.CompositePrimaryKey("key", "ticket")
    key: Any = fields.TextField()
    ticket: Any = fields.TextField()
    amount: Any = fields.BigIntegerField()
    expires: Any = fields.FloatField()
    counted_until: Any = fields.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_reservations"


class Ticket(_Row):
    """A call that was admitted, and whether it was settled."""

    ticket: Any = fields.TextField(primary_key=True)
    settled: Any = fields.SmallIntegerField()
    until: Any = fields.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_tickets"


class Slot(_Row):
    """The amount taken of a rate in a part of its window."""

    pk = models.CompositePrimaryKey("key", "slot")
    key: Any = fields.TextField()
    slot: Any = fields.BigIntegerField()
    amount: Any = fields.BigIntegerField()
    until: Any = fields.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_slots"


class Place(_Row):
    """The place of a call that waits for room in the window of a rate."""

    number: Any = fields.BigAutoField(primary_key=True)
    key: Any = fields.TextField()
    ticket: Any = fields.TextField()
    amount: Any = fields.BigIntegerField()
    until: Any = fields.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_places"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key", "ticket"], name="ai_client_store_one_place")
        ]


class Total(_Row):
    """A total of a period."""

    pk = models.CompositePrimaryKey("period", "key", "name")
    period: Any = fields.TextField()
    key: Any = fields.TextField()
    name: Any = fields.TextField()
    amount: Any = fields.BigIntegerField()
    until: Any = fields.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_sums"


class Value(_Row):
    """A cached value."""

    number: Any = fields.BigAutoField(primary_key=True)
    key: Any = fields.TextField(unique=True)
    value: Any = fields.BinaryField()
    expires: Any = fields.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_kept"


class LogEntry(_Row):
    """An entry of a log, such as a call in the journal."""

    pk = models.CompositePrimaryKey("name", "entry")
    name: Any = fields.TextField()
    entry: Any = fields.TextField()
    at: Any = fields.FloatField()
    endpoint: Any = fields.TextField()
    model: Any = fields.TextField()
    asked: Any = fields.TextField()
    tenant: Any = fields.TextField()
    outcome: Any = fields.TextField()
    error: Any = fields.TextField()
    request: Any = fields.TextField()
    cache: Any = fields.TextField()
    left_out: Any = fields.BigIntegerField()
    summary: Any = fields.BinaryField()
    until: Any = fields.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_log_entries"
        indexes: ClassVar = [
            models.Index(fields=["name", mark, "entry"], name=f"ai_client_log_by_{mark}") for mark in MARKS
        ]


class LogContent(_Row):
    """The content of an entry of a log."""

    pk = models.CompositePrimaryKey("name", "entry")
    name: Any = fields.TextField()
    entry: Any = fields.TextField()
    content: Any = fields.BinaryField()
    until: Any = fields.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_log_contents"
