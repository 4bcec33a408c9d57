"""The tables of logs, such as the journal of calls."""

from django.db import migrations, models

_MARKS = ("endpoint", "model", "asked", "tenant", "outcome", "error", "request", "cache")


def _key() -> models.CompositePrimaryKey:
    return models.CompositePrimaryKey(
        "name", "entry", blank=True, editable=False, primary_key=True, serialize=False
    )


class Migration(migrations.Migration):
    dependencies = [("ai_client_store", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="LogContent",
            fields=[
                ("pk", _key()),
                ("name", models.TextField()),
                ("entry", models.TextField()),
                ("content", models.BinaryField()),
                ("until", models.FloatField()),
            ],
            options={
                "db_table": "ai_client_store_log_contents",
                "abstract": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="LogEntry",
            fields=[
                ("pk", _key()),
                ("name", models.TextField()),
                ("entry", models.TextField()),
                ("at", models.FloatField()),
                *((mark, models.TextField()) for mark in _MARKS),
                ("left_out", models.BigIntegerField()),
                ("summary", models.BinaryField()),
                ("until", models.FloatField()),
            ],
            options={
                "db_table": "ai_client_store_log_entries",
                "abstract": False,
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["name", mark, "entry"], name=f"ai_client_log_by_{mark}")
                    for mark in _MARKS
                ],
            },
        ),
    ]
