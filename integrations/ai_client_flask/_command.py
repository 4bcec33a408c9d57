"""`flask ai-client doctor`."""

from typing import cast

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from werkzeug.local import LocalProxy

from ._current import get_ai_client
from ._registration import registration_of

commands = AppGroup("ai-client", help="Commands for the AI client.")


@commands.command("doctor")
@click.option("--call", is_flag=True, help="Also list the models, to check that the API answers.")
def doctor(*, call: bool) -> None:
    """Print the effective options, without secrets, and their faults."""
    faulty = False
    app = cast("LocalProxy[Flask]", current_app)._get_current_object()
    settings = registration_of(app).settings(app.config)
    for line, fault in settings.diagnose(get_ai_client if call else None):
        click.echo(line)
        faulty |= fault
    if faulty:
        raise SystemExit(1)
