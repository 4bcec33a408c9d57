"""The tables of the store."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Ledger",
            fields=[
                ("key", models.TextField(primary_key=True, serialize=False)),
                ("used", models.BigIntegerField()),
                ("until", models.FloatField()),
            ],
            options={
                "db_table": "ai_client_store_ledgers",
                "abstract": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "key", "ticket", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.TextField()),
                ("ticket", models.TextField()),
                ("amount", models.BigIntegerField()),
                ("expires", models.FloatField()),
                ("counted_until", models.FloatField()),
            ],
            options={
                "db_table": "ai_client_store_reservations",
                "abstract": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Slot",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "key", "slot", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.TextField()),
                ("slot", models.BigIntegerField()),
                ("amount", models.BigIntegerField()),
                ("until", models.FloatField()),
            ],
            options={
                "db_table": "ai_client_store_slots",
                "abstract": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Ticket",
            fields=[
                ("ticket", models.TextField(primary_key=True, serialize=False)),
                ("settled", models.SmallIntegerField()),
                ("until", models.FloatField()),
            ],
            options={
                "db_table": "ai_client_store_tickets",
                "abstract": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Total",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "period", "key", "name", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("period", models.TextField()),
                ("key", models.TextField()),
                ("name", models.TextField()),
                ("amount", models.BigIntegerField()),
                ("until", models.FloatField()),
            ],
            options={
                "db_table": "ai_client_store_sums",
                "abstract": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Value",
            fields=[
                ("number", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.TextField(unique=True)),
                ("value", models.BinaryField()),
                ("expires", models.FloatField()),
            ],
            options={
                "db_table": "ai_client_store_kept",
                "abstract": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Place",
            fields=[
                ("number", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.TextField()),
                ("ticket", models.TextField()),
                ("amount", models.BigIntegerField()),
                ("until", models.FloatField()),
            ],
            options={
                "db_table": "ai_client_store_places",
                "abstract": False,
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("key", "ticket"), name="ai_client_store_one_place")
                ],
            },
        ),
    ]
