"""Start the chat: `python -m example_apps.django_chat --port 8000`."""

import os
import socket
import sys

import uvicorn

from example_apps._start import SECONDS_TO_FINISH, start


def serve(listener: socket.socket) -> None:
    """Run the project until a signal ends it."""
    config = uvicorn.Config(
        "example_apps.django_chat.asgi:application",
        log_level="warning",
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_DEBUG", "1")
    sys.exit(start("demo-django", serve))
