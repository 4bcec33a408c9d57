"""Start the chat: `python -m example_apps.fastapi_chat --port 8000`."""

import socket
import sys

import uvicorn

from example_apps._start import SECONDS_TO_FINISH, start

from .app import create_app


def serve(listener: socket.socket) -> None:
    """Run the application until a signal ends it."""
    config = uvicorn.Config(create_app(), log_level="warning", timeout_graceful_shutdown=SECONDS_TO_FINISH)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(start("demo", serve))
