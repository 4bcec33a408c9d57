"""The sub-commands by name, in the order of the help."""

from collections.abc import Mapping

from . import doctor, upstream
from .command import Command

_ALL: tuple[Command, ...] = (doctor, upstream)
COMMANDS: Mapping[str, Command] = {command.NAME: command for command in _ALL}
