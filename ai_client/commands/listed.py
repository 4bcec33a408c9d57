"""The sub-commands by name, in the order of the help."""

from collections.abc import Mapping

from . import breakers, budgets, cache, call, doctor, scan, upstream, usage
from .command import Command

_ALL: tuple[Command, ...] = (doctor, usage, budgets, cache, breakers, call, scan, upstream)
COMMANDS: Mapping[str, Command] = {command.NAME: command for command in _ALL}
