"""The tables of the store. Rows are written by `ai_client.stores.sql` and not by the models."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class _Row(models.Model):
    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class Ledger(_Row):
    """The amount used of a budget in one of its windows."""

    key: models.TextField[str, str] = models.TextField(primary_key=True)
    used: models.BigIntegerField[int, int] = models.BigIntegerField()
    until: models.FloatField[float, float] = models.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_ledgers"


class Reservation(_Row):
    """The amount that a call under way holds of a budget."""

    pk = models.CompositePrimaryKey("key", "ticket")
    key: models.TextField[str, str] = models.TextField()
    ticket: models.TextField[str, str] = models.TextField()
    amount: models.BigIntegerField[int, int] = models.BigIntegerField()
    expires: models.FloatField[float, float] = models.FloatField()
    counted_until: models.FloatField[float, float] = models.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_reservations"


class Ticket(_Row):
    """A call that was admitted, and whether it was settled."""

    ticket: models.TextField[str, str] = models.TextField(primary_key=True)
    settled: models.SmallIntegerField[int, int] = models.SmallIntegerField()
    until: models.FloatField[float, float] = models.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_tickets"


class Slot(_Row):
    """The amount taken of a rate in a part of its window."""

    pk = models.CompositePrimaryKey("key", "slot")
    key: models.TextField[str, str] = models.TextField()
    slot: models.BigIntegerField[int, int] = models.BigIntegerField()
    amount: models.BigIntegerField[int, int] = models.BigIntegerField()
    until: models.FloatField[float, float] = models.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_slots"


class Place(_Row):
    """The place of a call that waits for room in the window of a rate."""

    number: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    key: models.TextField[str, str] = models.TextField()
    ticket: models.TextField[str, str] = models.TextField()
    amount: models.BigIntegerField[int, int] = models.BigIntegerField()
    until: models.FloatField[float, float] = models.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_places"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key", "ticket"], name="ai_client_store_one_place")
        ]


class Total(_Row):
    """A total of a period."""

    pk = models.CompositePrimaryKey("period", "key", "name")
    period: models.TextField[str, str] = models.TextField()
    key: models.TextField[str, str] = models.TextField()
    name: models.TextField[str, str] = models.TextField()
    amount: models.BigIntegerField[int, int] = models.BigIntegerField()
    until: models.FloatField[float, float] = models.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_sums"


class Value(_Row):
    """A cached value."""

    number: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    key: models.TextField[str, str] = models.TextField(unique=True)
    value: models.BinaryField[bytes, bytes] = models.BinaryField()
    expires: models.FloatField[float, float] = models.FloatField()

    class Meta(_Row.Meta):
        """The table."""

        db_table = "ai_client_store_kept"
