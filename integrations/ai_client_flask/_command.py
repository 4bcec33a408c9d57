"""`flask ai-client doctor`."""

from typing import cast

import click
from flask import Flask, current_app, has_app_context
from flask.cli import AppGroup, ScriptInfo
from werkzeug.local import LocalProxy

from ai_client.errors import ConfigError

from ._current import get_ai_client
from ._registration import registration_of

commands = AppGroup("ai-client", help="Commands for the AI client.")


@commands.command(
    "doctor", with_appcontext=False
)  # which would load an app that an option keeps from loading
@click.option("--call", is_flag=True, help="Also list the models, to check that the API answers.")
@click.pass_context
def doctor(context: click.Context, *, call: bool) -> None:
    """Print the effective options, without secrets, and their faults."""
    faulty = False
    app = _load_app(context)
    with app.app_context():
        settings = registration_of(app).settings(app.config)
        for line, fault in settings.diagnose(get_ai_client if call else None):
            click.echo(line)
            faulty |= fault
    if faulty:
        raise SystemExit(1)


def _load_app(context: click.Context) -> Flask:
    """Return the app of the command.

    Raises:
        ClickException: An option of its AI client is invalid, or it has none; the message says which.
    """
    try:
        if has_app_context():
            app = cast("LocalProxy[Flask]", current_app)._get_current_object()
        else:
            app = context.ensure_object(ScriptInfo).load_app()
    except ConfigError as error:
        raise click.ClickException("\n".join(error.faults)) from error
    try:
        registration_of(app)
    except RuntimeError as error:
        raise click.ClickException(str(error)) from error
    return app
