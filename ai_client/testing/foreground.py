"""The upstream as a command, which serves until it is ended."""

import argparse
import errno
import signal
import threading
from collections.abc import Callable
from types import FrameType


class UnservedError(Exception):
    """Nothing can be served at an address; the message says why and what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments to a parser."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument(
        "--delay", type=float, default=0, help="seconds between streamed chunks (default: %(default)s)"
    )


def serve(options: argparse.Namespace, show: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        options: The arguments.
        show: Shows a line to the user, at once.

    Raises:
        UnservedError: It is not possible to listen at the address.
    """
    from ai_client.testing.server import Upstream

    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    upstream = Upstream(host=options.host, port=options.port, delay=options.delay, record=False)
    try:
        upstream.start()
    except (OSError, OverflowError) as error:
        raise UnservedError(_explained(error, options.host, options.port)) from error
    try:
        show(f"Offline upstream at {upstream.base_url}")
        ended.wait()
    finally:
        upstream.stop()


def _explained(error: OSError | OverflowError, host: str, port: int) -> str:
    if isinstance(error, OverflowError):
        return f"Port {port} does not exist. Choose one from 0 to 65535 with --port."
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use. Stop the process that uses it, or choose another with --port."
        )
    return f"Cannot listen on {host}, port {port}: {error.strerror or error}."
