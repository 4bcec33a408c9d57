"""The sub-commands of `ai-client`, `flask ai-client` and `manage.py ai_client`, from one source.

Each is a module with `NAME`, `HELP`, `add_arguments` and `run`, listed in `COMMANDS`. Nothing heavy is imported
until one runs.
"""

from .command import (
    Command as Command,
    CommandError as CommandError,
    ExitCode as ExitCode,
    described as described,
)
from .explained import explain as explain
from .listed import COMMANDS as COMMANDS
from .output import Output as Output
from .running import attempt as attempt, perform as perform

__all__ = [
    "COMMANDS",
    "Command",
    "CommandError",
    "ExitCode",
    "Output",
    "attempt",
    "described",
    "explain",
    "perform",
]
