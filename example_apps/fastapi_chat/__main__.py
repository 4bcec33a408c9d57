"""Start the chat: `python -m example_apps.fastapi_chat --port 8000`."""

import argparse
import os
import socket
import sys
from contextlib import suppress
from typing import Any

import uvicorn

from ai_client.testing import Upstream

from .app import create_app

SECONDS_BETWEEN_WORDS = 0.03
SECONDS_TO_FINISH = 5


def main() -> int:
    """Serve until Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m example_apps.fastapi_chat")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
    options = parser.parse_args()
    try:
        listener = socket.create_server((options.host, options.port), backlog=2048)
    except OSError as error:
        print(
            f"Cannot listen on {options.host}, port {options.port}: {os.strerror(error.errno or 0)}. "
            "Stop what uses it, or choose another port: --port 8001, make demo PORT=8001.",
            file=sys.stderr,
        )
        return 1
    url = f"http://{options.host}:{listener.getsockname()[1]}"
    with listener:
        if os.environ.get("OPENAI_API_KEY"):
            serve(listener, url)
        else:
            with Upstream(delay=SECONDS_BETWEEN_WORDS, record=False) as upstream:
                print("OPENAI_API_KEY is not set: the offline upstream answers, with made-up words.")
                serve(listener, url, offline=True, base_url=upstream.base_url, api_key="offline")
    return 0


def serve(listener: socket.socket, url: str, **options: Any) -> None:
    """Run the application until a signal ends it."""
    config = uvicorn.Config(
        create_app(**options), log_level="warning", timeout_graceful_shutdown=SECONDS_TO_FINISH
    )
    print(f"Chat is at {url} (Ctrl-C ends it)", flush=True)
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after an orderly end
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
