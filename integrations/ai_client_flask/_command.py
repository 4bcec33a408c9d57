"""`flask ai-client doctor`."""

import click
from flask import current_app
from flask.cli import AppGroup

from ai_client.adapter import Settings

from ._current import get_ai_client

commands = AppGroup("ai-client", help="Commands for the AI client.")


@commands.command("doctor")
@click.option("--call", is_flag=True, help="Also list the models, to check that the API answers.")
def doctor(*, call: bool) -> None:
    """Print the effective options, without secrets, and their faults."""
    faulty = False
    for line, fault in Settings.from_keys(current_app.config).diagnose(get_ai_client if call else None):
        click.echo(line)
        faulty |= fault
    if faulty:
        raise SystemExit(1)
