"""The entry point of the command `ai-client`."""

from .commands.main import main

__all__ = ["main"]
