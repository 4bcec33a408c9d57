"""Start an example from the command line: its address, and the offline upstream where there is no key."""

import argparse
import os
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from ipaddress import ip_address

from ai_client.testing import Upstream

from ._chat import DASHBOARD, LOCAL, OFFLINE, dashboard
from ._offline.answers import prepare
from ._offline.terminal import log_briefly
from ._offline.traffic import traffic

SECONDS_BETWEEN_WORDS = 0.03
SECONDS_TO_FINISH = 5


def start(target: str, serve: Callable[[socket.socket], None]) -> int:
    """Serve on the address of the command line until Ctrl-C; return the exit code.

    Args:
        target: The target in the Makefile that starts this example.
        serve: Serves on a listening socket until `KeyboardInterrupt`. The environment holds the client's
            options.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
    options = parser.parse_args()
    try:
        opened = socket.create_server((options.host, options.port), backlog=2048)
    except OSError as error:
        print(
            f"Cannot listen on {options.host}, port {options.port}: {os.strerror(error.errno or 0)}. "
            f"Stop the process that uses it, or choose another port: --port 8001, make {target} PORT=8001.",
            file=sys.stderr,
        )
        return 1
    with ExitStack() as stack:
        # asyncio disables Nagle's algorithm only on sockets that report their protocol; this constructor detects it
        listener = stack.enter_context(socket.socket(fileno=opened.detach()))
        url = f"http://{options.host}:{listener.getsockname()[1]}"
        if not os.environ.get("OPENAI_API_KEY"):
            upstream = stack.enter_context(Upstream(delay=SECONDS_BETWEEN_WORDS, record=False))
            prepare(upstream)
            os.environ.update(
                {"OPENAI_API_KEY": "offline", "OPENAI_BASE_URL": upstream.base_url, OFFLINE: "1"}
            )
            print("OPENAI_API_KEY is not set: the offline upstream answers, with canned text.")
            if ip_address(listener.getsockname()[0]).is_loopback:
                os.environ.update({LOCAL: url, "AI_CLIENT_WARN_ON_EXTRA_CLIENTS": "1"})
                stack.callback(traffic.stop)
                log_briefly()
        print(f"Chat is at {url} (Ctrl-C ends it)")
        if dashboard() is not None:
            print(f"The dashboard is at {url}{DASHBOARD}")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            serve(listener)
    return 0
