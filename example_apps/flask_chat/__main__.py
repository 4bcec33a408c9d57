"""Start the chat: `python -m example_apps.flask_chat --port 8000`."""

import logging
import socket
import sys

from werkzeug.serving import make_server

from example_apps._start import start

from .app import create_app


def serve(listener: socket.socket) -> None:
    """Run the application in threads of this process until Ctrl-C."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    host, port = listener.getsockname()[:2]
    server = make_server(host, port, create_app(), threaded=True, fd=listener.fileno())
    try:
        server.serve_forever()
    finally:
        server.server_close()


if __name__ == "__main__":
    sys.exit(start("demo-flask", serve))
