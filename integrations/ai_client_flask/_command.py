"""`flask ai-client ...`: the sub-commands of `ai-client` for the app that Flask's command loads."""

import argparse
import sys
from functools import partial
from typing import Any, NoReturn, cast

import click
from flask import Flask, current_app, has_app_context
from flask.cli import ScriptInfo
from werkzeug.local import LocalProxy

from ai_client.adapter import Application
from ai_client.commands import COMMANDS, Command, CommandError, Output, described, explain, perform
from ai_client.errors import ConfigError

from ._registration import application_of_flask


class _Subcommand(click.Command):
    """A sub-command, whose arguments it parses itself."""

    def __init__(self, command: Command) -> None:
        super().__init__(command.NAME, short_help=command.HELP, add_help_option=False)
        self._command = command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leave the arguments to the command's own parser."""
        ctx.args = args
        return args

    def invoke(self, ctx: click.Context) -> NoReturn:
        """Run the command, and end with its exit code."""
        parser = argparse.ArgumentParser(prog=ctx.command_path, description=described(self._command))
        self._command.add_arguments(parser)
        options = parser.parse_args(ctx.args)
        sys.exit(perform(self._command, options, partial(_load, ctx), Output()))


commands = click.Group(
    "ai-client",
    help="Commands for the AI clients of the app.",
    commands={name: _Subcommand(command) for name, command in COMMANDS.items()},
)


def _load(context: click.Context) -> Application:
    """Return the app of the command.

    Raises:
        CommandError: It cannot be loaded, or has no AI clients.
    """
    try:
        if has_app_context():
            app = cast("LocalProxy[Flask]", current_app)._get_current_object()
        else:
            app = context.ensure_object(ScriptInfo).load_app()
    except ConfigError as error:  # an option keeps the app from loading
        return Application("the Flask app", None, partial(_fail, error))
    except click.ClickException as error:
        raise CommandError(error.format_message()) from error
    except Exception as error:
        raise CommandError(f"The Flask app cannot be loaded. {explain(error)}") from error
    try:
        return application_of_flask(app)
    except RuntimeError as error:
        raise CommandError(str(error)) from error


def _fail(error: ConfigError) -> Any:
    raise error
